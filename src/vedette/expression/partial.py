"""What can be said of a window of which only a part was seen: what no request that is missing can undo.

Sums only grow with what is missing. A share or a duration is taken as it was seen.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from vedette.expression.evaluate import Truth, Values, number, truth
from vedette.expression.measures import MEASURES
from vedette.expression.tree import Arithmetic, Comparison, Name, Negative, Node
from vedette.expression.types import constant


class Trend(IntEnum):
    """Where a number may be for the whole window."""

    STEADY = 0
    UP = 1
    DOWN = -1
    ANYWHERE = 2

    def turned(self) -> "Trend":
        """That of the number with its sign turned."""
        return {Trend.UP: Trend.DOWN, Trend.DOWN: Trend.UP}.get(self, self)


def truth_of_part(node: Node, values: Values, partial: NDArray[np.bool_]) -> Truth:
    """Where a condition holds for whole windows, and where it does not; see `truth`.

    Args:
        node: A checked condition. values: Its measures, of what was seen.
        partial: bool (k,): windows of which only a part was.
    """
    size = len(partial)
    if not partial.any():
        return truth(node, values, size)

    def compare(comparison: Comparison) -> Truth:
        seen = truth(comparison, values, size)
        lasts, lasts_not = _lasting(comparison, values, size)
        return Truth(seen.yes & (lasts | ~partial), seen.no & (lasts_not | ~partial))

    return truth(node, values, size, compare)


def _lasting(node: Comparison, values: Values, size: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where nothing missing can undo that a comparison holds, and that it does not, bool (k,) each."""
    trend = _sum(_trend(node.left), _trend(node.right).turned())
    every, none = np.ones(size, dtype=bool), np.zeros(size, dtype=bool)
    if trend is Trend.STEADY:
        return every, every
    if trend is Trend.ANYWHERE:
        return none, none
    if node.operator in (">", ">="):
        return (every, none) if trend is Trend.UP else (none, every)
    if node.operator in ("<", "<="):
        return (every, none) if trend is Trend.DOWN else (none, every)
    # Sides that differ already differ for good where they only move apart.
    left, right = number(node.left, values, size), number(node.right, values, size)
    apart = left > right if trend is Trend.UP else left < right
    return (apart, none) if node.operator == "!=" else (none, apart)


def _trend(node: Node) -> Trend:
    match node:
        case Name():
            return Trend.UP if MEASURES[node.name].summed else Trend.STEADY
        case Negative():
            return _trend(node.of).turned()
        case Arithmetic():
            return _combined(node)
    return Trend.STEADY


def _combined(node: Arithmetic) -> Trend:
    left, right = _trend(node.left), _trend(node.right)
    if node.operator == "+":
        return _sum(left, right)
    if node.operator == "-":
        return _sum(left, right.turned())
    if Trend.STEADY is left is right:
        return left
    if constant(node.right):
        return _scaled(left, node.right)
    if node.operator == "*" and constant(node.left):
        return _scaled(right, node.left)
    # One sum of another is a share; of other products and quotients nothing is known.
    if (
        node.operator == "/"
        and isinstance(node.left, Name)
        and isinstance(node.right, Name)
        and left is right
    ):
        return Trend.STEADY
    return Trend.ANYWHERE


def _sum(first: Trend, second: Trend) -> Trend:
    if first is Trend.STEADY or first is second:
        return second
    return first if second is Trend.STEADY else Trend.ANYWHERE


def _scaled(trend: Trend, factor: Node) -> Trend:
    by = float(number(factor, {}, 1)[0])
    if by > 0:
        return trend
    return trend.turned() if by < 0 else Trend.STEADY

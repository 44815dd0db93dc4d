"""Evaluate a parsed expression over many windows at once.

Three-valued, after Kleene: a comparison with a number that is not known (no duration was logged, nothing was
asked, a division by zero) is neither true nor false, and what rests on it alone is not known either.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vedette.expression.tree import Arithmetic, Both, Comparison, Name, Negative, Node, Not, Number
from vedette.expression.types import constant

Values = Mapping[str, NDArray[np.float64]]
"""Measures by name, float64 (k,), NaN where not known."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Where a condition holds and where it does not, bool (k,); neither where it is not known."""

    yes: NDArray[np.bool_]
    no: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Reason:
    """The comparison that a condition rests on in one window.

    Attributes:
        comparison: The comparison. observed: The side that holds a measure (the left of two). limit: The other.
        above: Whether the condition holds because `observed` is above the limit; else it is at or below.
    """

    comparison: Comparison
    observed: Node
    limit: Node
    above: bool


def truth(node: Node, values: Values, size: int) -> Truth:
    """Where a condition holds.

    Args:
        node: A checked condition. values: Its measures. size: k.
    """
    match node:
        case Both():
            left, right = truth(node.left, values, size), truth(node.right, values, size)
            if node.operator == "and":
                return Truth(left.yes & right.yes, left.no | right.no)
            return Truth(left.yes | right.yes, left.no & right.no)
        case Not():
            inner = truth(node.of, values, size)
            return Truth(inner.no, inner.yes)
        case Comparison():
            first, second = number(node.left, values, size), number(node.right, values, size)
            known = np.isfinite(first) & np.isfinite(second)
            holds = _COMPARE[node.operator](first, second)
            return Truth(known & holds, known & ~holds)
    raise TypeError(f"{type(node).__name__} is no condition")


def number(node: Node, values: Values, size: int) -> NDArray[np.float64]:
    """A number of a checked expression, float64 (k,); not finite where not known."""
    match node:
        case Number():
            return np.full(size, node.value)
        case Name():
            return values[node.name]
        case Negative():
            return -number(node.of, values, size)
        case Arithmetic():
            left, right = number(node.left, values, size), number(node.right, values, size)
            with np.errstate(all="ignore"):
                return np.asarray(_ARITHMETIC[node.operator](left, right), dtype=np.float64)
    raise TypeError(f"{type(node).__name__} is no number")


def reason(node: Node, values: Values) -> Reason:
    """The first comparison that makes a condition hold in a single window (arrays of one).

    Raises:
        ValueError: It does not hold.
    """
    for comparison, wanted in _leaves(node, wanted=True):
        held = truth(comparison, values, 1)
        if (held.yes if wanted else held.no)[0]:
            swapped = constant(comparison.left)
            observed, limit = comparison.left, comparison.right
            if swapped:
                observed, limit = limit, observed
            above = (comparison.operator in (">", ">=", "!=")) == wanted
            if comparison.operator in ("<", "<=", ">", ">=") and swapped:
                above = not above
            return Reason(comparison, observed, limit, above)
    raise ValueError("the condition does not hold")


def _leaves(node: Node, *, wanted: bool) -> Iterator[tuple[Comparison, bool]]:
    match node:
        case Comparison():
            yield node, wanted
        case Not():
            yield from _leaves(node.of, wanted=not wanted)
        case Both():
            yield from _leaves(node.left, wanted=wanted)
            yield from _leaves(node.right, wanted=wanted)


_COMPARE = {
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
_ARITHMETIC = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}

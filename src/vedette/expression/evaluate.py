"""Evaluate a parsed expression over many windows at once.

Three-valued, after Kleene: a comparison with a number that is not known (no duration was logged, nothing was
asked, a division by zero) is neither true nor false, and what rests on it alone is not known either.
"""

from collections.abc import Callable, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.expression.tree import Arithmetic, Both, Comparison, Name, Negative, Node, Not, Number
from vedette.expression.types import constant

Values = Mapping[str, NDArray[np.float64]]
"""Measures by name, float64 (k,), NaN where not known."""


class Truth(msgspec.Struct, frozen=True):
    """Where a condition holds and where it does not, bool (k,); neither where it is not known."""

    yes: NDArray[np.bool_]
    no: NDArray[np.bool_]


class Reason(msgspec.Struct, frozen=True):
    """The comparison that a condition rests on in one window.

    Attributes:
        comparison: The comparison. observed: The side that holds a measure (the left of two). limit: The other.
        above: Whether the condition holds because `observed` is above the limit; else it is at or below.
    """

    comparison: Comparison
    observed: Node
    limit: Node
    above: bool


def truth(
    node: Node, values: Values, size: int, compare: Callable[[Comparison], Truth] | None = None
) -> Truth:
    """Where a condition holds.

    Args:
        node: A checked condition. values: Its measures. size: k.
        compare: Where a comparison holds, if not by its numbers alone.
    """
    match node:
        case Both():
            left, right = (truth(side, values, size, compare) for side in (node.left, node.right))
            if node.operator == "and":
                return Truth(left.yes & right.yes, left.no | right.no)
            return Truth(left.yes | right.yes, left.no & right.no)
        case Not():
            inner = truth(node.of, values, size, compare)
            return Truth(inner.no, inner.yes)
        case Comparison():
            if compare is not None:
                return compare(node)
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
                result = np.asarray(_ARITHMETIC[node.operator](left, right), dtype=np.float64)
            # What was divided by zero is not known, nor what is divided by it: an infinity would make that zero.
            return np.where(np.isfinite(result), result, np.nan)
    raise TypeError(f"{type(node).__name__} is no number")


def reason(node: Node, values: Values) -> Reason:
    """The first comparison that a condition rests on where it holds, in a single window (arrays of one).

    Raises:
        ValueError: It does not hold.
    """
    if not truth(node, values, 1).yes[0]:
        raise ValueError("the condition does not hold")
    comparison, wanted = _deciding(node, values, wanted=True)
    observed, limit = comparison.left, comparison.right
    above = (comparison.operator in (">", ">=", "!=")) == wanted
    if constant(observed):
        observed, limit = limit, observed
        if comparison.operator in ("<", "<=", ">", ">="):
            above = not above
    return Reason(comparison, observed, limit, above)


def _deciding(node: Node, values: Values, *, wanted: bool) -> tuple[Comparison, bool]:
    """The first comparison that makes a condition hold (`wanted`) or not, which it does."""
    match node:
        case Comparison():
            return node, wanted
        case Not():
            return _deciding(node.of, values, wanted=not wanted)
        case Both():
            held = truth(node.left, values, 1)
            # Of what takes both sides the left one is told first; otherwise a side that suffices.
            side = node.left if (held.yes if wanted else held.no)[0] else node.right
            return _deciding(side, values, wanted=wanted)
    raise TypeError(f"{type(node).__name__} is no condition")


_COMPARE = {
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
_ARITHMETIC = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}

"""Whether an expression makes sense: conditions where conditions belong, and units that agree."""

from collections.abc import Mapping
from typing import NoReturn

from vedette.expression.errors import ExpressionError
from vedette.expression.measures import MEASURES, Measure
from vedette.expression.quantities import BYTES, BYTES_PER_SECOND, PER_SECOND, SECONDS, Kind, Quantity
from vedette.expression.tree import Arithmetic, Both, Comparison, Name, Negative, Node, Not, Number, render

_EXAMPLES = {
    SECONDS.dimension: "500 ms",
    BYTES.dimension: "2 MiB",
    PER_SECOND.dimension: "10/s",
    BYTES_PER_SECOND.dimension: "2 MB/s",
}


def check(text: str, node: Node) -> None:
    """See that a tree is a condition whose parts agree.

    Args:
        text: The whole expression, for the error.
        node: Its tree.

    Raises:
        ExpressionError: It is not.
    """
    _Checker(text).condition(node)


def quantity(node: Node, text: str = "", measures: Mapping[str, Measure] = MEASURES) -> Quantity:
    """What a number measures.

    Args:
        text: The whole expression, for the error; of a checked tree there is none. measures: By name.

    Raises:
        ExpressionError: Its parts do not agree, or it is no number.
    """
    return _Checker(text, measures).number(node)


def constant(node: Node) -> bool:
    """Whether no measure stands in a number."""
    match node:
        case Name():
            return False
        case Arithmetic():
            return constant(node.left) and constant(node.right)
        case Negative():
            return constant(node.of)
    return True


class _Checker:
    def __init__(self, text: str, measures: Mapping[str, Measure] = MEASURES) -> None:
        self._text = text
        self._measures = measures

    def _refuse(self, node: Node, problem: str) -> NoReturn:
        first, end = node.place
        raise ExpressionError(self._text, first, end - first, problem)

    def condition(self, node: Node) -> None:
        match node:
            case Both():
                self.condition(node.left)
                self.condition(node.right)
            case Not():
                self.condition(node.of)
            case Comparison():
                self._comparison(node)
            case _:
                self.number(node)
                self._refuse(
                    node, f"`{_cut(node)}` is no condition: compare it, like `{_cut(node)} > {_like(node)}`"
                )

    def number(self, node: Node) -> Quantity:
        match node:
            case Number():
                return node.quantity
            case Name():
                return self._measures[node.name].quantity
            case Negative():
                return self.number(node.of)
            case Arithmetic():
                return self._arithmetic(node)
            case _:
                problem = f"`{_cut(node)}` is a condition, where a number belongs: compare numbers only"
                return self._refuse(node, problem)

    def _arithmetic(self, node: Arithmetic) -> Quantity:
        left, right = self.number(node.left), self.number(node.right)
        if node.operator == "*":
            return left * right
        if node.operator == "/":
            return left / right
        self._agree(node, left, right, "added" if node.operator == "+" else "subtracted")
        return right if left.kind is Kind.PLAIN else left

    def _comparison(self, node: Comparison) -> None:
        left, right = self.number(node.left), self.number(node.right)
        self._agree(node, left, right, "compared")
        if constant(node.left) and constant(node.right):
            self._refuse(node, "compares two constants, and so is always the same: name a measure")
        for side, other in ((node.left, right), (node.right, left)):
            if other.kind is Kind.SHARE and isinstance(side, Number) and side.value > 1:
                self._refuse(
                    side, f"a share is from 0 to 1 and is never {side.text}: write {side.value:g} % or 0.05"
                    if side.quantity.kind is Kind.PLAIN
                    else f"a share is never more than 100 %: {side.text} is never reached",
                )  # fmt: skip

    def _agree(self, node: Arithmetic | Comparison, left: Quantity, right: Quantity, what: str) -> None:
        if left.fits(right):
            return
        for side, mine, other in ((node.right, right, left), (node.left, left, right)):
            if isinstance(side, Number) and mine.dimension == (0, 0) and mine.kind is Kind.PLAIN:
                example = _EXAMPLES.get(other.dimension)
                if example is not None:
                    of = node.left if side is node.right else node.right
                    self._refuse(side, f"`{_cut(of)}` is {other}: give {side.text} a unit, like {example}")
        self._refuse(
            node, f"`{_cut(node.left)}` is {left}, `{_cut(node.right)}` is {right}: they cannot be {what}"
        )


def _cut(node: Node) -> str:
    text = render(node)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _like(node: Node) -> str:
    """A number that a measure could be compared with."""
    measured = quantity(node)
    if measured.kind is Kind.SHARE:
        return "5 %"
    return _EXAMPLES.get(measured.dimension, "100")

"""An expression, parsed. Two trees are equal if they say the same, wherever that stood."""

import math
from dataclasses import dataclass, field
from typing import TypeAlias

from vedette.expression.quantities import Quantity

Place: TypeAlias = tuple[int, int]
"""0-based first and last-but-one column in the text."""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal. `value` is in seconds, bytes, per second or plain; `text` as it was written."""

    value: float
    quantity: Quantity
    text: str
    place: Place = field(compare=False, default=(0, 0))


@dataclass(frozen=True, slots=True)
class Name:
    """A measure of the window."""

    name: str
    place: Place = field(compare=False, default=(0, 0))


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`+`, `-`, `*` or `/` of two numbers."""

    operator: str
    left: "Node"
    right: "Node"
    place: Place = field(compare=False, default=(0, 0))


@dataclass(frozen=True, slots=True)
class Negative:
    """A number with its sign turned."""

    of: "Node"
    place: Place = field(compare=False, default=(0, 0))


@dataclass(frozen=True, slots=True)
class Comparison:
    """`>`, `>=`, `<`, `<=`, `==` or `!=` of two numbers."""

    operator: str
    left: "Node"
    right: "Node"
    place: Place = field(compare=False, default=(0, 0))


@dataclass(frozen=True, slots=True)
class Both:
    """`and` or `or` of two conditions."""

    operator: str
    left: "Node"
    right: "Node"
    place: Place = field(compare=False, default=(0, 0))


@dataclass(frozen=True, slots=True)
class Not:
    """A condition that must not hold."""

    of: "Node"
    place: Place = field(compare=False, default=(0, 0))


Node: TypeAlias = Number | Name | Arithmetic | Negative | Comparison | Both | Not


@dataclass(frozen=True, slots=True)
class Duration:
    """How long a condition must hold: so many windows, or so many seconds (None: the other)."""

    windows: int | None = None
    seconds: float | None = None
    text: str = field(compare=False, default="")
    """As it was written, of seconds."""

    def in_windows(self, span_s: float) -> int:
        """Consecutive windows of that span, at least one."""
        if self.windows is not None:
            return self.windows
        # A duration is covered by whole windows; the tolerance is for 3 * 0.1.
        return max(1, math.ceil((self.seconds or 0.0) / span_s - 1e-9))


@dataclass(frozen=True, slots=True)
class Condition:
    """A whole rule: what must hold, and for how long."""

    node: Node
    duration: Duration = Duration(windows=1)
    names: tuple[str, ...] = field(compare=False, default=())
    """The measures that it asks for, in the order of their first mention."""

    def __str__(self) -> str:
        text = render(self.node)
        if self.duration.windows is None:
            return f"{text} for {self.duration.text}"
        number = self.duration.windows
        return text if number == 1 else f"{text} for {number} windows"


def render(node: Node) -> str:
    """The text of a tree, with no more brackets than it needs."""
    return _render(node, 0)


_STRENGTH = {"or": 1, "and": 2, "+": 5, "-": 5, "*": 6, "/": 6}
_NOT, _COMPARE, _SIGN = 3, 4, 7


def _render(node: Node, least: int) -> str:
    match node:
        case Number():
            return node.text
        case Name():
            return node.name
        case Not():
            strength, text = _NOT, f"not {_render(node.of, _NOT)}"
        case Negative():
            strength, text = _SIGN, f"-{_render(node.of, _SIGN)}"
        case Comparison():
            strength = _COMPARE
            left, right = _render(node.left, _COMPARE + 1), _render(node.right, _COMPARE + 1)
            text = f"{left} {node.operator} {right}"
        case Both() | Arithmetic():
            strength = _STRENGTH[node.operator]
            # Equal strength groups to the left.
            text = f"{_render(node.left, strength)} {node.operator} {_render(node.right, strength + 1)}"
    return f"({text})" if strength < least else text

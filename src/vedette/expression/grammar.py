"""From tokens to a tree, by recursive descent.

    rule       = condition [ "for" ( WHOLE "windows" | NUMBER TIME ) ]
    condition  = both { "or" both }             both  = not { "and" not }
    not        = "not" not | comparison
    comparison = sum [ ( ">" | ">=" | "<" | "<=" | "==" | "!=" ) sum ]
    sum        = product { ( "+" | "-" ) product }
    product    = sign { ( "*" | "/" ) sign }    sign  = "-" sign | atom
    atom       = NUMBER [ UNIT ] [ "/" TIME ] | NAME | "(" condition ")"

Conditions and numbers share one grammar; which is which is told by `vedette.expression.types`, whose messages
are clearer for it.
"""

import difflib
import math
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

from vedette.expression.errors import ExpressionError
from vedette.expression.measures import MEASURES, Measure
from vedette.expression.quantities import PER_SECOND, PLAIN, TIMES, UNITS, Quantity
from vedette.expression.tokens import Piece, Token, pieces
from vedette.expression.tree import (
    Arithmetic,
    Both,
    Comparison,
    Condition,
    Duration,
    Name,
    Negative,
    Node,
    Not,
    Number,
    Place,
)
from vedette.expression.types import check, quantity

DEEPEST: Final = 20
"""Brackets and signs within each other, at most."""
MOST_WINDOWS: Final = 1_440
"""Windows that a condition may have to hold for."""
_LONGEST_S: Final = 7 * 86_400.0
_LARGEST: Final = 1e18
_TELLING: Final = 3
"""Letters that say which measure is meant by a part of its name: p95."""

_COMPARES: Final = frozenset({">", ">=", "<", "<=", "==", "!="})
_WORDS: Final = frozenset({"and", "or", "not", "for", "windows", "window"})


def parse(text: str) -> Condition:
    """Read a rule's expression.

    Raises:
        ExpressionError: It is none; the error says where, what and the remedy.
    """
    return _Parser(text).rule()


def parse_number(text: str, measures: Mapping[str, Measure]) -> tuple[Node, tuple[str, ...], Quantity]:
    """Read an expression that is a number: its tree, the measures that it names, and what it measures.

    Args:
        measures: That it may name.

    Raises:
        ExpressionError: It is none; the error says where, what and the remedy.
    """
    return _Parser(text, measures).number()


class _Parser:
    def __init__(self, text: str, measures: Mapping[str, Measure] = MEASURES) -> None:
        self._text = text
        self._measures = measures
        self._pieces = pieces(text)
        self._at = 0
        self._depth = 0
        self._names: dict[str, None] = {}

    def rule(self) -> Condition:
        if not self._next.text:
            self._refuse(self._next.place, "empty: write a condition, like `error_rate > 5 % for 3 windows`")
        node = self._condition()
        duration = self._duration() if self._took("for") else Duration(windows=1)
        if self._next.text:
            self._refuse(self._next.place, self._left_over())
        check(self._text, node)
        return Condition(node, duration, tuple(self._names))

    def number(self) -> tuple[Node, tuple[str, ...], Quantity]:
        if not self._next.text:
            self._refuse(self._next.place, "empty: write a number, like `bytes_out / requests`")
        node = self._sum()
        if self._next.text:
            problem = f"`{self._next.text}` does not follow here: an expression of a feature is one number"
            self._refuse(self._next.place, problem)
        measured = quantity(node, self._text, self._measures)
        if not self._names:
            self._refuse(node.place, "is always the same: name a measure, like `requests`")
        return node, tuple(self._names), measured

    @property
    def _next(self) -> Piece:
        return self._pieces[self._at]

    def _took(self, *words: str) -> Piece | None:
        """The next token if it is one of these, which is then passed."""
        piece = self._next
        if piece.token in (Token.NAME, Token.OPERATOR) and piece.text in words:
            self._at += 1
            return piece
        return None

    def _refuse(self, place: Place, problem: str) -> NoReturn:
        raise ExpressionError(self._text, place[0], place[1] - place[0], problem)

    def _deeper(self, inner: Callable[[], Node], opened: Piece) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            self._refuse(opened.place, f"nested more than {DEEPEST} deep: make it several rules")
        node = inner()
        self._depth -= 1
        return node

    def _condition(self) -> Node:
        left = self._both()
        while self._took("or"):
            right = self._both()
            left = Both("or", left, right, (left.place[0], right.place[1]))
        return left

    def _both(self) -> Node:
        left = self._not()
        while self._took("and"):
            right = self._not()
            left = Both("and", left, right, (left.place[0], right.place[1]))
        return left

    def _not(self) -> Node:
        word = self._took("not")
        if word is None:
            return self._comparison()
        node = self._deeper(self._not, word)
        return Not(node, (word.column, node.place[1]))

    def _comparison(self) -> Node:
        left = self._sum()
        operator = self._took(*_COMPARES)
        if operator is None:
            return left
        right = self._sum()
        again = self._took(*_COMPARES)
        if again is not None:
            self._refuse(again.place, "comparisons are not chained: write `a < b and b < c`")
        return Comparison(operator.text, left, right, (left.place[0], right.place[1]))

    def _sum(self) -> Node:
        left = self._product()
        while operator := self._took("+", "-"):
            right = self._product()
            left = Arithmetic(operator.text, left, right, (left.place[0], right.place[1]))
        return left

    def _product(self) -> Node:
        left = self._sign()
        while operator := self._took("*", "/"):
            right = self._sign()
            left = Arithmetic(operator.text, left, right, (left.place[0], right.place[1]))
        return left

    def _sign(self) -> Node:
        minus = self._took("-")
        if minus is None:
            return self._atom()
        node = self._deeper(self._sign, minus)
        return Negative(node, (minus.column, node.place[1]))

    def _atom(self) -> Node:
        piece = self._next
        if opened := self._took("("):
            node = self._deeper(self._condition, opened)
            if self._took(")"):
                return node
            self._refuse(opened.place, "this bracket is not closed: add `)`")
        if piece.token is Token.NUMBER:
            return self._number()
        if piece.token is not Token.NAME or piece.text in _WORDS:
            found = "the end" if piece.token is Token.END else f"`{piece.text}`"
            self._refuse(piece.place, f"here stands {found}, where a number, a measure or `(` belongs")
        if piece.text not in self._measures:
            self._refuse(piece.place, _unknown(piece.text, self._measures))
        self._at += 1
        self._names[piece.text] = None
        return Name(piece.text, piece.place)

    def _number(self) -> Number:
        piece = self._next
        self._at += 1
        value, quantity, end = self._value(piece), PLAIN, piece.place[1]
        unit = self._next
        if unit.text in UNITS:
            self._at += 1
            factor, quantity = UNITS[unit.text]
            value, end = value * factor, unit.place[1]
        elif unit.token is Token.NAME and unit.text not in _WORDS:
            self._refuse(unit.place, _no_unit(unit.text))
        following = self._pieces[min(self._at + 1, len(self._pieces) - 1)]
        if self._next.text == "/" and following.token is Token.NAME and following.text in TIMES:
            self._at += 2
            value /= TIMES[following.text]
            quantity = quantity * PER_SECOND
            end = following.place[1]
        return Number(value, quantity, " ".join(self._text[piece.column : end].split()), (piece.column, end))

    def _value(self, piece: Piece) -> float:
        value = float(piece.text)
        if not math.isfinite(value) or value > _LARGEST:
            self._refuse(piece.place, f"must be at most {_LARGEST:g}")
        return value

    def _duration(self) -> Duration:
        piece = self._next
        if piece.token is not Token.NUMBER:
            self._refuse(piece.place, "after `for` belongs how long: `3 windows`, or `5 min`")
        self._at += 1
        value = self._value(piece)
        if self._took("windows", "window"):
            if value != int(value) or not 1 <= value <= MOST_WINDOWS:
                self._refuse(piece.place, f"windows are a whole number from 1 to {MOST_WINDOWS}")
            return Duration(windows=int(value))
        unit = self._next
        if unit.text not in TIMES:
            self._refuse(unit.place, "here belongs `windows`, or a unit of time: " + ", ".join(TIMES))
        self._at += 1
        seconds = value * TIMES[unit.text]
        if not 0 < seconds <= _LONGEST_S:
            self._refuse((piece.column, unit.place[1]), "must be longer than nothing, and at most 7 d")
        return Duration(seconds=seconds, text=f"{piece.text} {unit.text}")

    def _left_over(self) -> str:
        piece = self._next
        if piece.text == ")":
            return "this bracket closes nothing: remove it"
        if piece.text == "%":
            return "a percent sign stands after a number: 5 %"
        if piece.text in ("windows", "window"):
            return "say how long with `for`: `for 3 windows`"
        return f"`{piece.text}` does not follow here: put `and` or `or` between conditions"


def _unknown(name: str, measures: Mapping[str, Measure]) -> str:
    like = difflib.get_close_matches(name, measures, n=1, cutoff=0.6)
    if name.lower() in ("true", "false", "none", "null"):
        return f"`{name}` is not read: a rule compares measures with numbers"
    if not like and len(name) >= _TELLING:
        like = sorted((known for known in measures if name.lower() in known), key=len)
    if like:
        return f"there is no measure `{name}`; did you mean `{like[0]}`?"
    where = (
        "`vedette rules metrics` lists them" if measures is MEASURES else f"there are {', '.join(measures)}"
    )
    return f"there is no measure `{name}`; {where}"


def _no_unit(name: str) -> str:
    like = difflib.get_close_matches(name, UNITS, n=1, cutoff=0.5)
    lower = {known.lower(): known for known in UNITS}
    close = lower.get(name.lower()) or (like[0] if like else None)
    known = ", ".join(UNITS)
    return f"there is no unit `{name}`; " + (f"did you mean `{close}`?" if close else f"units are {known}")

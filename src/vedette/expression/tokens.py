"""An expression's text, cut into tokens."""

import re
from enum import Enum

import msgspec

from vedette.expression.errors import ExpressionError
from vedette.expression.tree import Place

LONGEST = 1_000
"""Characters of an expression, at most."""
MOST_TOKENS = 250


class Token(Enum):
    """What a piece of text is."""

    NUMBER = "number"
    NAME = "name"
    OPERATOR = "operator"
    END = "end"


class Piece(msgspec.Struct, frozen=True):
    """A token and where it stands."""

    token: Token
    text: str
    column: int

    @property
    def place(self) -> Place:
        """Its first column, and the one after its last."""
        return self.column, self.column + len(self.text)


_PATTERN = re.compile(
    r"(?P<blank>[ \t\r\n]+)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?)"
    r"|(?P<name>[A-Za-zµ_][A-Za-z0-9_]*)"
    r"|(?P<operator>>=|<=|==|!=|[-+*/()<>%])"
)
_STRANGERS = {
    "=": "a single = sets nothing here: compare with ==",
    "&": "'&' is not read: write `and`",
    "|": "'|' is not read: write `or`",
    "!": "'!' is not read: write `not`",
    ",": "a comma is not read: put `and` or `or` between conditions, and write 1000 for 1,000",
    "'": "text is not compared in a rule: name services and routes beside it, in `services` and `routes`",
    '"': "text is not compared in a rule: name services and routes beside it, in `services` and `routes`",
    ".": "a dot stands only between digits: write 0.5 for .5",
}


def pieces(text: str) -> list[Piece]:
    """Cut a text into tokens, the last of which is `END`.

    Raises:
        ExpressionError: It is too long, or holds a character that nothing begins with.
    """
    if len(text) > LONGEST:
        raise ExpressionError(
            text[:LONGEST], LONGEST, 1, f"{len(text)} characters: at most {LONGEST}: make it several rules"
        )
    found: list[Piece] = []
    column = 0
    while column < len(text):
        match = _PATTERN.match(text, column)
        if match is None:
            stranger = text[column]
            problem = _STRANGERS.get(stranger, f"{stranger!r} begins nothing that a rule can hold")
            raise ExpressionError(text, column, 1, problem)
        if match.lastgroup != "blank":
            found.append(Piece(Token(match.lastgroup), match[0], column))
        column = match.end()
        if len(found) > MOST_TOKENS:
            raise ExpressionError(
                text, found[-1].column, 1, f"more than {MOST_TOKENS} words and signs: make it several rules"
            )
    found.append(Piece(Token.END, "", len(text)))
    return found

r"""From a rule's pattern to an expression that is safe to run over many rows at once.

All rows of a batch stand in one buffer, each ended by NUL and `\n`, and are searched in one go. So no
expression may reach past its row, and each should report once per row, however often a hostile row repeats
what it looks for: reporting costs a Python call. An expression therefore ends in `[^\n]*\n`, which makes it
match exactly once, where its row ends; which text it was is found out only for the few rows that are shown to
someone (`locate`).
"""

import re

ROW_END = r"[^\n]*\n"

_OUTSIDE = {
    "s": r"[ +\r]",
    "S": r"[^ \r\n\x00]",
    "w": "[a-z0-9_]",
    "W": r"[^a-z0-9_\n\x00]",
    "d": "[0-9]",
    "D": r"[^0-9\n\x00]",
    "b": r"\b",
    "B": r"\B",
    "r": r"\r",
    "t": r"\t",
}
_INSIDE = {"s": r" +\r", "w": "a-z0-9_", "d": "0-9", "r": r"\r"}
_ENDLESS_TAIL = re.compile(r"(?<!\\)(?:[*+]|\{\d+,\})[?)]*$")


class PatternError(ValueError):
    """A pattern that cannot be run over many rows at once; the message says what to write instead."""


def prepare(pattern: str) -> str:
    r"""Rewrite a rule's pattern so that it stays inside its row.

    The pattern is a regular expression over decoded, lower-case text, in which white space is already folded:
    a run of it is one space, or one CR if it held a line break. `\s` stands for either, and for a `+`, which is
    a space that was encoded twice. `.` and negated
    classes never match the row's end. `^` and `$` are the ends of the row. Refused: what Hyperscan cannot do
    (lookaround, back references), what can never match (capital letters), what could cross rows (`\n`, inline
    flags), and a repetition without end at the pattern's end, which adds nothing.

    Raises:
        PatternError: With what to write instead.
    """
    if not pattern.isascii():
        raise PatternError(r"write bytes above 0x7F as \xhh")
    if _ENDLESS_TAIL.search(pattern):
        raise PatternError("ends in a repetition without end: leave it out, it decides nothing")
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            piece, at = _escape(pattern, at, _OUTSIDE)
            out.append(piece)
        elif char == "[":
            piece, at = _class(pattern, at)
            out.append(piece)
        elif char == "(" and pattern[at + 1 : at + 2] == "?" and pattern[at + 2 : at + 3] != ":":
            raise PatternError(
                "only plain groups and (?:...) are allowed: no lookaround, names or inline flags"
            )
        elif char.isupper():
            raise PatternError(f"capital {char!r} never matches: text is lower case")
        elif char in ".$":
            # The NUL that ends a row stands for `$`, which Hyperscan does not allow with anything after it.
            out.append(r"[^\n\x00]" if char == "." else r"\x00")
            at += 1
        elif char in "\r\n\t":
            raise PatternError("write white space as a space or \\s")
        else:
            out.append("(?:" if char == "(" and pattern[at + 1 : at + 2] != "?" else char)
            at += 1
    return "".join(out)


def row_expression(pattern: str) -> bytes:
    """The expression for the scan of a batch: matches once per row, where the row ends."""
    return to_row_end(prepare(pattern))


def to_row_end(prepared: str) -> bytes:
    """The same of a pattern that `prepare` has rewritten."""
    return f"(?:{prepared}){ROW_END}".encode("ascii")


def _escape(pattern: str, at: int, classes: dict[str, str]) -> tuple[str, int]:
    """Translate the escape at `at`; returns its replacement and where the pattern goes on."""
    char = pattern[at + 1 : at + 2]
    if char == "":
        raise PatternError("ends in a single backslash")
    if char == "x":
        digits = pattern[at + 2 : at + 4]
        if not re.fullmatch("[0-9a-f]{2}", digits):
            raise PatternError("\\x takes two lower-case hexadecimal digits")
        if digits in ("00", "0a"):
            raise PatternError("\\x00 and \\x0a end a row and never stand in it: a decoded line break is \\r")
        return pattern[at : at + 4], at + 4
    if char in classes:
        return classes[char], at + 2
    if char.isalnum():
        raise PatternError(f"\\{char} is not allowed here")
    return "\\" + char, at + 2


def _class(pattern: str, at: int) -> tuple[str, int]:
    """Translate the bracket expression at `at`."""
    out = ["["]
    at += 1
    negated = pattern[at : at + 1] == "^"
    if negated:
        out.append(r"^\n\x00")
        at += 1
    first = at
    low: int | None = None
    ranged = False
    while at < len(pattern) and (pattern[at] != "]" or at == first):
        char = pattern[at]
        if char == "\\":
            piece, end = _escape(pattern, at, _INSIDE)
            code = _code(pattern[at:end])
        elif char == "-" and low is not None and not ranged and pattern[at + 1 : at + 2] != "]":
            out.append("-")
            ranged = True
            at += 1
            continue
        elif char.isupper():
            raise PatternError(f"capital {char!r} never matches: text is lower case")
        elif char == "[" and pattern[at + 1 : at + 2] in (":", ".", "="):
            raise PatternError("POSIX classes are not allowed: write the characters")
        else:
            piece, end, code = char, at + 1, ord(char)
        if ranged and low is not None and code is not None and low <= 10 <= code and not negated:
            raise PatternError(r"a range over \x0a would cross rows: write \x01-\x09\x0b-...")
        low, ranged = (None, False) if ranged else (code, False)
        out.append(piece)
        at = end
    if at >= len(pattern):
        raise PatternError("a [ without its ]")
    return "".join([*out, "]"]), at + 1


def _code(escape: str) -> int | None:
    """The byte that an escape inside a class stands for, or None for a class escape."""
    if escape.startswith("\\x"):
        return int(escape.removeprefix("\\x"), 16)
    if escape[1:] in _INSIDE:
        return 13 if escape == "\\r" else None
    return ord(escape[1])

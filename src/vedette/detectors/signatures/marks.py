r"""Bytes that attacks hold and most requests do not, and which alternatives of a rule cannot do without them.

Most texts are words, numbers and what joins them in addresses. Half of what the rules look for holds a quotation mark,
a bracket, a line break or their like, so that only texts with such a mark need be searched for it. A third of the rest
holds a dot, as names of files do.
"""

import re
import warnings
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.lines.marked import keep_chosen, keep_marked

_JOINING = b"/._-=&~,:?%@+ "
_USUAL = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789" + _JOINING)
_ROW_END = frozenset(b"\0\n")
MARKS = frozenset(range(256)) - _USUAL - _ROW_END
DOTS = frozenset(b".")

_FEW_BYTES = 512
_TOKEN = re.compile(
    r"\\x[0-9a-f]{2}|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?:|\{\d+(?:,\d*)?\}\??|[*+?]\??|[^\\]", re.DOTALL
)
_BRANCH = "|"
_OPENED = "(?:"
_CLOSED = ")"
_WIDTHLESS = frozenset({"^", r"\b", r"\B"})
_MAY_BE_NONE = re.compile(r"[*?]|\{0*[,}]")
_REPEATS = re.compile(r"[*+?]|\{\d")


class Alternatives(NamedTuple):
    """The alternatives of an expression.

    Attributes:
        plain: May match a text of words and numbers.
        dotted: Each match holds a dot, and may hold no mark. marked: Each match holds a mark.
    """

    plain: list[str]
    dotted: list[str]
    marked: list[str]


def split_alternatives(prepared: str) -> Alternatives:
    """Part the alternatives of an expression, as `compile.prepare` makes it."""
    found = Alternatives([], [], [])
    for alternative in _alternatives(prepared):
        if needs_one_of(MARKS, alternative):
            found.marked.append(alternative)
        elif needs_one_of(DOTS, alternative):
            found.dotted.append(alternative)
        else:
            found.plain.append(alternative)
    return found


def needs_one_of(marks: frozenset[int], prepared: str) -> bool:
    """Whether each match of an expression holds one of some bytes. False where that cannot be told."""
    tokens = _TOKEN.findall(prepared)
    needed, at = _any_of(marks, tokens, 0)
    return needed and at == len(tokens)


def _alternatives(prepared: str) -> list[str]:
    found = [""]
    depth = 0
    for token in _TOKEN.findall(prepared):
        depth += (token == _OPENED) - (token == _CLOSED)
        if token == _BRANCH and not depth:
            found.append("")
        else:
            found[-1] += token
    return found


def _any_of(marks: frozenset[int], tokens: list[str], at: int) -> tuple[bool, int]:
    """Whether each of the alternatives from a token on needs a mark, and where they end."""
    needed, at = _sequence(marks, tokens, at)
    while at < len(tokens) and tokens[at] == _BRANCH:
        also, at = _sequence(marks, tokens, at + 1)
        needed = needed and also
    return needed, at


def _sequence(marks: frozenset[int], tokens: list[str], at: int) -> tuple[bool, int]:
    """Whether one of the pieces from a token on needs a mark, and where they end."""
    needed = False
    while at < len(tokens) and tokens[at] not in (_BRANCH, _CLOSED):
        token = tokens[at]
        if token == _OPENED:
            needs, at = _any_of(marks, tokens, at + 1)
            at += 1
        else:
            needs = token not in _WIDTHLESS and _bytes_of(token) <= marks
            at += 1
        if at < len(tokens) and _REPEATS.match(tokens[at]):
            needs = needs and not _MAY_BE_NONE.match(tokens[at])
            at += 1
        needed = needed or needs
    return needed, at


@cache
def _bytes_of(token: str) -> frozenset[int]:
    """The bytes that a single character, an escape or a bracket expression matches."""
    try:
        with warnings.catch_warnings():
            # Python wonders whether `[` in brackets is meant.
            warnings.simplefilter("ignore", FutureWarning)
            one = re.compile(token.encode("ascii"), re.DOTALL)
    except re.error:
        # Nor will it compile; who compiles it says why.
        return frozenset(range(256))
    return frozenset(byte for byte in range(256) if one.fullmatch(bytes([byte])))


def holding(
    marks: frozenset[int], texts: NDArray[np.uint8], end: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """The rows that hold one of some bytes.

    Args:
        marks: `MARKS` or `DOTS`. texts: uint8, rows one after the other. end: int64, where each ends, ascending.

    Returns:
        Them as texts and ends again, and which they are.
    """
    if len(texts) <= _FEW_BYTES:
        # Of a single line: three arrays and a kernel are more than a look at its bytes.
        among = texts.tobytes()
        if len(among.translate(None, _bytes(marks))) == len(among):
            return _NO_ROWS
    found = np.empty(len(texts), dtype=np.uint8)
    past, which = np.empty((2, len(end)), dtype=np.int64)
    count = keep_marked(texts, end, _among(marks), found, past, which)
    return found[: past.item(count - 1) if count else 0], past[:count], which[:count]


@cache
def _bytes(marks: frozenset[int]) -> bytes:
    return bytes(sorted(marks))


@cache
def _among(marks: frozenset[int]) -> NDArray[np.uint8]:
    """For each byte, whether it is one of some."""
    return np.array([byte in marks for byte in range(256)], dtype=np.uint8)


def chosen(
    texts: NDArray[np.uint8], end: NDArray[np.int64], wanted: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Some rows, in the form of `holding`.

    Args:
        texts, end: See there. wanted: uint8, of each row, not 0 for those to take.
    """
    which = np.flatnonzero(wanted)
    past = np.empty(len(which), dtype=np.int64)
    found = np.empty(keep_chosen(texts, end, which, _NOWHERE, past), dtype=np.uint8)
    keep_chosen(texts, end, which, found, past)
    return found, past, which


_NOWHERE = np.empty(0, dtype=np.uint8)
_NO_ROWS = _NOWHERE, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)

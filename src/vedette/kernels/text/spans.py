"""Writing the spans of one row, and judging by its shape whether a text can be what it is taken for."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import inlined, subkernel
from vedette.kernels.text.characters import is_digit
from vedette.kernels.text.search import find
from vedette.kernels.text.unescape import (
    BACKSLASH,
    PERCENT,
    PLUS,
    RAW,
    unescape_backslashes,
    unescape_percents,
    unescape_pluses,
)

TEXT = 0
REQUEST_LINE = 1
"""Text of which even `-` and nothing at all are kept: a strange request is a request."""
NUMBER = 2
STATUS = 3
DAY_MONTH_YEAR = 4
"""`17/May/2015:10:05:03`, or with a space between, then anything."""
YEAR_MONTH_DAY = 5
"""`2015-05-17T10:05:03`, with anything between date and clock, or slashes in the date, then anything."""
EPOCH = 6
WORD = 8
"""Text without spaces and quotation marks, passed over."""
ADDRESS_PORT = 7
"""An address without spaces, with a port after its last colon, which is left out."""

TAIL = 3
"""Element of the state that holds where the next unescaped text goes."""


@inlined
def looks_like_time(buffer: Bytes, at: int, end: int, reading: int) -> bool:
    """Whether the text at `at` has the outline of a time: separators and digits where they belong."""
    if reading == DAY_MONTH_YEAR:
        return (
            end - at >= 20
            and buffer[at + 2] == 47
            and buffer[at + 6] == 47
            and (buffer[at + 11] == 58 or buffer[at + 11] == 32)
            and buffer[at + 14] == 58
            and is_digit(int(buffer[at]))
            and is_digit(int(buffer[at + 19]))
        )
    if reading == YEAR_MONTH_DAY:
        return (
            end - at >= 19
            and (buffer[at + 4] == 45 or buffer[at + 4] == 47)
            and buffer[at + 7] == buffer[at + 4]
            # In `2015/05/17 - 10:05:03` the clock's first colon is two bytes later.
            and (
                (buffer[at + 13] == 58 and buffer[at + 16] == 58 and is_digit(int(buffer[at + 18])))
                or (buffer[at + 11] == 45 and buffer[at + 15] == 58 and buffer[at + 18] == 58)
            )
            and is_digit(int(buffer[at]))
        )
    if end <= at or end - at > 32 or not is_digit(int(buffer[at])):
        return False
    for i in range(at, end):
        if not (is_digit(int(buffer[i])) or buffer[i] == 46):
            return False
    return True


@inlined
def looks_like_number(buffer: Bytes, at: int, end: int, longest: int) -> bool:
    """Whether the text is digits, with a sign and points at most, and not longer than it may be."""
    if end - at > longest:
        return False
    first = int(buffer[at])
    if not is_digit(first) and (end - at < 2 or (first != 45 and first != 43)):
        return False
    for i in range(at + 1, end):
        if not (is_digit(int(buffer[i])) or buffer[i] == 46):
            return False
    return True


@subkernel
def put_text(
    buffer: Bytes,
    at: int,
    end: int,
    unescape: int,
    field: int,
    row: int,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    state: NDArray[np.int64],
) -> None:
    """Let the field's span of this row be the text; unescaped into the buffer's tail if that changes it."""
    if unescape != RAW:
        mark = 92
        if unescape == PERCENT:
            mark = 37
        elif unescape == PLUS:
            mark = 43
        out = state[TAIL]
        if find(buffer, at, end, mark) < end and out + (end - at) <= buffer.shape[0]:
            if unescape == BACKSLASH:
                stop = unescape_backslashes(buffer, at, end, out)
            elif unescape == PERCENT:
                stop = unescape_percents(buffer, at, end, out)
            else:
                stop = unescape_pluses(buffer, at, end, out)
            state[TAIL] = stop
            start[field, row] = out
            length[field, row] = stop - out
            return
    start[field, row] = at
    length[field, row] = end - at


@inlined
def put_field(
    buffer: Bytes,
    at: int,
    end: int,
    reading: int,
    unescape: int,
    field: int,
    row: int,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    state: NDArray[np.int64],
) -> bool:
    """Set the field's span of this row; False if the text cannot be such a field.

    `-` and empty text leave the span as it is (absent), but for request lines.
    """
    size = end - at
    if reading != REQUEST_LINE:
        if size == 0 or (size == 1 and buffer[at] == 45):
            return reading < DAY_MONTH_YEAR or reading > EPOCH
        if reading == NUMBER or reading == STATUS:
            if not looks_like_number(buffer, at, end, 3 if reading == STATUS else 32):
                return False
        elif reading == ADDRESS_PORT:
            if find(buffer, at, end, 32) < end:
                return False
            colon = end - 1
            while colon > at and is_digit(int(buffer[colon])):
                colon -= 1
            if colon > at and buffer[colon] == 58:
                end = colon
        elif reading != TEXT and not looks_like_time(buffer, at, end, reading):
            return False
    put_text(buffer, at, end, unescape, field, row, start, length, state)
    return True

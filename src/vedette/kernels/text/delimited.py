"""Delimited text: lines to fields, and fields to numbers with or without a unit."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.text.numbers import scale_to_float, scan_decimal

NEWLINE = ord("\n")
RETURN = ord("\r")
QUOTE = ord('"')
SPACE = ord(" ")
TAB = ord("\t")
HASH = ord("#")
PERCENT = ord("%")

LINE, START, WIDTH = 0, 1, 2
ROW_COLUMNS = 3
"""What is told of each row: its line's number from 0, where the line begins, and how long it is."""

NUMBER, MISSING, NO_NUMBER = 0, 1, 2
"""What a field held."""
PLAIN, SHARE, SECONDS, MILLI, MICRO, NANO = 0, 1, 2, 3, 4, 5
"""The unit that followed a number."""
_LONGEST_WORD = 4


@kernel
def split_rows(
    buffer: Bytes, length: int, delimiter: int, least: int, wanted: Ints, rows: NDArray[np.int64],
    start: NDArray[np.int64], width: NDArray[np.int32], counts: Ints,
) -> int:  # fmt: skip
    """Find the wanted fields of each line that is not blank and no comment.

    Fields may be quoted, quotes in them doubled (which stay so); spaces around them are left out. A quote that is not
    closed ends with its line.

    Args:
        buffer: uint8, `buffer[:length]` lines, then a newline at least.
        delimiter: The byte between fields.
        least: Bytes of the shortest line that may be a row; shorter ones are counted, and no more.
        wanted: int64 (c,): for each field of a line, up to the last that matters, its place in `start`, or -1.
        rows: int64 (ROW_COLUMNS, most), filled.
        start: int64 (p, most), width: int32 (p, most): where each wanted field lies; a width of -1 where the line
            has no such field.
        counts: int64 (4,): lines, blank lines, comments and short lines are added.

    Returns:
        How many rows.
    """
    fields = wanted.shape[0]
    places = start.shape[0]
    at = 0
    row = 0
    while at < length:
        begun = at
        counts[0] += 1
        end = at
        while buffer[end] != NEWLINE:
            end += 1
        at = end + 1
        while end > begun and (buffer[end - 1] == RETURN or buffer[end - 1] == SPACE):
            end -= 1
        i = begun
        while i < end and buffer[i] == SPACE:
            i += 1
        if i == end:
            counts[1] += 1
            continue
        if buffer[i] == HASH:
            counts[2] += 1
            continue
        if end - begun < least:
            counts[3] += 1
            continue
        for p in range(places):
            start[p, row] = begun
            width[p, row] = -1
        i = begun
        field = 0
        while field < fields and i <= end:
            while i < end and buffer[i] == SPACE:
                i += 1
            if i < end and buffer[i] == QUOTE:
                first = i + 1
                i = first
                # A quote that is doubled stands for itself.
                while i < end and (buffer[i] != QUOTE or buffer[i + 1] == QUOTE):
                    i += 1 if buffer[i] != QUOTE else 2
                i = min(i, end)
                last = i
                while i < end and buffer[i] != delimiter:
                    i += 1
            else:
                first = i
                while i < end and buffer[i] != delimiter:
                    i += 1
                last = i
                while last > first and buffer[last - 1] == SPACE:
                    last -= 1
            place = wanted[field]
            if place >= 0:
                start[place, row] = first
                width[place, row] = last - first
            i += 1
            field += 1
        rows[LINE, row] = counts[0] - 1
        rows[START, row] = begun
        rows[WIDTH, row] = end - begun
        row += 1
    return row


@subkernel
def _is_missing(buffer: Bytes, at: int, size: int) -> bool:
    """Whether a field says that there is no value: nothing, `-`, `?`, `NaN`, `NA`, `N/A`, `null`, `None`, `nil`."""
    if size <= 0:
        return True
    if size > _LONGEST_WORD:
        return False
    word = 0
    for i in range(size):
        byte = buffer[at + i]
        word = (word << 8) | (byte | 32 if 65 <= byte <= 90 else byte)
    return (
        word == 0x2D or word == 0x3F or word == 0x6E616E or word == 0x6E61 or word == 0x6E2F61
        or word == 0x6E756C6C or word == 0x6E6F6E65 or word == 0x6E696C
    )  # fmt: skip


@subkernel
def _unit(buffer: Bytes, at: int, end: int) -> int:
    """The unit that a field ends with, from `at`; -1 for another."""
    while at < end and buffer[at] == SPACE:
        at += 1
    left = end - at
    if left == 0:
        return PLAIN
    last = buffer[end - 1]
    if left == 1:
        return SHARE if last == PERCENT else SECONDS if last == ord("s") else -1
    if last != ord("s"):
        return -1
    if left == 2:
        first = buffer[at]
        return (
            MILLI if first == ord("m") else MICRO if first == ord("u") else NANO if first == ord("n") else -1
        )
    # µs, with the micro sign (C2 B5) or the Greek letter (CE BC)
    first, second = buffer[at], buffer[at + 1]
    if left == 3 and ((first == 0xC2 and second == 0xB5) or (first == 0xCE and second == 0xBC)):
        return MICRO
    return -1


@kernel
def decimals(
    buffer: Bytes, start: NDArray[np.int64], width: NDArray[np.int32], out: NDArray[np.float64],
    state: NDArray[np.uint8], unit: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Fields to numbers; a share (`12%`) to 0..1, a duration (`12ms`) to seconds.

    Args:
        buffer: Bytes. start: int64 (n,). width: int32 (n,), -1 for no field.
        out: float64 (n,), filled; NaN where there is none.
        state: uint8 (n,), filled: `NUMBER`, `MISSING` or `NO_NUMBER`.
        unit: uint8 (n,), filled: `PLAIN` … `NANO`.
    """
    for row in range(start.shape[0]):
        at = start[row]
        size = width[row]
        out[row] = np.nan
        unit[row] = PLAIN
        if size >= 0 and _is_missing(buffer, at, size):
            state[row] = MISSING
            continue
        state[row] = NO_NUMBER
        if size < 0:
            continue
        end = at + size
        mantissa, power, stop = scan_decimal(buffer, at, end)
        if stop == at:
            continue
        kind = _unit(buffer, stop, end)
        if kind < 0:
            continue
        if kind == SHARE:
            power -= 2
        elif kind > SECONDS:
            power -= 3 * (kind - SECONDS)
        out[row] = -scale_to_float(-mantissa, power) if mantissa < 0 else scale_to_float(mantissa, power)
        state[row] = NUMBER
        unit[row] = kind


@kernel
def field_texts(buffer: Bytes, start: NDArray[np.int64], width: NDArray[np.int32], out: Bytes) -> int:
    """Write fields one after the other, each with a newline; returns how many bytes."""
    to = 0
    for row in range(start.shape[0]):
        at = start[row]
        for i in range(width[row]):
            out[to] = buffer[at + i]
            to += 1
        out[to] = NEWLINE
        to += 1
    return to

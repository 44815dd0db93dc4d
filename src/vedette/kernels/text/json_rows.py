"""Rows as JSON: texts escaped once each, then rows put together from them, numbers and times."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.text.json_plain import BACKSLASH, QUOTE, put_plain
from vedette.kernels.text.words import put_text

TEXT = 0
"""A piece whose cells are numbers of texts."""
WHOLE = 1
"""A piece whose cells are whole numbers; below 0 is null."""
TIME = 2
"""A piece whose cells are times."""
WIDEST = 40
"""Bytes that a number or a time takes at most."""
NULL = 0
"""Number of the text that stands for nothing; `null` must be there."""

QUESTION_MARK = ord("?")
ZERO = ord("0")
SECOND = 1_000_000
DAY = 86_400
ERA_DAYS = 146_097
"""Days of 400 years."""
BEFORE_1970 = 719_468
"""Days from 1 March of the year 0 to 1 January 1970."""


@subkernel
def _put_escaped(byte: int, out: Bytes, at: int) -> int:
    """Write a byte as a JSON string has it, with the short escapes of RFC 8259; where it ends."""
    if byte >= 32 and byte != QUOTE and byte != BACKSLASH:
        out[at] = byte
        return at + 1
    out[at] = BACKSLASH
    short = 0
    if byte == QUOTE or byte == BACKSLASH:
        short = byte
    elif byte == 8:
        short = ord("b")
    elif byte == 9:
        short = ord("t")
    elif byte == 10:
        short = ord("n")
    elif byte == 12:
        short = ord("f")
    elif byte == 13:
        short = ord("r")
    if short != 0:
        out[at + 1] = short
        return at + 2
    out[at + 1] = ord("u")
    out[at + 2] = ZERO
    out[at + 3] = ZERO
    out[at + 4] = ZERO + (byte >> 4)
    low = byte & 15
    out[at + 5] = ZERO + low if low < 10 else ord("a") + low - 10
    return at + 6


@kernel
def escape_texts(
    buffer: Bytes,
    start: Ints,
    length: NDArray[np.int32],
    most: int,
    split: int,
    out: Bytes,
    begin: Ints,
    end: Ints,
    odd: Bytes,
) -> int:
    """Write texts as JSON strings.

    Args:
        buffer: uint8. start: int64, length: int32 (k,), where they stand in it.
        most: Bytes of each that are shown.
        split: 1 for two strings of each, what stands before its first `?` and what after; then the second is nothing
            where there is none.
        out: uint8, at least 6 bytes for each byte shown, and 4 for each text.
        begin, end: int64 (k, 1 + split), receive where each string is, quotes included; -1 for nothing.
        odd: uint8 (k,), receives 1 for a text that is not ASCII: it is left out.

    Returns:
        How many bytes were written.
    """
    at = 0
    for i in range(start.shape[0]):
        first = start[i]
        last = first + min(int(length[i]), most)
        before = at
        part = 0
        odd[i] = 0
        begin[i, split] = -1
        end[i, split] = -1
        begin[i, 0] = at
        out[at] = QUOTE
        at += 1
        past = last
        if split == 1:
            past = first
            while past < last and buffer[past] != QUESTION_MARK:
                past += 1
        j = first
        while True:
            plain = put_plain(buffer, j, past, out, at)
            j += plain
            at += plain
            if j < past:
                byte = int(buffer[j])
                if byte >= 128:
                    odd[i] = 1
                    break
                at = _put_escaped(byte, out, at)
                j += 1
            elif j < last:
                out[at] = QUOTE
                end[i, part] = at + 1
                part += 1
                begin[i, part] = at + 1
                out[at + 1] = QUOTE
                at += 2
                j += 1
                past = last
            else:
                break
        if odd[i] != 0:
            at = before
            continue
        out[at] = QUOTE
        at += 1
        end[i, part] = at
    return at


@subkernel
def _put_digits(value: int, width: int, out: Bytes, at: int) -> int:
    for i in range(width - 1, -1, -1):
        out[at + i] = ZERO + value % 10
        value //= 10
    return at + width


@subkernel
def _put_whole(value: int, out: Bytes, at: int) -> int:
    if value < 0:
        out[at] = ord("n")
        out[at + 1] = ord("u")
        out[at + 2] = ord("l")
        out[at + 3] = ord("l")
        return at + 4
    width = 1
    rest = value // 10
    while rest > 0:
        width += 1
        rest //= 10
    return _put_digits(value, width, out, at)


@subkernel
def _put_time(time: int, out: Bytes, at: int) -> int:
    """Write a time as ISO 8601, UTC, in quotes.

    The date is found as in H. Hinnant, "chrono-compatible low-level date algorithms", 2013 (`civil_from_days`): years
    begin in March, so that the leap day is their last.
    """
    seconds = time // SECOND
    days = seconds // DAY
    of_day = seconds - days * DAY
    shifted = days + BEFORE_1970
    era = shifted // ERA_DAYS
    day = shifted - era * ERA_DAYS
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day = day - (153 * month + 2) // 5 + 1
    year += 400 * era
    month += 3
    if month > 12:
        month -= 12
        year += 1
    out[at] = QUOTE
    at = _put_digits(year, 4, out, at + 1)
    out[at] = ord("-")
    at = _put_digits(month, 2, out, at + 1)
    out[at] = ord("-")
    at = _put_digits(day, 2, out, at + 1)
    out[at] = ord("T")
    at = _put_digits(of_day // 3600, 2, out, at + 1)
    out[at] = ord(":")
    at = _put_digits(of_day // 60 % 60, 2, out, at + 1)
    out[at] = ord(":")
    at = _put_digits(of_day % 60, 2, out, at + 1)
    out[at] = ord(".")
    at = _put_digits(time - seconds * SECOND, 6, out, at + 1)
    out[at] = ord("Z")
    out[at + 1] = QUOTE
    return at + 2


@kernel
def measure_rows(kinds: Ints, leads: Ints, cells: Ints, begin: Ints, end: Ints) -> int:
    """How many bytes `write_rows` writes at most."""
    size = 0
    for piece in range(kinds.shape[0]):
        size += (
            end[leads[piece]] - begin[leads[piece]] + (0 if kinds[piece] == TEXT else WIDEST)
        ) * cells.shape[0]
    for row in range(cells.shape[0]):
        for piece in range(kinds.shape[0]):
            if kinds[piece] == TEXT:
                cell = cells[row, piece]
                size += end[cell] - begin[cell]
    return size


@kernel
def write_rows(
    kinds: Ints, leads: Ints, cells: Ints, texts: Bytes, begin: Ints, end: Ints, out: Bytes, past: Ints
) -> int:
    """Write rows, each of the same pieces.

    Args:
        kinds: int64 (p,), of each piece: `TEXT`, `WHOLE` or `TIME`.
        leads: int64 (p,), the number of the text before each piece.
        cells: int64 (n, p), what each piece is in each row: the number of a text, a whole number, or microseconds
            since the epoch of a year from 0 to 9999.
        texts: uint8, with `BLOCK` bytes behind the last. begin, end: int64 (k,), where each text stands in it.
        out: uint8, room for all of it (`measure_rows`) and `BLOCK` bytes.
        past: int64 (n,), receives where each row ends.

    Returns:
        How many bytes were written.
    """
    at = 0
    for row in range(past.shape[0]):
        for piece in range(kinds.shape[0]):
            lead = leads[piece]
            at = put_text(texts, begin[lead], end[lead] - begin[lead], out, at)
            cell = cells[row, piece]
            if kinds[piece] == TEXT:
                at = put_text(texts, begin[cell], end[cell] - begin[cell], out, at)
            elif kinds[piece] == WHOLE:
                at = _put_whole(cell, out, at)
            else:
                at = _put_time(cell, out, at)
        past[row] = at
    return at

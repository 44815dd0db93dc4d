"""One kernel for every text format: runs small programs, which are data, over the lines of a chunk.

A program is a list of steps; a step is a row of `STEP_WIDTH` int64 (columns below). `LITERAL` matches its
bytes. `TAKE` takes the text up to the next occurrence of its bytes (or the rest of the line, if it has none)
as a field, or as nothing (`field` -1). `SUM` adds three decimals with spaces between. `MAY_END` ends the
program where the line ends. `BLANKS` passes over spaces and tabs, or none. A line is tried against each
program in turn, then salvaged, then counted as skipped.

Every step goes forward only, so each program is linear in the line's length.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import inlined, kernel, subkernel
from vedette.kernels.lines.common_log import UNUSUAL, read_common
from vedette.kernels.lines.salvage import BLANK, COMMENT, NOT_THIS_FORMAT, SALVAGED, salvage
from vedette.kernels.text.search import find, find2
from vedette.kernels.text.spans import REQUEST_LINE, TAIL, WORD, put_field
from vedette.kernels.text.unescape import BACKSLASH, RAW
from vedette.kernels.text.words import equal_across, same_head

KIND, FIELD, READING, UNESCAPE, WIDTH, UNTIL, UNTIL_LENGTH, FIRST, CONSUME, AT_EDGE = range(10)
STEP_WIDTH = 10
"""Columns of a step: what it does; the field; how it must look; how it is unescaped; bytes it has at least;
where its bytes stand in the pool, how many, and the first; how many of them are passed over; whether they
count only before a space or the line's end."""

LITERAL, TAKE, SUM, MAY_END, BLANKS = range(5)
EXACT = 0
"""The line ends with the program (but for spaces)."""
OPEN = 1
"""After a space or tab, the line may go on."""

AT, LINE, ROWS = 0, 1, 2
DIRECTIVE, DIRECTIVE_END = 4, 5
STATE_WIDTH = 6
"""The state between calls: next byte, number of the next line, rows so far, end of the used tail (`TAIL`, 3),
and the directive line that stopped the kernel."""

DONE, FULL, AT_DIRECTIVE = 0, 1, 2
SAMPLES = 3
NO_SALVAGE = -1
"""For who asks only which lines fit: what does not is given up."""

MICROSECONDS = 1_000_000
LONGEST_SECONDS = 1_000_000_000


@inlined
def _matches(buffer: Bytes, at: int, end: int, pool: Bytes, first: int, size: int) -> bool:
    if at + size > end:
        return False
    if 0 < size <= 8:
        return same_head(buffer, at, pool, first, size)
    return equal_across(buffer, at, pool, first, size)


@inlined
def _is_gap(byte: int) -> bool:
    return byte == 32 or byte == 9


@inlined
def _text_end(buffer: Bytes, at: int, end: int, steps: NDArray[np.int64], step: int, pool: Bytes) -> int:
    """Where the text of a step ends: before its bytes; beyond `end` if they do not come.

    Returned doubled, and one more if a backslash was passed on the way.
    """
    size = steps[step, UNTIL_LENGTH]
    if size == 0:
        stop = end
        while stop > at and _is_gap(int(buffer[stop - 1])):
            stop -= 1
        return 2 * stop + 1
    first = steps[step, FIRST]
    until = steps[step, UNTIL]
    escaped = steps[step, UNESCAPE] == BACKSLASH
    at_edge = steps[step, AT_EDGE] != 0
    passed = 0
    while True:
        at = find2(buffer, at, end, first, 92) if escaped else find(buffer, at, end, first)
        if at >= end:
            return 2 * (end + 1)
        if escaped and buffer[at] == 92:
            passed = 1
            at += 2
            continue
        if size == 1 or _matches(buffer, at, end, pool, until, size):
            if not at_edge or at + size == end or _is_gap(int(buffer[at + size])):
                return 2 * at + passed
        at += 1


@subkernel
def _sum_decimals(
    buffer: Bytes,
    at: int,
    end: int,
    field: int,
    row: int,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    state: NDArray[np.int64],
) -> int:
    """Add three numbers of seconds, but for negative ones, as microseconds in the tail; where they end."""
    total = 0
    known = False
    for _ in range(3):
        stop = find(buffer, at, end, 32)
        if stop >= end or stop == at:
            return end + 1
        negative = buffer[at] == 45
        whole = 0
        fraction = 0
        unit = MICROSECONDS
        after_point = False
        for i in range(at + 1 if negative else at, stop):
            digit = int(buffer[i]) - 48
            if digit == -2 and not after_point:
                after_point = True
            elif digit < 0 or digit > 9:
                # `-` alone: not recorded.
                return end + 1
            elif after_point:
                unit //= 10
                fraction += digit * unit
            elif whole < LONGEST_SECONDS:
                whole = whole * 10 + digit
        if not negative:
            known = True
            total += whole * MICROSECONDS + fraction
        at = stop + 1
    out = state[TAIL]
    if known and out + 20 <= buffer.shape[0]:
        digits = 1
        scale = 10
        while scale <= total:
            scale *= 10
            digits += 1
        for i in range(digits):
            buffer[out + digits - 1 - i] = 48 + total % 10
            total //= 10
        start[field, row] = out
        length[field, row] = digits
        state[TAIL] = out + digits
    return at


@inlined
def _run(
    buffer: Bytes,
    at: int,
    end: int,
    steps: NDArray[np.int64],
    first: int,
    last: int,
    ending: int,
    pool: Bytes,
    row: int,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    state: NDArray[np.int64],
) -> bool:
    """Run one program over one line; whether it fits."""
    for step in range(first, last):
        kind = steps[step, KIND]
        if kind == TAKE:
            searched = at + steps[step, WIDTH]
            if searched > end:
                return False
            found = _text_end(buffer, searched, end, steps, step, pool)
            stop = found >> 1
            if stop > end:
                return False
            field = steps[step, FIELD]
            if field >= 0:
                reading, unescape = steps[step, READING], steps[step, UNESCAPE]
                if reading <= REQUEST_LINE and (
                    unescape == RAW or (unescape == BACKSLASH and found & 1 == 0)
                ):
                    # Most fields, without the calls.
                    size = stop - at
                    if size > 1 or reading == REQUEST_LINE or (size == 1 and buffer[at] != 45):
                        start[field, row] = at
                        length[field, row] = size
                elif not put_field(buffer, at, stop, reading, unescape, field, row, start, length, state):
                    return False
            elif steps[step, READING] == WORD and find2(buffer, at, stop, 32, 34) < stop:
                return False
            at = stop + steps[step, CONSUME]
        elif kind == LITERAL:
            if not _matches(buffer, at, end, pool, steps[step, UNTIL], steps[step, UNTIL_LENGTH]):
                return False
            at += steps[step, UNTIL_LENGTH]
        elif kind == SUM:
            at = _sum_decimals(buffer, at, end, steps[step, FIELD], row, start, length, state)
            if at > end:
                return False
        elif kind == BLANKS:
            while at < end and _is_gap(int(buffer[at])):
                at += 1
        elif at >= end:
            return True
    if at >= end:
        return True
    if not _is_gap(int(buffer[at])):
        return False
    if ending == EXACT:
        for i in range(at, end):
            if not _is_gap(int(buffer[i])):
                return False
    return True


@subkernel
def _skip(
    reason: int, line: int, at: int, end: int, counts: NDArray[np.int64], samples: NDArray[np.int64]
) -> None:
    """Count a line that is no request, and remember it if it is among the first of its reason."""
    count = counts[reason]
    if count < SAMPLES:
        samples[reason, count, 0] = line
        samples[reason, count, 1] = at
        samples[reason, count, 2] = end - at
    counts[reason] = count + 1


@inlined
def _no_request(buffer: Bytes, at: int, end: int) -> int:
    """`BLANK` or `COMMENT` if the line is such, else -1."""
    if at < end and buffer[at] == 35:
        return COMMENT
    while at < end and (buffer[at] == 32 or 9 <= buffer[at] <= 13):
        at += 1
    return BLANK if at == end else -1


@kernel
def tokenise(
    buffer: Bytes,
    size: int,
    steps: NDArray[np.int64],
    pool: Bytes,
    programs: NDArray[np.int64],
    fields: NDArray[np.int64],
    layout: int,
    directives: int,
    repaired: int,
    common: int,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    line: NDArray[np.int64],
    raw_start: NDArray[np.int64],
    raw_length: NDArray[np.int32],
    flags: NDArray[np.uint16],
    shape: NDArray[np.uint8],
    counts: NDArray[np.int64],
    samples: NDArray[np.int64],
    state: NDArray[np.int64],
) -> int:
    """Find the fields of each line from `state[AT]` to `size`; may stop and be called again.

    Args:
        buffer: uint8, shape (capacity,): lines, then `PADDING` newlines, then room for unescaped text.
        size: Bytes of lines.
        steps: int64, shape (steps, STEP_WIDTH).
        pool: uint8: the bytes that steps refer to, and 8 more.
        programs: int64, shape (programs, 3): first step, step after the last, `EXACT` or `OPEN`.
        fields: int64: rows of `start` that are to be -1 unless a step sets them.
        layout: The reading (`vedette.kernels.text.spans`) of times, for salvage, or `NO_SALVAGE`.
        directives: 1 to stop after each line that begins with `#F` or `#f`.
        repaired: Flag of salvaged rows.
        common: How many steps of the first program `vedette.kernels.lines.common_log` may take at once, or 0.
        start, length, line, raw_start, raw_length, flags, shape: As in `vedette.parsers.fields.Tokens`, with room
            for more rows.
        counts: int64, shape (REASONS,); samples: int64, shape (REASONS, SAMPLES, 3): skipped lines, as line
            number, start and length.
        state: int64, shape (STATE_WIDTH,).

    Returns:
        `DONE`, `FULL` (more rows are needed) or `AT_DIRECTIVE` (the state tells where that line stands).
    """
    capacity = line.shape[0]
    at = state[AT]
    number = state[LINE]
    row = state[ROWS]
    outcome = DONE
    while at < size:
        if row == capacity:
            outcome = FULL
            break
        newline = find(buffer, at, size, 10)
        end = newline
        if end > at and buffer[end - 1] == 13:
            end -= 1
        first = buffer[at]
        reason = _no_request(buffer, at, end) if first <= 32 or first == 35 else SALVAGED
        if reason < 0:
            for i in range(fields.shape[0]):
                start[fields[i], row] = -1
            fits = False
            odd = 0
            shape[row] = 0
            tail = state[TAIL]
            taken = 0
            begin = at
            if common != 0:
                begin = read_common(buffer, at, end, common, row, start, length)
                taken = common
                if begin == UNUSUAL:
                    taken = 0
                    begin = at
                    for i in range(fields.shape[0]):
                        start[fields[i], row] = -1
            for program in range(programs.shape[0]):
                fits = _run(
                    buffer,
                    begin,
                    end,
                    steps,
                    programs[program, 0] + taken,
                    programs[program, 1],
                    programs[program, 2],
                    pool,
                    row,
                    start,
                    length,
                    state,
                )
                if fits:
                    shape[row] = program
                    break
                state[TAIL] = tail
                begin = at
                taken = 0
                for i in range(fields.shape[0]):
                    start[fields[i], row] = -1
            if not fits and layout == NO_SALVAGE:
                reason = NOT_THIS_FORMAT
            elif not fits:
                reason = salvage(buffer, at, end, layout, row, start, length, state)
                odd = repaired
        if reason < 0:
            line[row] = number
            raw_start[row] = at
            raw_length[row] = end - at
            flags[row] = odd
            row += 1
        else:
            _skip(reason, number, at, end, counts, samples)
        number += 1
        first_byte = at
        at = newline + 1
        # In either case: W3C's `#Fields`, and Zeek's `#fields`.
        if (
            reason == COMMENT
            and directives != 0
            and end - first_byte > 1
            and (buffer[first_byte + 1] | 32) == 102
        ):
            state[DIRECTIVE] = first_byte
            state[DIRECTIVE_END] = end
            outcome = AT_DIRECTIVE
            break
    state[AT] = at
    state[LINE] = number
    state[ROWS] = row
    return outcome

"""Peeling off what a container runtime or a syslog daemon puts around each line, into a buffer of its own."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.search import Bytes, find, find2
from vedette.kernels.spans import YEAR_MONTH_DAY, looks_like_time
from vedette.kernels.unescape import unescape_backslashes

Bytes2 = NDArray[np.uint8]

KUBERNETES, CRI, DOCKER, SYSLOG = range(4)

OUT, LINES, WRAPPED, SPLIT, JOINED, CUT_LINES, CUT_BYTES = range(7)
STATE_WIDTH = 7
"""Bytes written; lines written; lines that were wrapped; streams (bit 0 stdout, bit 1 stderr) whose last line the
runtime cut, kept between chunks; lines whose text waits for, or went into, a later one; joined lines that were longer
than there is room for, and the bytes that they lost."""
STREAMS = 2
SIZE, LOST, NUMBER = range(3)
HELD_WIDTH = 3
"""Of what a stream's cut line holds so far: bytes kept, bytes there was no room for, number of its last part."""

STDOUT, STDERR = 0, 1
LONGEST_WORD = 255
"""Bytes of a syslog host's name, at most (RFC 5424, section 6)."""
DOCKER_HEAD = tuple(b'{"log":"')
DOCKER_STREAM = tuple(b',"stream":"std')


@subkernel
def _starts_with(buffer: Bytes, at: int, end: int, text: tuple[int, ...]) -> bool:
    if at + len(text) > end:
        return False
    for i in range(len(text)):
        if buffer[at + i] != text[i]:
            return False
    return True


@subkernel
def _after_time(buffer: Bytes, at: int, end: int) -> int:
    """Where the text after an RFC 3339 time and a space begins, or -1."""
    space = find(buffer, at, end, 32)
    if space >= end or space - at > 40 or not looks_like_time(buffer, at, space, YEAR_MONTH_DAY):
        return -1
    return space + 1


@subkernel
def _after_month(buffer: Bytes, at: int, end: int) -> int:
    """Where the text after `Mar  2 08:00:00 ` begins, or -1."""
    if at + 16 > end or buffer[at + 3] != 32 or buffer[at + 6] != 32 or buffer[at + 15] != 32:
        return -1
    if buffer[at + 9] != 58 or buffer[at + 12] != 58 or buffer[at] < 65 or buffer[at] > 90:
        return -1
    for i in (5, 7, 8, 10, 11, 13, 14):
        if buffer[at + i] < 48 or buffer[at + i] > 57:
            return -1
    return at + 16


@subkernel
def _after_word(buffer: Bytes, at: int, end: int) -> int:
    """Where the text after a word and a space begins, or -1."""
    space = find(buffer, at, end, 32)
    if space >= end or space == at or space - at > LONGEST_WORD:
        return -1
    return space + 1


@subkernel
def _after_structured_data(buffer: Bytes, at: int, end: int) -> int:
    """Where the text after RFC 5424's structured data begins, or -1."""
    if at < end and buffer[at] == 45:
        return at + 2 if at + 1 < end else -1
    quoted = False
    if at >= end or buffer[at] != 91:
        return -1
    while at < end:
        if buffer[at] == 92:
            at += 1
        elif buffer[at] == 34:
            quoted = not quoted
        elif buffer[at] == 93 and not quoted and at + 1 < end and buffer[at + 1] == 32:
            return at + 2
        at += 1
    return -1


@subkernel
def _after_syslog(buffer: Bytes, at: int, end: int) -> int:
    """Where the message of a line that a syslog daemon wrote begins, or -1.

    Either `<priority>1 time host program process id data message` (RFC 5424), or `time host program[process]: message`
    with an optional priority and a time of RFC 3164 or 3339, which is what files hold.
    """
    begin = at
    if buffer[at] == 60:
        begin = find(buffer, at, min(end, at + 5), 62) + 1
        if begin < end - 1 and buffer[begin] == 49 and buffer[begin + 1] == 32:
            begin = _after_time(buffer, begin + 2, end)
            for _ in range(4):
                if begin >= 0:
                    begin = _after_word(buffer, begin, end)
            return _after_structured_data(buffer, begin, end) if begin >= 0 else -1
    after = _after_month(buffer, begin, end)
    if after < 0:
        after = _after_time(buffer, begin, end)
    if after >= 0:
        after = _after_word(buffer, after, end)
    if after >= 0:
        after = _after_word(buffer, after, end)
    # The program's name ends with a colon: `nginx: `, `haproxy[71]: `.
    if after < 0 or buffer[after - 2] != 58:
        return -1
    return after


@subkernel
def _after_tags(buffer: Bytes, at: int, end: int) -> int:
    """Where the text after `stdout F ` begins, or -1."""
    if at + 9 > end or buffer[at] != 115 or buffer[at + 1] != 116 or buffer[at + 2] != 100:
        return -1
    if buffer[at + 6] != 32 or (buffer[at + 7] != 70 and buffer[at + 7] != 80):
        return -1
    return find(buffer, at + 7, end, 32) + 1


@subkernel
def _closing_quote(buffer: Bytes, at: int, end: int) -> int:
    while True:
        at = find2(buffer, at, end, 34, 92)
        if at >= end or buffer[at] == 34:
            return min(at, end)
        at += 2


@subkernel
def _copy(buffer: Bytes, at: int, end: int, written: Bytes, out: int) -> int:
    for i in range(at, end):
        written[out + i - at] = buffer[i]
    return out + end - at


@subkernel
def _hold(
    buffer: Bytes, at: int, end: int, number: int, stream: int, text: Bytes2, held: NDArray[np.int64]
) -> None:
    """Keep a part of a line that the runtime cut, as far as there is room."""
    size = held[stream, SIZE]
    kept = min(end - at, text.shape[1] - size)
    for i in range(kept):
        text[stream, size + i] = buffer[at + i]
    held[stream, SIZE] = size + kept
    held[stream, LOST] += end - at - kept
    held[stream, NUMBER] = number


@kernel
def unwrap(
    buffer: Bytes,
    size: int,
    kind: int,
    first_line: int,
    joins: int,
    text: Bytes2,
    held: NDArray[np.int64],
    written: Bytes,
    line_of: NDArray[np.int64],
    state: NDArray[np.int64],
) -> None:
    """Write what is wrapped in each line of `buffer`, one line each, to `written`.

    Lines that are not wrapped are copied. The parts of a line that the runtime cut (at 16 KiB) become one line again,
    with the number of the last part, as far as there is room for them.

    Args:
        buffer: uint8: lines, `size` bytes, then `PADDING` newlines. Docker's escapes are undone in place.
        size: Bytes of lines.
        kind: `KUBERNETES`, `CRI`, `DOCKER` or `SYSLOG`.
        first_line: Number of the first line.
        joins: 1 if parts are joined; otherwise each is a line of its own.
        text: uint8, shape (STREAMS, room): what is held of a cut line of each stream, kept between chunks.
        held: int64, shape (STREAMS, HELD_WIDTH): how much that is.
        written: uint8, at least `size + 1` bytes and all that is held.
        line_of: int64, one element for each line: the number of each line written.
        state: int64, shape (STATE_WIDTH,).
    """
    at = 0
    number = first_line
    out = state[OUT]
    while at < size:
        newline = find(buffer, at, size, 10)
        end = newline
        if end > at and buffer[end - 1] == 13:
            end -= 1
        begin = -1
        stop = end
        stream = STDOUT
        cut = False
        if kind == DOCKER:
            if _starts_with(buffer, at, end, DOCKER_HEAD):
                begin = at + len(DOCKER_HEAD)
                stop = _closing_quote(buffer, begin, end)
                if _starts_with(buffer, stop + 1, end, DOCKER_STREAM):
                    if buffer[min(stop + 1 + len(DOCKER_STREAM), end)] == 101:
                        stream = STDERR
                stop = unescape_backslashes(buffer, begin, stop, begin)
                cut = stop == begin or buffer[stop - 1] != 10
                while stop > begin and (buffer[stop - 1] == 10 or buffer[stop - 1] == 13):
                    stop -= 1
                for i in range(begin, stop):
                    if buffer[i] == 10:
                        buffer[i] = 32
        elif kind == SYSLOG:
            begin = _after_syslog(buffer, at, end)
        else:
            begin = _after_time(buffer, at, end)
            if begin >= 0 and kind == CRI:
                tags = begin
                begin = _after_tags(buffer, tags, end)
                if begin >= 0:
                    cut = buffer[tags + 7] == 80
                    if buffer[tags + 3] == 101:
                        stream = STDERR
        if begin >= 0:
            state[WRAPPED] += 1
        if begin >= 0 and cut and joins != 0:
            _hold(buffer, begin, stop, number, stream, text, held)
            state[SPLIT] |= 1 << stream
            state[JOINED] += 1
        else:
            if begin >= 0 and (state[SPLIT] >> stream) & 1 and joins != 0:
                _hold(buffer, begin, stop, number, stream, text, held)
                for i in range(held[stream, SIZE]):
                    written[out + i] = text[stream, i]
                out += held[stream, SIZE]
                if held[stream, LOST] > 0:
                    state[CUT_LINES] += 1
                    state[CUT_BYTES] += held[stream, LOST]
                held[stream, SIZE] = 0
                held[stream, LOST] = 0
                state[SPLIT] &= ~(1 << stream)
            else:
                out = _copy(buffer, at if begin < 0 else begin, stop, written, out)
            written[out] = 10
            out += 1
            line_of[state[LINES]] = number
            state[LINES] += 1
        number += 1
        at = newline + 1
    state[OUT] = out

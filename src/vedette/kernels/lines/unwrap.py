"""Peeling off what a runtime, a syslog daemon or a shipper puts around each line, into a buffer of its own."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.text.search import find, find2
from vedette.kernels.text.spans import YEAR_MONTH_DAY, looks_like_time
from vedette.kernels.text.unescape import unescape_backslashes

Bytes2 = NDArray[np.uint8]

KUBERNETES, CRI, DOCKER, SYSLOG, COMPOSE, POD, KEYED, COLOURED = range(8)

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
POD_HEAD = tuple(b"[pod/")
LONGEST_NAME = 320
"""Bytes of a container's name before its line, at most: a pod's 253 and a container's 63, and what is around them."""


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
def _after_colour(buffer: Bytes, at: int, end: int) -> int:
    """Where the text after a terminal's control sequence (ECMA-48, section 5.4) begins; `at` where there is none."""
    if at + 2 >= end or buffer[at] != 27 or buffer[at + 1] != 91:
        return at
    stop = at + 2
    while stop < end and 0x20 <= buffer[stop] <= 0x3F:
        stop += 1
    return stop + 1 if stop < end and 0x40 <= buffer[stop] <= 0x7E else at


@subkernel
def _after_name(buffer: Bytes, at: int, end: int, kind: int) -> int:
    """Where the text after `web-1  | ` (`COMPOSE`) or `[pod/name/container] ` (`POD`) begins, or -1.

    A time of RFC 3339 behind it is passed, too.
    """
    at = _after_colour(buffer, at, end)
    limit = min(end, at + LONGEST_NAME)
    begin = at
    if kind == POD:
        if not _starts_with(buffer, at, end, POD_HEAD):
            return -1
        begin = find(buffer, at, limit, 93)
    else:
        while begin < limit and (
            45 <= buffer[begin] <= 57
            or 65 <= buffer[begin] <= 90
            or 97 <= buffer[begin] <= 122
            or buffer[begin] == 95
        ):
            begin += 1
        if begin == at or begin >= limit or buffer[begin] != 32:
            return -1
        while begin < limit and buffer[begin] == 32:
            begin += 1
        if begin >= limit or buffer[begin] != 124:
            return -1
    if begin + 1 >= limit:
        return -1
    begin = _after_colour(buffer, begin + 1, end)
    if begin >= end or buffer[begin] != 32:
        return -1
    begin = _after_colour(buffer, begin + 1, end)
    after = _after_time(buffer, begin, end)
    return begin if after < 0 else after


@subkernel
def _is_key(buffer: Bytes, at: int, end: int, key: Bytes) -> bool:
    """Whether a quoted key stands there."""
    if at + len(key) + 2 > end or buffer[at + len(key) + 1] != 34:
        return False
    for i in range(len(key)):
        if buffer[at + 1 + i] != key[i]:
            return False
    return True


@subkernel
def _after_key(buffer: Bytes, at: int, end: int, key: Bytes) -> int:
    """Where the first text or list behind a key of a JSON object begins, or -1. Within texts quotes are escaped."""
    while at < end:
        at = find(buffer, at, end, 34)
        if _is_key(buffer, at, end, key):
            at += len(key) + 2
            colon = False
            while at < end and (buffer[at] == 32 or (buffer[at] == 58 and not colon)):
                colon = colon or buffer[at] == 58
                at += 1
            if colon and at < end and (buffer[at] == 34 or buffer[at] == 91):
                return at
        else:
            at += 1
    return -1


@subkernel
def _undo_numbers(buffer: Bytes, at: int, end: int, write: int) -> int:
    """Put bytes where they are written as numbers, `[104,105]`, in place; returns where they end, or -1.

    Args:
        write: 1 to do it; with 0 it is only seen whether it can be done.
    """
    begin = at
    value = -1
    for place in range(at + 1, end):
        code = buffer[place]
        if 48 <= code <= 57:
            value = code - 48 if value < 0 else 10 * value + code - 48
            if value > 255:
                return -1
        elif code == 44 or code == 93:
            if value >= 0:
                if write != 0:
                    buffer[begin] = value
                begin += 1
            if code == 93:
                return begin
            value = -1
        elif code != 32:
            return -1
    return -1


@subkernel
def _in_one_line(buffer: Bytes, begin: int, stop: int) -> int:
    """Drop line ends from the end of a text and make spaces of those in it; returns where it ends."""
    while stop > begin and (buffer[stop - 1] == 10 or buffer[stop - 1] == 13):
        stop -= 1
    for i in range(begin, stop):
        if buffer[i] == 10:
            buffer[i] = 32
    return stop


@subkernel
def _copy_plain(buffer: Bytes, at: int, end: int, written: Bytes, out: int) -> int:
    """Copy without control sequences."""
    while at < end:
        after = _after_colour(buffer, at, end)
        if after > at:
            at = after
            continue
        written[out] = buffer[at]
        out += 1
        at += 1
    return out


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
    key: Bytes,
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
        buffer: uint8: lines, `size` bytes, then `PADDING` newlines. Escapes of JSON are undone in place.
        size: Bytes of lines.
        kind: `KUBERNETES`, `CRI`, `DOCKER` ...
        key: uint8: of `KEYED`, the key whose text is the line.
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
                stop = _in_one_line(buffer, begin, stop)
        elif kind == SYSLOG:
            begin = _after_syslog(buffer, at, end)
        elif kind == COMPOSE or kind == POD:
            begin = _after_name(buffer, at, end, kind)
        elif kind == COLOURED:
            # As much is written as there is to unwrap; a line without colour is not wrapped.
            escape = find(buffer, at, end, 27)
            if escape < end and _after_colour(buffer, escape, end) > escape:
                begin = at
        elif kind == KEYED:
            if buffer[at] == 123:
                begin = _after_key(buffer, at, end, key)
            if begin >= 0 and buffer[begin] == 34:
                begin += 1
                stop = _closing_quote(buffer, begin, end)
                stop = _in_one_line(buffer, begin, unescape_backslashes(buffer, begin, stop, begin))
            elif begin >= 0:
                if _undo_numbers(buffer, begin, end, 0) >= 0:
                    stop = _in_one_line(buffer, begin, _undo_numbers(buffer, begin, end, 1))
                else:
                    begin = -1
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
            elif begin >= 0 and kind >= COMPOSE:
                out = _copy_plain(buffer, begin, stop, written, out)
            else:
                out = _copy(buffer, at if begin < 0 else begin, stop, written, out)
            written[out] = 10
            out += 1
            line_of[state[LINES]] = number
            state[LINES] += 1
        number += 1
        at = newline + 1
    state[OUT] = out

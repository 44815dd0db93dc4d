"""Peeling off what a container runtime wraps each line in, into a buffer of its own."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.search import Bytes, find, find2
from vedette.kernels.spans import YEAR_MONTH_DAY, looks_like_time
from vedette.kernels.unescape import unescape_backslashes

KUBERNETES, CRI, DOCKER = range(3)

OUT, LINES, WRAPPED, SPLIT, CONTINUATIONS = range(5)
STATE_WIDTH = 5
"""Bytes written; lines written; lines that were wrapped; streams (1 stdout, 2 stderr) whose last line the
runtime cut, kept between chunks; lines left out because they go on with a cut one."""
SAMPLES = 3

STDOUT, STDERR = 1, 2
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


@kernel
def unwrap(
    buffer: Bytes,
    size: int,
    kind: int,
    first_line: int,
    written: Bytes,
    line_of: NDArray[np.int64],
    samples: NDArray[np.int64],
    state: NDArray[np.int64],
) -> None:
    """Write what is wrapped in each line of `buffer`, one line each, to `written`.

    Lines that are not wrapped are copied. A line that the runtime cut (16 KiB) gives its first part; the
    lines that go on with it are left out and counted.

    Args:
        buffer: uint8: lines, `size` bytes, then `PADDING` newlines. Docker's escapes are undone in place.
        size: Bytes of lines.
        kind: `KUBERNETES`, `CRI` or `DOCKER`.
        first_line: Number of the first line.
        written: uint8, at least `size + 1` bytes.
        line_of: int64, one element for each line: the number of each line written.
        samples: int64, shape (SAMPLES, 3): number, start and length of the first lines left out.
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
        text = -1
        stop = end
        stream = STDOUT
        cut = False
        if kind == DOCKER:
            if _starts_with(buffer, at, end, DOCKER_HEAD):
                text = at + len(DOCKER_HEAD)
                stop = _closing_quote(buffer, text, end)
                if _starts_with(buffer, stop + 1, end, DOCKER_STREAM):
                    if buffer[min(stop + 1 + len(DOCKER_STREAM), end)] == 101:
                        stream = STDERR
                stop = unescape_backslashes(buffer, text, stop, text)
                cut = stop == text or buffer[stop - 1] != 10
                while stop > text and (buffer[stop - 1] == 10 or buffer[stop - 1] == 13):
                    stop -= 1
                for i in range(text, stop):
                    if buffer[i] == 10:
                        buffer[i] = 32
        else:
            text = _after_time(buffer, at, end)
            if text >= 0 and kind == CRI:
                tags = text
                text = _after_tags(buffer, tags, end)
                if text >= 0:
                    cut = buffer[tags + 7] == 80
                    if buffer[tags + 3] == 101:
                        stream = STDERR
        goes_on = text >= 0 and (state[SPLIT] & stream) != 0
        if text >= 0:
            state[WRAPPED] += 1
            state[SPLIT] = (state[SPLIT] | stream) if cut else (state[SPLIT] & ~stream)
        if goes_on:
            count = state[CONTINUATIONS]
            if count < SAMPLES:
                samples[count, 0] = number
                samples[count, 1] = at
                samples[count, 2] = end - at
            state[CONTINUATIONS] = count + 1
        else:
            out = _copy(buffer, at if text < 0 else text, stop, written, out)
            written[out] = 10
            out += 1
            line_of[state[LINES]] = number
            state[LINES] += 1
        number += 1
        at = newline + 1
    state[OUT] = out

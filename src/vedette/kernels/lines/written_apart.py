"""Making whole what a format writes apart or encoded: a clock without its day, a user agent in percents."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import kernel
from vedette.kernels.text.search import find
from vedette.kernels.text.unescape import unescape_percents

COLON = ord(":")
SPACE = ord(" ")
PERCENT = ord("%")
DAY = 10
"""Bytes of `2026-03-02`."""
SHORTEST_CLOCK = 8
"""Bytes of `08:00:00`."""
LONGEST_CLOCK = 32
"""Bytes of a clock with a fraction and a zone, and some."""
DATED = DAY + 1 + LONGEST_CLOCK
"""Bytes that a clock with its day takes at most."""


@kernel
def date_clocks(
    buffer: Bytes,
    free: int,
    day_start: NDArray[np.int64],
    day_length: NDArray[np.int32],
    start: NDArray[np.int64],
    length: NDArray[np.int32],
) -> None:
    """Write `day clock` at offset `free` of `buffer` for each time that is a clock and has a day; point the time there.

    Args:
        buffer: With room for `DATED` bytes a row from `free` on.
        day_start, day_length, start, length: (n,), spans of days and times; those of times are changed.
    """
    for row in range(start.shape[0]):
        at = start[row]
        size = length[row]
        day = day_start[row]
        if day < 0 or day_length[row] != DAY or at < 0 or size < SHORTEST_CLOCK or size > LONGEST_CLOCK:
            continue
        if buffer[at + 2] != COLON:
            continue
        for i in range(DAY):
            buffer[free + i] = buffer[day + i]
        buffer[free + DAY] = SPACE
        for i in range(size):
            buffer[free + DAY + 1 + i] = buffer[at + i]
        start[row] = free
        length[row] = DAY + 1 + size
        free += DATED


@kernel
def decode_percents(
    buffer: Bytes, raw: int, free: int, start: NDArray[np.int64], length: NDArray[np.int32]
) -> int:
    """Percent-decode spans, into the buffer's tail; where that ends.

    Args:
        buffer: A chunk's. raw: Bytes of it that are lines, which stay as they are; spans behind them are decoded in
            place, so that no more is written than there is text. free: Where the tail is free.
        start, length: (n,), the spans, which are changed.
    """
    for row in range(start.shape[0]):
        at = start[row]
        end = at + length[row]
        if at < 0 or find(buffer, at, end, PERCENT) == end:
            continue
        out = at if at >= raw else free
        stop = unescape_percents(buffer, at, end, out)
        if out == free:
            free = stop
        start[row] = out
        length[row] = stop - out
    return free

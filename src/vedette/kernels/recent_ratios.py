"""Ratios of several windows together, where one window alone holds too few requests."""

from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Floats
from vedette.kernels.baseline_layout import (
    BAND_HIGH,
    BAND_LOW,
    BAND_MIDDLE,
    CENTRE,
    HIGH,
    JUDGEMENT_ROWS,
    LOW,
    READY,
    WIDTH,
)
from vedette.kernels.baseline_outlook import turned
from vedette.kernels.compile import kernel
from vedette.kernels.tails import ratio_tails

MOST_WINDOWS: Final = 5
"""Windows judged together, at most."""
_NUMBER, _COUNT, _EXPOSURE, _MEAN, _CORRELATION, _READY = range(6)
REMEMBERED: Final = 6
"""Numbers remembered of a window."""

Table = NDArray[np.float64]


@kernel
def merge_ratios(
    number: int, slots: NDArray[np.int32], own: Table, own_count: Floats, own_exposure: Floats,
    enough: float, half_width: float, ring: NDArray[np.float64],
    table: Table, count: Floats, exposure: Floats, windows: NDArray[np.int64],
) -> int:  # fmt: skip
    """Remember a window's ratios, and judge those of few requests together with windows before.

    Args:
        number: The window's number.
        slots: int32 (k,).
        own: float64 (JUDGEMENT_ROWS, k), the window's own judgement. own_count, own_exposure: float64 (k,).
        enough: Requests from which a window is judged alone.
        half_width: Half the width of the expected band, in spreads.
        ring: float64 (slots, MOST_WINDOWS, REMEMBERED), what is remembered; updated. Never met: a number of -1.
        table: float64 (JUDGEMENT_ROWS, k), receives the judgement.
        count, exposure: float64 (k,), receive what the ratio is made of.
        windows: int64 (k,), receives how many windows each rests on, from the first with a request to this one.

    Returns:
        How many were judged anew.
    """
    merged = 0
    for i in range(slots.shape[0]):
        slot = slots[i]
        place = number % MOST_WINDOWS
        ring[slot, place, _NUMBER] = number
        ring[slot, place, _COUNT] = own_count[i]
        ring[slot, place, _EXPOSURE] = own_exposure[i]
        ring[slot, place, _MEAN] = own[CENTRE, i]
        ring[slot, place, _CORRELATION] = own[WIDTH, i]
        ring[slot, place, _READY] = own[READY, i]
        for row in range(JUDGEMENT_ROWS):
            table[row, i] = own[row, i]
        count[i] = own_count[i]
        exposure[i] = own_exposure[i]
        windows[i] = 1
        if own[READY, i] <= 0.0 or own_exposure[i] >= enough:
            continue
        hits = trials = 0.0
        oldest = 0
        for age in range(MOST_WINDOWS):
            place = (number - age) % MOST_WINDOWS
            fresh = ring[slot, place, _NUMBER] == number - age and ring[slot, place, _READY] > 0.0
            if fresh and trials < enough:
                hits += ring[slot, place, _COUNT]
                trials += ring[slot, place, _EXPOSURE]
                oldest = age
        if oldest == 0:
            continue
        # Judged by what was expected before the first of them: by no baseline that has seen any.
        place = (number - oldest) % MOST_WINDOWS
        mean = ring[slot, place, _MEAN]
        correlation = ring[slot, place, _CORRELATION]
        high, low = ratio_tails(hits, trials, mean, correlation)
        wide = half_width * sqrt(1.0 / trials + correlation)
        table[HIGH, i] = high if high > 0.0 else 0.0
        table[LOW, i] = low if low > 0.0 else 0.0
        table[BAND_LOW, i] = turned(mean, -wide)
        table[BAND_MIDDLE, i] = mean
        table[BAND_HIGH, i] = turned(mean, wide)
        table[CENTRE, i] = mean
        table[WIDTH, i] = correlation
        count[i] = hits
        exposure[i] = trials
        windows[i] = oldest + 1
        merged += 1
    return merged

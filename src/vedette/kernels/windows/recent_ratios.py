"""Ratios of several windows together, where one window alone holds too few requests, or too few hits."""

from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Floats
from vedette.kernels.baselines.baseline_layout import (
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
from vedette.kernels.baselines.baseline_outlook import turned
from vedette.kernels.baselines.tails import ratio_tails
from vedette.kernels.compile import kernel, subkernel

MOST_WINDOWS: Final = 20
"""Windows with requests that are judged together, at most."""
NEAR: Final = 5
"""Of these, so many at most for the sake of requests: further ones, for the sake of hits, say less of now."""
REACH: Final = 60
"""Windows that those may be spread over: an hour of minutes."""
_NUMBER, _COUNT, _EXPOSURE, _MEAN, _CORRELATION, _READY = range(6)
REMEMBERED: Final = 6
"""Numbers remembered of a window."""

Table = NDArray[np.float64]


@subkernel
def _remember(
    ring: NDArray[np.float64], slot: int, number: int, count: float, exposure: float, own: Table, column: int
) -> None:
    """Put a window before those of an entity."""
    for place in range(MOST_WINDOWS - 1, 0, -1):
        for what in range(REMEMBERED):
            ring[slot, place, what] = ring[slot, place - 1, what]
    ring[slot, 0, _NUMBER] = number
    ring[slot, 0, _COUNT] = count
    ring[slot, 0, _EXPOSURE] = exposure
    ring[slot, 0, _MEAN] = own[CENTRE, column]
    ring[slot, 0, _CORRELATION] = own[WIDTH, column]
    ring[slot, 0, _READY] = own[READY, column]


@subkernel
def _told(ring: NDArray[np.float64], slot: int, number: int) -> int:
    """How many windows of an entity are remembered that are not too long before this one, and were ready."""
    told = 0
    while told < MOST_WINDOWS:
        known = ring[slot, told, _NUMBER]
        if known < 0.0 or number - known >= REACH or ring[slot, told, _READY] <= 0.0:
            break
        told += 1
    return told


@subkernel
def _since(ring: NDArray[np.float64], slot: int, told: int, mean: float, correlation: float) -> int:
    """Place of the hit from which on what is remembered is most surprising; an earlier one has to make it tenfold."""
    hits = trials = most = 0.0
    since = 0
    for place in range(told):
        count = ring[slot, place, _COUNT]
        hits += count
        trials += ring[slot, place, _EXPOSURE]
        if count > 0.0:
            surprise, _ = ratio_tails(hits, trials, mean, correlation)
            if surprise > most + 1.0:
                most = surprise
                since = place
    return since


@kernel
def merge_ratios(
    number: int, slots: NDArray[np.int32], own: Table, own_count: Floats, own_exposure: Floats,
    enough: float, least: float, half_width: float, ring: NDArray[np.float64],
    table: Table, count: Floats, exposure: Floats, largest: Floats, windows: NDArray[np.int64],
    hit: NDArray[np.int64],
) -> int:  # fmt: skip
    """Remember a window's ratios, and judge those of few requests, or of few hits, together with windows before.

    Each is judged by what was expected before the first window that is remembered: by no baseline that has seen any of
    them, and by none that has got used to hits that have come for a while.

    How far back is chosen by the hits makes no difference to the tail: that the last `least` of them were among so few
    requests is as likely as that so few requests held as many. Where a window has a hit, but fewer than that, all that
    are remembered are judged together, too, and the more surprising of the two counts: one answer in thirty that fails
    says little by the last five.

    Args:
        number: The window's number.
        slots: int32 (k,).
        own: float64 (JUDGEMENT_ROWS, k), the window's own judgement. own_count, own_exposure: float64 (k,).
        enough, least: Requests, and hits, from which no further windows are judged with one.
        half_width: Half the width of the expected band, in spreads.
        ring: float64 (slots, MOST_WINDOWS, REMEMBERED), the last windows with requests, the newest first; updated.
            A number of -1 ends them.
        table: float64 (JUDGEMENT_ROWS, k), receives the judgement.
        count, exposure: float64 (k,), receive what the ratio is made of. largest: Receives most hits of one window.
        windows, hit: int64 (k,), receive how many windows each rests on, from the first with a request, and with a hit,
            to this one; of all that are remembered, from the hit from which on they are most surprising.

    Returns:
        How many were judged anew: those with hits, and those of few requests.
    """
    merged = 0
    for i in range(slots.shape[0]):
        slot = slots[i]
        if own_exposure[i] > 0.0:
            _remember(ring, slot, number, own_count[i], own_exposure[i], own, i)
        for row in range(JUDGEMENT_ROWS):
            table[row, i] = own[row, i]
        count[i] = own_count[i]
        exposure[i] = own_exposure[i]
        largest[i] = own_count[i]
        windows[i] = hit[i] = 1
        if own[READY, i] <= 0.0 or (own_exposure[i] >= enough and own_count[i] <= 0.0):
            continue
        told = _told(ring, slot, number)
        if told < 2:
            continue
        hits = trials = most = 0.0
        rests = since = 0
        while rests < told and (0.0 < hits < least or (trials < enough and rests < NEAR)):
            hits += ring[slot, rests, _COUNT]
            trials += ring[slot, rests, _EXPOSURE]
            most = max(most, ring[slot, rests, _COUNT])
            if ring[slot, rests, _COUNT] > 0.0:
                since = number - int(ring[slot, rests, _NUMBER])
            rests += 1
        mean = ring[slot, told - 1, _MEAN]
        correlation = ring[slot, told - 1, _CORRELATION]
        high, low = ratio_tails(hits, trials, mean, correlation)
        if 0.0 < own_count[i] < least and rests < told:
            # The last few hits say soonest what is wrong, all that are remembered most surely.
            all_hits = all_trials = all_most = 0.0
            for place in range(told):
                all_hits += ring[slot, place, _COUNT]
                all_trials += ring[slot, place, _EXPOSURE]
                all_most = max(all_most, ring[slot, place, _COUNT])
            surer, rarely = ratio_tails(all_hits, all_trials, mean, correlation)
            # A window that has enough by itself was judged by itself, and may be over.
            if surer > high and all_most < least:
                high, low, hits, trials, most, rests = surer, rarely, all_hits, all_trials, all_most, told
                since = number - int(ring[slot, _since(ring, slot, told, mean, correlation), _NUMBER])
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
        largest[i] = most
        windows[i] = number - int(ring[slot, rests - 1, _NUMBER]) + 1
        hit[i] = since + 1
        merged += 1
    return merged

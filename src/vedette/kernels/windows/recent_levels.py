"""Latencies of several windows together, held against what was expected before them."""

from math import exp, log, sqrt
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
    TEACHES,
    WIDTH,
)
from vedette.kernels.baselines.tails import student_tail
from vedette.kernels.compile import kernel, subkernel

MOST_WINDOWS: Final = 20
"""Windows that are remembered: what is judged is held against what was expected before the first of them."""
REACH: Final = 60
"""Windows that those may be spread over: an hour of minutes."""
_NUMBER, _LEVEL, _EXPOSURE, _LOCATION, _BETWEEN = range(5)
REMEMBERED: Final = 5
"""Numbers remembered of a window: its own, the value's logarithm without its bias, what it rests on, what was expected,
and the variance about that without what sampling adds."""
_ERROR, _WEIGHT, _LOWER = range(3)
FEW: Final = 4
"""Classes of windows with fewer than 16 requests: 1, 2 or 3, up to 7, up to 15."""
ERRORS: Final = 2 + 2 * FEW
"""Of an entity: squared errors of such a comparison, in parts of the variance that it should have; and of how many. For
each class of windows with few requests: how far they were off what was expected, summed; and of how many."""
_PRIOR: Final = 60.0
"""Comparisons that the assumed variance is worth: neighbouring ones share most of their windows."""
_KEEP: Final = 1.0 - 1.0 / 1440.0
"""A day of minutes: what rises every morning has to be remembered until the next."""
_FURTHEST: Final = 9.0
"""A squared error counts as no more than so many variances, as everywhere in baselines."""
_SMALLEST: Final = 1e-6
"""As of the bank."""
_BELOW: Final = 30.0
"""Windows of a class that no bias is worth: as many as a baseline is not believed before."""
_SURE: Final = 0.02
"""Least part of the assumed variance that is believed."""

Table = NDArray[np.float64]


@subkernel
def _remember(
    ring: NDArray[np.float64], slot: int, number: int, level: float, exposure: float, location: float, between: float
) -> None:  # fmt: skip
    """Put a window before those of an entity."""
    for place in range(MOST_WINDOWS - 1, 0, -1):
        for what in range(REMEMBERED):
            ring[slot, place, what] = ring[slot, place - 1, what]
    ring[slot, 0, _NUMBER] = number
    ring[slot, 0, _LEVEL] = level
    ring[slot, 0, _EXPOSURE] = exposure
    ring[slot, 0, _LOCATION] = location
    ring[slot, 0, _BETWEEN] = between


@subkernel
def _class(exposure: float) -> int:
    """To which class of windows with few requests it belongs; `FEW` to none."""
    few = 0
    while few < FEW and exposure >= 2.0:
        exposure *= 0.5
        few += 1
    return few


@subkernel
def _lower(errors: NDArray[np.float64], slot: int, few: int) -> float:
    """How much lower than expected an entity's windows of a class are: the largest of fewer requests is less."""
    if few == FEW:
        return 0.0
    bias = errors[slot, _LOWER + 2 * few] / (errors[slot, _LOWER + 2 * few + 1] + _BELOW)
    return bias if bias < 0.0 else 0.0


@subkernel
def _told(ring: NDArray[np.float64], slot: int, number: int) -> int:
    """How many windows of an entity are remembered that are not too long before this one."""
    told = 0
    while told < MOST_WINDOWS:
        known = ring[slot, told, _NUMBER]
        if known < 0.0 or number - known >= REACH:
            break
        told += 1
    return told


@kernel
def merge_levels(
    number: int, slots: NDArray[np.int32], own: Table, own_value: Floats, own_exposure: Floats,
    enough: float, sampling: float, half_width: float, degrees: int,
    ring: NDArray[np.float64], errors: NDArray[np.float64],
    table: Table, value: Floats, exposure: Floats, windows: NDArray[np.int64], slow: NDArray[np.int64],
) -> int:  # fmt: skip
    """Remember a window's latencies, and judge them together with windows before where that is more surprising.

    As many of the last windows as hold `enough` requests are averaged on the log scale, weighted by their requests, and
    held against what was expected before the first that is remembered: by no baseline that follows what creeps. Those
    with few requests count as if they had held many (`_lower`). The variance is the one that a window of so many
    requests would have, times how much more, or less, such comparisons missed by in the last day. Only while the window
    itself is half as slow.

    Args:
        number: The window's number.
        slots: int32 (k,).
        own: float64 (JUDGEMENT_ROWS, k), the window's own judgement. own_value, own_exposure: float64 (k,).
        enough: Requests from which no further windows are averaged.
        sampling: The bank's: variance that a value has for resting on one request.
        half_width: Half the width of the expected band, in spreads. degrees: Of Student's t.
        ring: float64 (slots, MOST_WINDOWS, REMEMBERED), the last windows, the newest first; updated. A number of -1
            ends them.
        errors: float64 (slots, ERRORS), updated.
        table: float64 (JUDGEMENT_ROWS, k), receives the judgement.
        value, exposure: float64 (k,), receive what was judged. windows: int64 (k,), over how many windows.
        slow: int64 (k,), receives how many there are from the first that was half as slow to this one.

    Returns:
        How many were judged anew.
    """
    merged = 0
    for i in range(slots.shape[0]):
        slot = slots[i]
        for row in range(JUDGEMENT_ROWS):
            table[row, i] = own[row, i]
        value[i] = own_value[i]
        exposure[i] = own_exposure[i]
        windows[i] = slow[i] = 1
        if own[READY, i] <= 0.0 or own_exposure[i] <= 0.0:
            continue
        level = log(own_value[i] if own_value[i] > _SMALLEST else _SMALLEST)
        among = own_exposure[i] if own_exposure[i] > 1.0 else 1.0
        between = own[WIDTH, i] * own[WIDTH, i] - sampling / among
        few = _class(among)
        off = level - own[CENTRE, i]
        bias = _lower(errors, slot, few)
        level -= bias
        _remember(ring, slot, number, level, among, own[CENTRE, i], between if between > 0.0 else 0.0)
        if few < FEW:
            furthest = 3.0 * own[WIDTH, i]
            off = max(bias - furthest, min(off, bias + furthest))
            for what in range(_LOWER, ERRORS):
                errors[slot, what] *= _KEEP
            errors[slot, _LOWER + 2 * few] += own[TEACHES, i] * off
            errors[slot, _LOWER + 2 * few + 1] += own[TEACHES, i]
        told = _told(ring, slot, number)
        if told < 3:
            continue
        total = trials = 0.0
        rests = 0
        while rests < told and trials < enough:
            trials += ring[slot, rests, _EXPOSURE]
            total += ring[slot, rests, _EXPOSURE] * ring[slot, rests, _LEVEL]
            rests += 1
        location = ring[slot, told - 1, _LOCATION]
        assumed = ring[slot, told - 1, _BETWEEN] + sampling / trials
        missed = (errors[slot, _ERROR] + _PRIOR) / (errors[slot, _WEIGHT] + _PRIOR)
        scale = sqrt(assumed * (missed if missed > _SURE else _SURE))
        away = total / trials - location
        # What was slow and is not any more is over.
        if away > 1.5 * scale and level - location >= 0.5 * away:
            high = student_tail(away / scale, degrees)
            if high > own[HIGH, i]:
                table[HIGH, i] = high
                table[LOW, i] = 0.0
                table[BAND_LOW, i] = exp(location - half_width * scale)
                table[BAND_MIDDLE, i] = exp(location)
                table[BAND_HIGH, i] = exp(location + half_width * scale)
                table[CENTRE, i] = location
                table[WIDTH, i] = scale
                value[i] = exp(total / trials)
                exposure[i] = trials
                windows[i] = number - int(ring[slot, rests - 1, _NUMBER]) + 1
                # Back to where three windows in a row were not half as slow.
                usual = since = 0
                for place in range(rests):
                    if ring[slot, place, _LEVEL] - location >= 0.5 * away:
                        since, usual = place, 0
                    else:
                        usual += 1
                        if usual == 3:
                            break
                slow[i] = number - int(ring[slot, since, _NUMBER]) + 1
                merged += 1
        if told == MOST_WINDOWS or number - ring[slot, told - 1, _NUMBER] >= MOST_WINDOWS:
            square = away * away / assumed
            most = _FURTHEST * missed
            taught = own[TEACHES, i]
            errors[slot, _ERROR] = _KEEP * errors[slot, _ERROR] + taught * (square if square < most else most)
            errors[slot, _WEIGHT] = _KEEP * errors[slot, _WEIGHT] + taught
    return merged

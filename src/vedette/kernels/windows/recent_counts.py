"""Counts of several windows together, held against what was expected before them."""

from math import isnan, nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Floats, Ints32
from vedette.kernels.baselines.baseline_judge import shifted
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
from vedette.kernels.baselines.tails import count_tail_low
from vedette.kernels.compile import kernel, subkernel

SPANS: Final = (10, 20)
"""Windows that are summed; 20 at most, as those of latencies are."""
SHORT, TOGETHER = SPANS
REACH: Final = 60
"""Windows before which what was expected counts too: a burst of half an hour is not what was usual."""
COUNT, MIDDLE = range(2)
REMEMBERED: Final = 2
"""Numbers remembered of a window: its count, as far as it was expected at most, and what was expected."""
LAST, STREAK, COMPARED, ERROR = range(4)
WEIGHT: Final = ERROR + 2
SUMS: Final = WEIGHT + 2
"""Of an entity: its last window's number, how many windows came without a gap up to it (`REACH` at most), how many sums
were compared; and for each span, the squared errors of its sums beyond what counts scatter by themselves, in parts of
the expected squared, and of how many."""
_KEEP: Final = 1.0 - 1.0 / 1440.0
"""A day of minutes: what falls every evening has to be remembered until the next."""
KNOWN: Final = (360.0, 1440.0)
"""Comparisons before which nothing is judged so, for the same reason; no evening falls within ten minutes to less than
half, so that for this how widely sums scatter has to be known, and no more."""
_YOUNG: Final = 360.0
"""Comparisons before which none is cut: nothing says yet how far they usually are off."""
_FURTHEST: Final = 9.0
"""A squared error counts as no more than so many variances, as everywhere in baselines."""

Table = NDArray[np.float64]
Ring = NDArray[np.float32]


@subkernel
def _since(ring: Ring, place: int, number: int, span: int, mean: float, share: float) -> int:
    """Windows since it became less: from where on shortfalls beyond half of `share` add up to most (Page 1954)."""
    least = (1.0 - 0.5 * share) * mean
    total = most = 0.0
    since = 1
    for back in range(span):
        total += least - ring[place, (number - back) % REACH, COUNT]
        if total > most:
            most = total
            since = back + 1
    return since


@kernel
def merge_counts(
    number: int, places: Ints32, own: Table, count: Floats, alone: Floats, missing: Floats, half_width: float,
    ring: Ring, sums: NDArray[np.float64],
    table: Table, value: Floats, windows: NDArray[np.int64], since: NDArray[np.int64], mean: Floats,
) -> int:  # fmt: skip
    """Remember a window's counts, and judge them together with windows before where that is more surprising.

    The last 10 and 20 are summed, none as more than was expected at most: a job on the hour makes up for nothing. A
    sum is held against what was expected before the first of them or, if that is less, before the last `REACH`. It is a
    count like any other, only that its dispersion is that of such sums in the last day: of devices that report every
    five minutes it is none at all, and a third of them is missed though in no single minute; and of what people do in
    bursts, which lets a minute be empty now and then, it lets ten of them not.

    Args:
        number: The window's number.
        places: int32 (k,), rows of `ring` and `sums`.
        own: float64 (JUDGEMENT_ROWS, k), the window's own judgement. count: float64 (k,).
        alone: float64 (k,): requests in a window that one client alone may usually make; fewer missing are not judged.
        missing: float64 (2,), by span: the share of what was expected that has to be missing.
        half_width: Half the width of the expected band, in spreads.
        ring: float32 (places, REACH, REMEMBERED); updated. sums: float64 (places, SUMS); updated.
        table: float64 (JUDGEMENT_ROWS, k), receives the judgement.
        value: float64 (k,), receives what was judged. windows: int64 (k,), over how many windows.
        since: int64 (k,), receives for how many windows it has been less.
        mean: float64 (k,), receives the mean of the last `SHORT` counts; NaN where they are not known.

    Returns:
        How many were judged anew.
    """
    merged = 0
    for i in range(places.shape[0]):
        place = places[i]
        for row in range(JUDGEMENT_ROWS):
            table[row, i] = own[row, i]
        value[i] = count[i]
        windows[i] = since[i] = 1
        mean[i] = nan
        if own[READY, i] <= 0.0 or isnan(own[BAND_MIDDLE, i]):
            sums[place, STREAK] = 0.0
            continue
        if sums[place, LAST] != number - 1.0:
            sums[place, STREAK] = 0.0
        sums[place, LAST] = number
        most = own[BAND_HIGH, i]
        ring[place, number % REACH, COUNT] = count[i] if count[i] < most else most
        ring[place, number % REACH, MIDDLE] = own[BAND_MIDDLE, i]
        if sums[place, STREAK] < REACH - 1.0:
            sums[place, STREAK] += 1.0
            continue
        total, back, expected = 0.0, 0, 0.0
        for k in range(len(SPANS)):
            span = SPANS[k]
            while back < span:
                total += ring[place, (number - back) % REACH, COUNT]
                back += 1
            if span == SHORT:
                mean[i] = total / SHORT
            usual = min(
                ring[place, (number - span + 1) % REACH, MIDDLE], ring[place, (number + 1) % REACH, MIDDLE]
            )
            expected = span * usual
            if expected < 1.0:
                continue
            weight = sums[place, WEIGHT + k]
            dispersion = sums[place, ERROR + k] / weight if weight > 0.0 else 0.0
            if dispersion < 0.0:
                dispersion = 0.0
            if (
                sums[place, COMPARED] >= KNOWN[k]
                and total <= (1.0 - missing[k]) * expected
                and expected - total > span * alone[i]
            ):
                low = count_tail_low(total, expected, dispersion)
                if low > table[LOW, i]:
                    merged += windows[i] == 1
                    table[HIGH, i] = 0.0
                    table[LOW, i] = low
                    table[BAND_LOW, i] = shifted(expected, dispersion, -half_width)
                    table[BAND_MIDDLE, i] = expected
                    table[BAND_HIGH, i] = shifted(expected, dispersion, half_width)
                    table[CENTRE, i] = expected
                    table[WIDTH, i] = dispersion
                    value[i] = total
                    windows[i] = span
                    since[i] = _since(ring, place, number, span, usual, missing[k])
            off = total - expected
            excess = (off * off - expected) / (expected * expected)
            furthest = _FURTHEST * (dispersion + 1.0 / expected)
            if sums[place, COMPARED] >= _YOUNG and excess > furthest:
                excess = furthest
            taught = own[TEACHES, i]
            sums[place, ERROR + k] = _KEEP * sums[place, ERROR + k] + taught * excess
            sums[place, WEIGHT + k] = _KEEP * weight + taught
        if expected >= 1.0:
            sums[place, COMPARED] += 1.0
    return merged

"""Counts of several windows together, held against what was expected before them."""

from math import isnan
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

TOGETHER: Final = 20
"""Windows that are summed, as those of latencies are."""
REACH: Final = 60
"""Windows before which what was expected counts too: a burst of half an hour is not what was usual."""
COUNT, MIDDLE = range(2)
REMEMBERED: Final = 2
"""Numbers remembered of a window: its count, as far as it was expected at most, and what was expected."""
LAST, STREAK, ERROR, WEIGHT, COMPARED = range(5)
SUMS: Final = 5
"""Of an entity: its last window's number, how many windows came without a gap up to it (`REACH` at most), the squared
errors of such sums beyond what counts scatter by themselves, in parts of the expected squared, and of how many; and how
many sums were compared."""
_KEEP: Final = 1.0 - 1.0 / 1440.0
"""A day of minutes: what falls every evening has to be remembered until the next."""
KNOWN: Final = 1440.0
"""Comparisons before which nothing is judged so, for the same reason."""
_YOUNG: Final = 360.0
"""Comparisons before which none is cut: nothing says yet how far they usually are off."""
_FURTHEST: Final = 9.0
"""A squared error counts as no more than so many variances, as everywhere in baselines."""

Table = NDArray[np.float64]
Ring = NDArray[np.float32]


@subkernel
def _since(ring: Ring, place: int, number: int, mean: float, share: float) -> int:
    """Windows since it became less: from where on shortfalls beyond half of `share` add up to most (Page 1954)."""
    least = (1.0 - 0.5 * share) * mean
    total = most = 0.0
    since = 1
    for back in range(TOGETHER):
        total += least - ring[place, (number - back) % REACH, COUNT]
        if total > most:
            most = total
            since = back + 1
    return since


@kernel
def merge_counts(
    number: int, places: Ints32, own: Table, count: Floats, alone: Floats, share: float, half_width: float,
    ring: Ring, sums: NDArray[np.float64],
    table: Table, value: Floats, windows: NDArray[np.int64], since: NDArray[np.int64],
) -> int:  # fmt: skip
    """Remember a window's counts, and judge them together with windows before where that is more surprising.

    The last `TOGETHER` are summed, none as more than was expected at most: a job on the hour makes up for nothing. The
    sum is held against what was expected before the first of them or, if that is less, before the last `REACH`. It is a
    count like any other, only that its dispersion is that of such sums in the last day: of devices that report every
    five minutes it is none at all, and a third of them is missed though in no single minute.

    Args:
        number: The window's number.
        places: int32 (k,), rows of `ring` and `sums`.
        own: float64 (JUDGEMENT_ROWS, k), the window's own judgement. count: float64 (k,).
        alone: float64 (k,): requests in a window that one client alone may usually make; fewer missing are not judged.
        share: Of what was expected, that has to be missing.
        half_width: Half the width of the expected band, in spreads.
        ring: float32 (places, REACH, REMEMBERED); updated. sums: float64 (places, SUMS); updated.
        table: float64 (JUDGEMENT_ROWS, k), receives the judgement.
        value: float64 (k,), receives what was judged. windows: int64 (k,), over how many windows.
        since: int64 (k,), receives for how many windows it has been less.

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
        total = 0.0
        for back in range(TOGETHER):
            total += ring[place, (number - back) % REACH, COUNT]
        mean = min(
            ring[place, (number - TOGETHER + 1) % REACH, MIDDLE], ring[place, (number + 1) % REACH, MIDDLE]
        )
        expected = TOGETHER * mean
        if expected < 1.0:
            continue
        dispersion = sums[place, ERROR] / sums[place, WEIGHT] if sums[place, WEIGHT] > 0.0 else 0.0
        if dispersion < 0.0:
            dispersion = 0.0
        if (
            sums[place, COMPARED] >= KNOWN
            and total <= (1.0 - share) * expected
            and expected - total > TOGETHER * alone[i]
        ):
            low = count_tail_low(total, expected, dispersion)
            if low > own[LOW, i]:
                table[HIGH, i] = 0.0
                table[LOW, i] = low
                table[BAND_LOW, i] = shifted(expected, dispersion, -half_width)
                table[BAND_MIDDLE, i] = expected
                table[BAND_HIGH, i] = shifted(expected, dispersion, half_width)
                table[CENTRE, i] = expected
                table[WIDTH, i] = dispersion
                value[i] = total
                windows[i] = TOGETHER
                since[i] = _since(ring, place, number, mean, share)
                merged += 1
        off = total - expected
        excess = (off * off - expected) / (expected * expected)
        furthest = _FURTHEST * (dispersion + 1.0 / expected)
        if sums[place, COMPARED] >= _YOUNG and excess > furthest:
            excess = furthest
        taught = own[TEACHES, i]
        sums[place, ERROR] = _KEEP * sums[place, ERROR] + taught * excess
        sums[place, WEIGHT] = _KEEP * sums[place, WEIGHT] + taught
        sums[place, COMPARED] += 1.0
    return merged

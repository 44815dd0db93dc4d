"""Two detectors whose NAB scores are published, written from their descriptions to check the scorer by.

Both are simple and without chance in them, so their published scores must come out to the digits given.
"""

import math

import numpy as np
from nab import Series
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def windowed_gaussian(series: Series, window: int = 6400, step: int = 100) -> Floats:
    """The larger tail side of a normal distribution over a window that slides in steps.

    The published results were stored with 12 decimals, which made all the extreme ones 1: so here.
    """
    value = series.value
    score = np.zeros(len(value))
    mean, spread = 0.0, 1.0
    for row, x in enumerate(value):
        if row > 0:
            score[row] = 1.0 - 0.5 * math.erfc(abs(x - mean) / spread / 1.4142)
        full = row + 1 - window
        if full <= 0 or full % step == 0:
            held = value[max(0, full) : row + 1]
            mean, spread = float(held.mean()), float(held.std()) or 1e-6
    return np.round(score, 12)


def relative_entropy(
    series: Series, window: int = 52, bins: int = 5, limit: float = 13.276704135987622
) -> Floats:
    """1 where the last window's histogram agrees with none seen before (Wang et al. 2011).

    Args:
        series: One file; its range is known to the detector, as the benchmark allows.
        window: Rows in a histogram.
        bins: Of equal width over the range.
        limit: 99 % point of the chi-squared distribution with `bins` - 1 degrees of freedom.
    """
    value = series.value
    score = np.zeros(len(value))
    low, high = float(value.min()), float(value.max())
    if high == low:
        return score
    levels = np.minimum(np.ceil((value - low) / ((high - low) / bins)), bins - 1).astype(np.int64)
    known = np.zeros((0, bins))
    for row in range(window - 1, len(value)):
        share = np.bincount(levels[row + 1 - window : row + 1], minlength=bins) / window
        some = share > 0
        with np.errstate(divide="ignore"):
            entropy = 2 * window * (share[some] * np.log(share[some] / known[:, some])).sum(axis=1)
        if not len(known) or entropy.min() >= limit:
            score[row] = float(len(known) > 0)
            known = np.vstack((known, share))
    return score

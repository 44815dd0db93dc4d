"""Quantiles of arrays.

`np.quantile` gives the same, but finds distinct values on its way, and imports `numpy.ma` for it (`distinct`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def quantiles(values: NDArray[Any], shares: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Below which of n numbers some shares of them are, between two of them in a straight line.

    Of Hyndman and Fan's definitions (1996) it is the seventh, numpy's default.

    Args:
        values: (n,) or (n, k), n > 0, without NaN. shares: s of them, 0..1.

    Returns:
        float64 (s,) or (s, k).
    """
    ordered = np.sort(values, axis=0)
    place = (len(values) - 1) * np.asarray(shares, dtype=np.float64)
    before = np.floor(place).astype(np.intp)
    left, right = ordered[before], ordered[np.minimum(before + 1, len(values) - 1)]
    part = (place - before).reshape(-1, *[1] * (values.ndim - 1))
    # From the nearer of the two, so that no rounding takes it past either.
    found: NDArray[np.float64] = np.where(
        part >= 0.5, right - (right - left) * (1.0 - part), left + (right - left) * part
    )
    return found


def quantile(values: NDArray[Any], share: float) -> float:
    """The same of one share of n numbers."""
    return float(quantiles(values, [share])[0])

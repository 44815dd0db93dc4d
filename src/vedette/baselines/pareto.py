"""Fitting the far tail: a generalised Pareto distribution above a threshold (Pickands 1975)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

HEAVIEST: Final = 0.5
"""Largest shape that is believed."""


def fit_excess(excess: NDArray[np.float64]) -> tuple[float, float]:
    """Scale and shape of what lies above a threshold, by probability-weighted moments (Hosking and Wallis 1987).

    A lighter tail than exponential counts as exponential: what is stated of it is then less than what is so.

    Args:
        excess: float64 (n,), n > 0, values less the threshold.

    Returns:
        The scale, in the values' unit, and the shape, 0 to `HEAVIEST`.
    """
    ordered = np.sort(excess)
    n = len(ordered)
    mean = float(ordered.mean())
    weighted = float((ordered * (1.0 - (np.arange(1, n + 1) - 0.35) / n)).mean())
    spread = mean - 2.0 * weighted
    shape = min(max(2.0 - mean / spread, 0.0), HEAVIEST) if spread > 0.0 else HEAVIEST
    return mean * (1.0 - shape), shape

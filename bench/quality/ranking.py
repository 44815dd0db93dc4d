"""Figures of merit of a ranking."""

import numpy as np
from numpy.typing import NDArray


def average_precision(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Area under the precision-recall curve by the step rule; ties count as one step. NaN without positives.

    Source: Davis and Goadrich, "The relationship between precision-recall and ROC curves", ICML 2006: no
    linear interpolation between points.
    """
    if not positive.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    ranked, hit = score[order], positive[order]
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    found = np.cumsum(hit)[last]
    precision = found / (last + 1)
    recall = found / positive.sum()
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def wilson(found: int, tried: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, JASA 22, 1927)."""
    if tried == 0:
        return 0.0, 1.0
    z, share = 1.96, found / tried
    middle = share + z * z / (2 * tried)
    half = z * np.sqrt(share * (1 - share) / tried + z * z / (4 * tried * tried))
    scale = 1 + z * z / tried
    return max(0.0, float((middle - half) / scale)), float((middle + half) / scale)

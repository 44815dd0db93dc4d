"""Measures of a score against point labels that need no threshold, and those at the best one.

VUS-PR (Paparrizos, Boniol, Palpanas, Tsay, Elmore and Franklin 2022, "Volume Under the Surface"): the area
under a precision-recall curve whose labels reach over the segments' ends with falling weight, averaged over
all reaches from 0 to a longest one; recall is multiplied by the share of segments that have a detection.
"""

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

THRESHOLDS = 250
"""Points on each curve: the paper's implementation takes as many, evenly among the sorted scores."""


def segments(label: Bools) -> NDArray[np.int64]:
    """First and last row of each labelled stretch, (n, 2)."""
    edge = np.flatnonzero(np.diff(np.concatenate(([False], label, [False])).astype(np.int8)))
    spans: NDArray[np.int64] = edge.reshape(-1, 2).astype(np.int64)
    spans[:, 1] -= 1
    return spans


def vus_pr(score: Floats, label: Bools, reach: int, thresholds: int = THRESHOLDS) -> float:
    """Volume under the precision-recall surface, 0..1; NaN without labelled rows.

    Args:
        score: float64 (n,), higher is more anomalous; no NaN.
        label: bool (n,).
        reach: Longest buffer l: half of it lies on each side of a segment.
        thresholds: Points on each curve.
    """
    spans = segments(label)
    if not len(spans):
        return float("nan")
    descending = -np.sort(-score)
    at = descending[np.linspace(0, len(score) - 1, thresholds).astype(np.int64)]
    predicted = np.searchsorted(-descending, -at, side="right").astype(np.float64)
    # The first threshold on the curve that a row is at or above.
    step = np.searchsorted(-at, -score, side="left").astype(np.int64)
    volume: float = _volume(step, label, spans, predicted, reach)
    return volume


@numba.njit(cache=False)
def _volume(step, label, spans, predicted, reach):  # type: ignore[no-untyped-def]
    n, steps = len(label), len(predicted)
    total = 0.0
    core = np.zeros(steps)
    for row in range(n):
        if label[row]:
            core[step[row]] += 1.0
    positives = core.sum()
    buffer = np.empty(steps)
    first_hit = np.empty(steps)
    weight = np.zeros(n)
    for window in range(reach + 1):
        half = window // 2
        buffer[:] = 0.0
        first_hit[:] = 0.0
        groups = 0
        earliest = steps
        for k in range(len(spans)):
            start, end = spans[k]
            for row in range(max(0, start - half), start):
                weight[row] += np.sqrt(1.0 - (start - row) / window)
            for row in range(end + 1, min(n, end + half + 1)):
                weight[row] += np.sqrt(1.0 - (row - end) / window)
        done = 0
        for k in range(len(spans)):
            start, end = spans[k]
            for row in range(max(done, start - half), min(n, end + half + 1)):
                earliest = min(earliest, step[row])
                if not label[row]:
                    # Where the buffers of two segments overlap, their weights add up to 1 at most.
                    buffer[step[row]] += min(1.0, weight[row])
                weight[row] = 0.0
                done = row + 1
            if k + 1 == len(spans) or end + half < spans[k + 1, 0] - half:
                first_hit[earliest] += 1.0
                earliest = steps
                groups += 1
        area, before, hits, inside, around = 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(steps):
            hits += first_hit[k]
            inside += core[k]
            around += buffer[k]
            found = inside + around
            recall = min(1.0, found / (positives + 0.5 * around)) * hits / groups
            area += (recall - before) * found / predicted[k]
            before = recall
        total += area
    return total / (reach + 1)


def period(value: Floats, shortest: int = 3, longest: int = 300, otherwise: int = 125) -> int:
    """The longest reach for a series: the lag of its highest local maximum of autocorrelation.

    So is it set where the published figures come from (TSB-AD, Liu and Paparrizos 2024); `otherwise` where
    the lag is outside the bounds.
    """
    x = value[:20_000] - value[:20_000].mean()
    spectrum = np.abs(np.fft.rfft(x, 2 * len(x))) ** 2
    correlation = np.fft.irfft(spectrum)[shortest : min(401, len(x))]
    peaks = np.flatnonzero((correlation[1:-1] > correlation[:-2]) & (correlation[1:-1] > correlation[2:])) + 1
    if not len(peaks):
        return otherwise
    best = int(peaks[np.argmax(correlation[peaks])])
    return best + shortest if shortest <= best <= longest else otherwise


def average_precision(score: Floats, label: Bools) -> float:
    """Area under the plain precision-recall curve, in steps."""
    precision, recall = _curve(score, label)
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def best_f1(score: Floats, label: Bools) -> tuple[float, float]:
    """Best F1 over all thresholds, and the threshold."""
    precision, recall = _curve(score, label)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    at = int(np.argmax(f1))
    return float(f1[at]), float(np.unique(score)[::-1][at])


def adjusted_f1(score: Floats, label: Bools) -> float:
    """Best F1 when one detection finds a whole segment ("point-adjusted"): chance does well at it."""
    raised = score.copy()
    for start, end in segments(label):
        raised[start : end + 1] = score[start : end + 1].max()
    return best_f1(raised, label)[0]


def _curve(score: Floats, label: Bools) -> tuple[Floats, Floats]:
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last = np.flatnonzero(np.concatenate((np.diff(ordered) != 0, [True])))
    found = np.cumsum(label[order])[last]
    return found / (last + 1.0), found / max(int(label.sum()), 1)

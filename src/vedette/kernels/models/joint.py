"""How far several metrics of a service are from where they usually are together, and learning where that is.

Each metric comes as a deviation: its rank under its own baseline, as a standard normal's. Deviations are smoothed over
the last windows, and the smoothed ones held against their means, spreads and correlations of the past (Mahalanobis
1936; Lowry et al. 1992, multivariate exponentially weighted moving averages).
"""

from math import isnan, log, log10, nan, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Floats, Ints
from vedette.kernels.baselines.baseline_layout import HIGH, LOW, READY
from vedette.kernels.compile import kernel, subkernel

JOINED: Final = 5
"""Metrics that are looked at together."""

# Columns of the state, one row for each service.
NUMBER: Final = 0
"""The last window's number."""
WINDOWS: Final = 1
"""Windows met."""
WEIGHT: Final = 2
"""Forgetting weight of the windows learned from."""
KEPT: Final = 3
"""Distances in the ring, up to its length; also counts how often the ring was written since it was emptied."""
PRESENT: Final = 4
"""By metric: the share of late windows that have it."""
MEMBER: Final = PRESENT + JOINED
"""By metric: 1 if it is looked at."""
SMOOTH: Final = MEMBER + JOINED
"""By metric: the smoothed deviation."""
SUM: Final = SMOOTH + JOINED
SQUARE: Final = SUM + JOINED
"""By metric: weighted sums of smoothed deviations and of their squares."""
PRODUCT: Final = SQUARE + JOINED
"""By two metrics: weighted sum of products of standard deviations."""
STATE_COLUMNS: Final = PRODUCT + JOINED * JOINED

# Columns of a tail, one row for each service: see `vedette.baselines.pareto`.
START, RATE, SCALE, SHAPE, FITTED, MOST, MIDDLE = 0, 1, 2, 3, 4, 5, 6
"""`FITTED`: distances it was fitted to, 0 where there is none. `MOST`: windows beyond it are far. `MIDDLE`: their
median."""
TAIL_COLUMNS: Final = 7

RING: Final = 2048
"""Distances remembered: those of every other window; of minutes, nearly three days'."""
FAR: Final = 64
"""Of far windows, one in so many is remembered: an attack of hours must not fill the tail."""
LEAST: Final = 500.0
"""Distances from which a tail is fitted: fifty above its start, as many as a budget asks for."""
REFITTED: Final = 64.0
"""Distances after which the tail is fitted anew."""
LEARNED: Final = 500.0
"""Windows learned from before a distance means anything: a hundred for each metric."""
SMOOTHING: Final = 0.25
"""Weight of the present window in the smoothed deviation, which so looks back over four to eight windows. Charts for
small shifts take 0.1 to 0.3."""
EDGE: Final = 2.5758293035489004
"""A deviation beyond its own band counts as at its edge: that a metric left its band is for its own detector to say."""
LIMIT: Final = 4.0
"""A metric counts as at most so many of its spreads away: what is rare in one metric alone, like a single error where
there are none, must not be all that is ever far."""
PRIOR: Final = 100.0
"""Windows that independence is worth, where nothing is known yet."""
_INDEPENDENT: Final = SMOOTHING / (2.0 - SMOOTHING)
"""Variance of smoothed deviations, if those of a baseline's windows were independent and standard normal."""
_RIDGE: Final = 1.01
"""Factor on variances: two metrics are never taken to move together closer than that."""
_COMES: Final = 0.95
_GOES: Final = 0.8
"""Share of windows that have a metric from which, and to which, it is looked at."""
_PRESENCE: Final = 1000.0
"""Windows over which that share is taken."""
_FORGOTTEN: Final = 64.0
"""Windows after which nothing is left of a smoothed deviation."""
_LOG10: Final = log(10.0)
_EXPONENTIAL: Final = 1e-6

Table = NDArray[np.float64]


@subkernel
def normal_quantile(p: float) -> float:
    """The standard normal's quantile of 0 < p < 1, to a relative error of 1.2e-9 (P. Acklam's rational functions)."""
    least = p if p < 0.5 else 1.0 - p
    if least < 0.02425:
        q = sqrt(-2.0 * log(least))
        top = (
            ((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838) * q
            - 2.549732539343734) * q + 4.374664141464968) * q + 2.938163982698783
        )  # fmt: skip
        bottom = (
            (((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996) * q
            + 3.754408661907416) * q + 1.0
        )  # fmt: skip
        z = top / bottom
        return z if p < 0.5 else -z
    q = p - 0.5
    r = q * q
    top = (
        ((((-3.969683028665376e01 * r + 2.209460984245205e02) * r - 2.759285104469687e02) * r
        + 1.383577518672690e02) * r - 3.066479806614716e01) * r + 2.506628277459239
    ) * q  # fmt: skip
    bottom = (
        ((((-5.447609879822406e01 * r + 1.615858368580409e02) * r - 1.556989798598866e02) * r
        + 6.680131188771972e01) * r - 1.328068155288572e01) * r + 1.0
    )  # fmt: skip
    return top / bottom


@subkernel
def deviation_of(high: float, low: float) -> float:
    """A value's rank as a standard normal's, cut at the band's edges.

    The rank is that of the middle of the value's own probability (Lancaster 1961), so that counts are no further out
    than they are.

    Args:
        high, low: -log10 of the probability of a value at least as large, and at most as large.
    """
    # Half of what is at least as large, and half of what is larger.
    above = 0.5 * (10.0**-high + (1.0 - 10.0**-low))
    if above <= 0.005:
        return EDGE
    if above >= 0.995:
        return -EDGE
    return -normal_quantile(above)


@kernel
def gather_deviations(
    place: NDArray[np.int32], dimension: Ints, table: Table, row_of: NDArray[np.int32], deviation: Table
) -> None:
    """Take services' deviations out of a judgement of several metrics.

    Args:
        place: int32 (k,), slot * metrics + metric. dimension: int64 (metrics,): where a metric is put, or -1.
        table: float64 (JUDGEMENT_ROWS, k).
        row_of: int32, by slot: a service's row, or -1.
        deviation: float64 (rows, JOINED), receives what is ready.
    """
    metrics = dimension.shape[0]
    for i in range(place.shape[0]):
        slot = place[i] // metrics
        where = dimension[place[i] - slot * metrics]
        if where >= 0 and slot < row_of.shape[0] and row_of[slot] >= 0 and table[READY, i] > 0.0:
            deviation[row_of[slot], where] = deviation_of(table[HIGH, i], table[LOW, i])


@subkernel
def invert(inverse: NDArray[np.float64], i: int) -> None:
    """Invert a symmetric positive definite matrix in its place, by sweeping its columns."""
    for k in range(JOINED):
        pivot = inverse[i, k, k]
        inverse[i, k, k] = 1.0
        for n in range(JOINED):
            inverse[i, k, n] /= pivot
        for m in range(JOINED):
            if m != k:
                factor = inverse[i, m, k]
                inverse[i, m, k] = 0.0
                for n in range(JOINED):
                    inverse[i, m, n] -= factor * inverse[i, k, n]


@kernel
def judge_together(
    number: int, deviation: Table, state: Table, tail: Table, smooth: Table, usual: Table, spread: Table,
    standard: Table, precision: NDArray[np.float64], distance: Floats, surprise: Floats,
) -> None:  # fmt: skip
    """Hold the deviations of services' windows against what they usually are together.

    Args:
        number: The window's number.
        deviation: float64 (rows, JOINED), NaN where there is none.
        state: float64 (rows, STATE_COLUMNS). tail: float64 (rows, TAIL_COLUMNS).
        smooth: float64 (rows, JOINED), receives smoothed deviations. usual, spread: The same, receive their mean and
            standard deviation.
        standard: float64 (rows, JOINED), receives how many spreads from the mean each is, at most `LIMIT`; 0 of metrics
            that are not looked at.
        precision: float64 (rows, JOINED, JOINED), receives the inverse of the correlation of these.
        distance: float64 (rows,), receives the squared Mahalanobis distance; NaN where a metric that is looked at is
            missing, or fewer than two are looked at.
        surprise: float64 (rows,), receives its -log10 of the tail; NaN where there is no tail yet.
    """
    for i in range(deviation.shape[0]):
        age = number - state[i, NUMBER]
        kept = (1.0 - SMOOTHING) ** age if state[i, WINDOWS] > 0.0 and 0.0 < age < _FORGOTTEN else 0.0
        total = state[i, WEIGHT] + PRIOR
        members = 0
        complete = True
        for m in range(JOINED):
            before = kept * state[i, SMOOTH + m]
            there = not isnan(deviation[i, m])
            smooth[i, m] = before + SMOOTHING * deviation[i, m] if there else before
            member = state[i, MEMBER + m] > 0.0
            if member:
                members += 1
                if not there:
                    complete = False
            mean = state[i, SUM + m] / total
            square = (state[i, SQUARE + m] + PRIOR * _INDEPENDENT) / total
            usual[i, m] = mean
            spread[i, m] = sqrt(square - mean * mean)
            away = (smooth[i, m] - mean) / spread[i, m]
            standard[i, m] = 0.0
            if member:
                standard[i, m] = -LIMIT if away < -LIMIT else LIMIT if away > LIMIT else away
            for n in range(JOINED):
                both = member and state[i, MEMBER + n] > 0.0
                precision[i, m, n] = state[i, PRODUCT + m * JOINED + n] / total if both and m != n else 0.0
                if m == n:
                    # Of a metric that hardly ever moves, what independence is worth is all its spread: then its squares
                    # are far below one, and it would count for as much more as it is limited to.
                    own = (state[i, PRODUCT + m * JOINED + m] + PRIOR) / total
                    precision[i, m, n] = _RIDGE * max(1.0, own) if member else 1.0
        distance[i] = nan
        surprise[i] = nan
        if members < 2:
            continue
        invert(precision, i)
        if not complete:
            continue
        squared = 0.0
        for m in range(JOINED):
            for n in range(JOINED):
                squared += standard[i, m] * precision[i, m, n] * standard[i, n]
        distance[i] = squared
        if tail[i, FITTED] <= 0.0:
            continue
        excess = (squared - tail[i, START]) / tail[i, SCALE]
        if excess <= 0.0:
            surprise[i] = 0.0
            continue
        shape = tail[i, SHAPE]
        decay = excess if shape < _EXPONENTIAL else log(1.0 + shape * excess) / shape
        surprise[i] = -log10(tail[i, RATE]) + decay / _LOG10


@kernel
def learn_together(
    number: int, deviation: Table, smooth: Table, standard: Table, distance: Floats, weight: Floats, memory: float,
    state: Table, tail: Table, ring: NDArray[np.float32], due: NDArray[np.uint8],
) -> int:  # fmt: skip
    """Let services learn where their metrics are together.

    Args:
        number: The window's number.
        deviation: float64 (rows, JOINED). smooth, standard, distance: As `judge_together` left them.
        weight: float64 (rows,), 0..1: how much to learn of each; 0 leaves its distance out of the tail, too.
        memory: Windows after which an old one counts a third.
        state: float64 (rows, STATE_COLUMNS), tail: float64 (rows, TAIL_COLUMNS), ring: float32 (rows, RING): change.
        due: uint8 (rows,), set to 1 where the tail is to be fitted anew.

    Returns:
        How many are due.
    """
    found = 0
    for i in range(deviation.shape[0]):
        any_there = False
        for m in range(JOINED):
            any_there = any_there or not isnan(deviation[i, m])
        if not any_there:
            continue
        state[i, NUMBER] = number
        state[i, WINDOWS] += 1.0
        span = state[i, WINDOWS] if state[i, WINDOWS] < _PRESENCE else _PRESENCE
        members = 0
        changed = False
        complete = True
        for m in range(JOINED):
            there = not isnan(deviation[i, m])
            state[i, SMOOTH + m] = smooth[i, m]
            state[i, PRESENT + m] += ((1.0 if there else 0.0) - state[i, PRESENT + m]) / span
            if state[i, MEMBER + m] > 0.0 and not there:
                complete = False
        squared = distance[i]
        if weight[i] > 0.0 and complete:
            # Windows beyond the edge of what is usual, about its 97.5th percentile, draw the covariance the less the
            # further they are (Maronna 1976); but never nothing: what goes on for days is the new normal.
            for m in range(JOINED):
                if state[i, MEMBER + m] > 0.0:
                    members += 1
            edge = members + 2.5 * sqrt(2.0 * members)
            taught = weight[i]
            if not isnan(squared) and squared > edge:
                taught *= edge / squared * (edge / squared)
            keep = 1.0 - 1.0 / memory
            state[i, WEIGHT] = keep * state[i, WEIGHT] + taught
            for m in range(JOINED):
                state[i, SUM + m] = keep * state[i, SUM + m] + taught * smooth[i, m]
                state[i, SQUARE + m] = keep * state[i, SQUARE + m] + taught * smooth[i, m] * smooth[i, m]
                for n in range(JOINED):
                    at = PRODUCT + m * JOINED + n
                    state[i, at] = keep * state[i, at] + taught * standard[i, m] * standard[i, n]
            far = tail[i, FITTED] > 0.0 and squared > tail[i, MOST]
            kept = number % FAR == 0 if far else number % 2 == 0
            if kept and not isnan(squared) and state[i, WEIGHT] >= LEARNED:
                place = int(state[i, KEPT]) % RING
                ring[i, place] = tail[i, MOST] if far else squared
                state[i, KEPT] += 1.0
                if state[i, KEPT] >= LEAST and (state[i, KEPT] - LEAST) % REFITTED == 0.0:
                    due[i] = 1
                    found += 1
        for m in range(JOINED):
            share = state[i, PRESENT + m]
            if state[i, MEMBER + m] > 0.0:
                if share < _GOES:
                    state[i, MEMBER + m] = 0.0
                    changed = True
            elif share >= _COMES and state[i, WINDOWS] >= PRIOR:
                state[i, MEMBER + m] = 1.0
                changed = True
        if changed:
            # Distances among other metrics are others.
            state[i, KEPT] = 0.0
            tail[i, FITTED] = 0.0
    return found

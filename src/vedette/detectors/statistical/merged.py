"""Ratios of several windows together, where one window alone holds too few requests."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.ratios import share_band
from vedette.baselines.tails import beta_binomial
from vedette.detectors.view import Judged

MOST_WINDOWS = 5
"""Windows judged together, at most."""

_NUMBER, _COUNT, _EXPOSURE, _MEAN, _CORRELATION, _READY = range(6)
_NEVER = -(1 << 40)


@dataclass(frozen=True, slots=True)
class Merged:
    """A ratio's judgement, rows with too few requests judged together with windows before.

    Attributes:
        judged: As the window's own, with the merged rows in it.
        count, exposure: float64 (k,), what the ratio is made of.
        windows: int64 (k,), how many windows each row rests on, from the first with a request to this one.
    """

    judged: Judged
    count: NDArray[np.float64]
    exposure: NDArray[np.float64]
    windows: NDArray[np.int64]


class RecentRatios:
    """Remembers the last few windows of each slot, and what their baselines expected.

    A row with fewer than `enough` requests is judged together with as many windows before it as make them enough,
    by what the baseline expected before the first of these: no window is judged by a baseline that has seen it.
    """

    def __init__(self, enough: int) -> None:
        self.enough = enough
        self._ring = np.zeros((0, MOST_WINDOWS, 6))

    def merge(self, number: int, judged: Judged) -> Merged:
        """Judge sparse rows anew; call once for each window, in order.

        Args:
            number: The window's number.
            judged: A ratio held against its baselines.
        """
        inputs = judged.judgement.inputs
        count, exposure = inputs["value"].copy(), inputs["exposure"].copy()
        self._remember(number, judged)
        single = Merged(judged, count, exposure, np.ones(len(count), dtype=np.int64))
        rows = np.flatnonzero((exposure < self.enough) & judged.ready)
        if len(rows) == 0:
            return single
        # By age, this window first.
        order = (number - np.arange(MOST_WINDOWS)) % MOST_WINDOWS
        past = self._ring[judged.slot[rows]][:, order]
        fresh = (past[:, :, _NUMBER] == number - np.arange(MOST_WINDOWS)) & (past[:, :, _READY] > 0)
        before = np.cumsum(past[:, :, _EXPOSURE] * fresh, axis=1) - past[:, :, _EXPOSURE] * fresh
        taken = fresh & (before < self.enough)
        oldest = MOST_WINDOWS - 1 - np.argmax(taken[:, ::-1], axis=1)
        several = oldest > 0
        if not several.any():
            return single
        rows, past, taken, oldest = rows[several], past[several], taken[several], oldest[several]
        count[rows] = (past[:, :, _COUNT] * taken).sum(axis=1)
        exposure[rows] = (past[:, :, _EXPOSURE] * taken).sum(axis=1)
        single.windows[rows] = oldest + 1
        first = past[np.arange(len(rows)), oldest]
        return replace(
            single,
            judged=_judged_again(judged, rows, count, exposure, first[:, _MEAN], first[:, _CORRELATION]),
        )

    def _remember(self, number: int, judged: Judged) -> None:
        top = int(judged.slot.max(initial=-1))
        if top >= len(self._ring):
            grown = np.zeros((max(64, 2 * top), MOST_WINDOWS, 6))
            grown[:, :, _NUMBER] = _NEVER
            grown[: len(self._ring)] = self._ring
            self._ring = grown
        inputs = judged.judgement.inputs
        self._ring[judged.slot, number % MOST_WINDOWS] = np.column_stack(
            [
                np.full(len(judged.slot), float(number)),
                inputs["value"],
                inputs["exposure"],
                inputs["mean"],
                inputs["correlation"],
                judged.ready,
            ]
        )


def _judged_again(
    judged: Judged,
    rows: NDArray[np.intp],
    count: NDArray[np.float64],
    exposure: NDArray[np.float64],
    mean: NDArray[np.float64],
    correlation: NDArray[np.float64],
) -> Judged:
    """The judgement with some rows' replaced."""
    old = judged.judgement
    high, low = beta_binomial(count[rows], exposure[rows], mean, correlation)
    edges = share_band(mean, exposure[rows], correlation)

    def put(column: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
        changed = column.copy()
        changed[rows] = values
        return changed

    judgement = replace(
        old,
        log10_p_high=put(old.log10_p_high, np.maximum(high, 0.0)),
        log10_p_low=put(old.log10_p_low, np.maximum(low, 0.0)),
        expected_low=put(old.expected_low, edges[0]),
        expected_mid=put(old.expected_mid, mean),
        expected_high=put(old.expected_high, edges[1]),
        inputs={
            "value": count,
            "exposure": exposure,
            "mean": put(old.inputs["mean"], mean),
            "correlation": put(old.inputs["correlation"], correlation),
        },
    )
    return Judged(judged.slot, put(judged.value, count[rows] / exposure[rows]), judgement)

"""Ratios of several windows together, where one window alone holds too few requests."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.ratios import judged_shares
from vedette.detectors.view import Judged
from vedette.kernels.baseline_layout import EXPERT, PARENT, READY, SAMPLES, TEACHES

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
        own = judged.judgement
        if own.exposure is None:
            raise ValueError("ratios are judged with the requests that they are among")
        count, exposure = own.value.copy(), own.exposure.copy()
        self._remember(number, judged, own.exposure)
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

    def _remember(self, number: int, judged: Judged, exposure: NDArray[np.float64]) -> None:
        top = int(judged.slot.max(initial=-1))
        if top >= len(self._ring):
            grown = np.zeros((max(64, 2 * top), MOST_WINDOWS, 6))
            grown[:, :, _NUMBER] = _NEVER
            grown[: len(self._ring)] = self._ring
            self._ring = grown
        own = judged.judgement
        self._ring[judged.slot, number % MOST_WINDOWS] = np.column_stack(
            [
                np.full(len(judged.slot), float(number)),
                own.value,
                exposure,
                own.centre,
                own.width,
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
    table = judged_shares(count[rows], exposure[rows], mean, correlation)
    for row in (SAMPLES, READY, EXPERT, PARENT, TEACHES):
        table[row] = judged.judgement.table[row, rows]
    value = judged.value.copy()
    value[rows] = count[rows] / exposure[rows]
    return Judged(judged.slot, value, judged.judgement.replaced(rows, table, count, exposure))

"""How far to either side a forecast's band must reach, the further ahead the further."""

from math import log
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

COVERAGE: Final = 0.95
"""Share of what comes that forecasts' bands are to hold."""
PARTS: Final = 4
"""Parts of a horizon, each with a reach of its own."""
_OUTSIDE: Final = (1.0 - COVERAGE) / 2.0
_STEP: Final = 0.8
"""How fast a reach is corrected: of a part that was missed altogether by a factor of 2.2, of one that was held
altogether by 2 %."""
_LEAST, _MOST = log(0.2), log(20.0)
START: Final = (0.75, 0.95, 1.1, 1.25)
"""Reaches of a series that nothing is known of, by part: the median of real one-minute series an hour ahead
(`bench/quality/forecast.py`)."""


class Held(msgspec.Struct, frozen=True):
    """How forecasts have done. `forecasts`: how many were compared with what came; `points`, `inside`: of them all."""

    forecasts: int
    points: int
    inside: int


def widened(ahead: Array, low: Array, middle: Array, high: Array, reach: Array) -> tuple[Array, Array]:
    """The band of a forecast.

    Args:
        ahead: float64 (n,), how far ahead, as a share of the horizon, above 0 up to 1.
        low, middle, high: float64 (n,), the baseline's band and expectation.
        reach: float64 (PARTS, 2), half-widths below and above, by part of the horizon.

    Returns:
        Its edges, float64 (n,) each.
    """
    chosen = reach[_part(ahead)]
    return middle - chosen[:, 0] * (middle - low), middle + chosen[:, 1] * (high - middle)


def unlearned() -> Array:
    """Reaches of a series that nothing is known of, float64 (PARTS, 2)."""
    return np.tile(np.array(START)[:, None], (1, 2))


class Reach:
    """Learns how many half-widths of a baseline's band hold what comes, by how far ahead it is.

    A baseline's band is that of the next window. Further ahead a level may have moved. After each forecast the reach of
    each part of the horizon, on each side, is corrected by how much of what came was outside: in the long run the share
    outside is what was asked for, whatever the series does (adaptive conformal inference, Gibbs and Candes 2021).
    """

    def __init__(self) -> None:
        self._log = np.log(unlearned())
        self._forecasts = self._points = self._inside = 0

    @property
    def held(self) -> Held:
        """How forecasts have done so far."""
        return Held(self._forecasts, self._points, self._inside)

    @property
    def reach(self) -> Array:
        """Half-widths below and above, float64 (PARTS, 2)."""
        return np.asarray(np.exp(self._log))

    def learn(self, ahead: Array, low: Array, middle: Array, high: Array, came: Array) -> None:
        """Compare a forecast with what came.

        Args:
            ahead, low, middle, high: As for `widened`. came: float64 (n,).
        """
        if not len(came):
            return
        below, above = widened(ahead, low, middle, high, self.reach)
        part = _part(ahead)
        under, over = came < below, came > above
        self._forecasts += 1
        self._points += len(came)
        self._inside += int(len(came) - np.count_nonzero(under) - np.count_nonzero(over))
        for number in range(PARTS):
            here = part == number
            if here.any():
                for side, outside in enumerate((under, over)):
                    moved = self._log[number, side] + _STEP * (float(outside[here].mean()) - _OUTSIDE)
                    self._log[number, side] = min(max(moved, _LEAST), _MOST)
        # What is further ahead is no surer.
        self._log = np.maximum.accumulate(self._log, axis=0)


def _part(ahead: Array) -> NDArray[np.int64]:
    return np.clip(np.ceil(ahead * PARTS).astype(np.int64) - 1, 0, PARTS - 1)

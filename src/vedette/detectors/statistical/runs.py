"""Surprising windows one after the other, counted as the one event that they are."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.seen_tails import PEAK_LEVEL
from vedette.schema.state import check, decode, encode

CALM: Final = 5
"""Windows that are no surprise after which a run is over."""


class _Run(msgspec.Struct, frozen=True, array_like=True):
    """One that goes on; earlier versions, where any calm window ended it, know no calm ones."""

    slot: int
    peak: float
    calm: int = 0


class Runs:
    """Runs of windows above `PEAK_LEVEL`, by slot; the peak of each is its highest.

    A run is over after `CALM` windows below it: what goes wrong for half an hour is not wrong in each of its minutes.

    Peaks from which a tail is fitted must not depend on each other (runs declustering: Smith and Weissman 1994). What
    is smoothed over windows stays high for a while; each of them a peak, two events would be tail enough to raise the
    threshold above the third.
    """

    def __init__(self) -> None:
        self._highest: dict[int, float] = {}
        self._calm: dict[int, int] = {}
        """Windows since a run's last that was surprising; of those with any."""

    @property
    def going(self) -> bool:
        """Whether any run goes on."""
        return bool(self._highest)

    def tests(self, slots: NDArray[np.int32], surprise: NDArray[np.float64]) -> NDArray[np.float64]:
        """What a budget is to observe of a window: as many tests, and of a run its highest, once it has ended.

        Args:
            slots: int32 (k,), distinct. The run of one that is not among them goes on. surprise: float64 (k,).
        """
        tested = surprise.copy()
        if not self._highest and not (surprise > PEAK_LEVEL).any():
            return tested
        for row, slot in enumerate(slots.tolist()):
            height = float(surprise[row])
            if height > PEAK_LEVEL:
                self._highest[slot] = max(self._highest.get(slot, 0.0), height)
                self._calm.pop(slot, None)
                tested[row] = 0.0
            elif slot in self._highest:
                calm = self._calm.pop(slot, 0) + 1
                if calm >= CALM:
                    tested[row] = self._highest.pop(slot)
                else:
                    self._calm[slot] = calm
        return tested

    def to_state(self) -> bytes:
        """Runs that go on, as bytes."""
        runs = sorted(self._highest.items())
        return encode([_Run(slot, peak, self._calm.get(slot, 0)) for slot, peak in runs])

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        known = decode(content, list[_Run], "runs of surprises")
        fit = all(run.slot >= 0 and run.peak > PEAK_LEVEL and 0 <= run.calm < CALM for run in known)
        check(fit, "runs of surprises")
        self._highest = {run.slot: run.peak for run in known}
        self._calm = {run.slot: run.calm for run in known if run.calm}

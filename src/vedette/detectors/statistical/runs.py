"""Surprising windows one after the other, counted as the one event that they are."""

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.budget import PEAK_LEVEL
from vedette.schema.state import check, decode, encode


class Runs:
    """Runs of windows above `PEAK_LEVEL`, by slot; the peak of each is its highest.

    Peaks from which a tail is fitted must not depend on each other (runs declustering: Smith and Weissman 1994). What
    is smoothed over windows stays high for a while; each of them a peak, two events would be tail enough to raise the
    threshold above the third.
    """

    def __init__(self) -> None:
        self._highest: dict[int, float] = {}

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
                tested[row] = 0.0
            elif slot in self._highest:
                tested[row] = self._highest.pop(slot)
        return tested

    def to_state(self) -> bytes:
        """Runs that go on, as bytes."""
        return encode(sorted(self._highest.items()))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        known = dict(decode(content, list[tuple[int, float]], "runs of surprises"))
        check(all(slot >= 0 and peak > PEAK_LEVEL for slot, peak in known.items()), "runs of surprises")
        self._highest = known

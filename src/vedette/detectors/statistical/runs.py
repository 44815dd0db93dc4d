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

    def tests(self, slots: NDArray[np.int32], surprise: NDArray[np.float64]) -> NDArray[np.float64]:
        """What a budget is to observe of a window: as many tests, and of a run its highest, once it has ended.

        Args:
            slots: int32 (k,), distinct. surprise: float64 (k,).
        """
        tested = surprise.copy()
        ended = dict(self._highest)
        for row in np.flatnonzero(surprise > PEAK_LEVEL).tolist():
            slot = int(slots[row])
            self._highest[slot] = max(ended.pop(slot, 0.0), float(surprise[row]))
            tested[row] = 0.0
        places = {slot: row for row, slot in enumerate(slots.tolist())} if ended else {}
        for slot in ended:
            highest = self._highest.pop(slot)
            # A service that is gone ends its run, and has no test for it.
            if slot in places:
                tested[places[slot]] = highest
        return tested

    def to_state(self) -> bytes:
        """Runs that go on, as bytes."""
        return encode(sorted(self._highest.items()))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        known = dict(decode(content, list[tuple[int, float]], "runs of surprises"))
        check(all(slot >= 0 and peak > PEAK_LEVEL for slot, peak in known.items()), "runs of surprises")
        self._highest = known

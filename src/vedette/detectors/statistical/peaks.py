"""What a budget is to observe of a detector's windows: one peak for each event."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.seen_tails import PEAK_LEVEL
from vedette.detectors.memory import Memory
from vedette.detectors.statistical.clockwork import Clockwork
from vedette.detectors.statistical.runs import Runs


class Peaks:
    """Reduces the surprises of a window to the peaks that the budget's tail is fitted from.

    What goes wrong in a service goes wrong in many of its routes, and for many windows: that is one event. Counted
    as dozens, an outage of an hour would raise the threshold above the next one, tomorrow's and next week's. So of
    all rows of an owner the largest counts, of a run of windows the highest, and what comes by the clock not at all.

    Args:
        by_the_clock: Whether what comes at the same time of the hour or day again and again is left out.
    """

    def __init__(self, *, by_the_clock: bool = True) -> None:
        self._runs = Runs()
        self._clockwork = Clockwork() if by_the_clock else None

    @property
    def memories(self) -> Sequence[Memory]:
        """What is remembered from window to window."""
        return (self._runs,) if self._clockwork is None else (self._runs, self._clockwork)

    def matter(self, surprise: NDArray[np.float64]) -> bool:
        """Whether there is anything to reduce; in most windows there is not."""
        return self._runs.going or bool(surprise.max(initial=0.0) > PEAK_LEVEL)

    def tests(
        self, owner: NDArray[np.int32], slot: NDArray[np.int32], surprise: NDArray[np.float64], start: int
    ) -> NDArray[np.float64]:
        """As many tests as rows, and among them the peaks of runs that have ended.

        Args:
            owner: int32 (k,), the service of each row. slot: int32 (k,), distinct: the rows' own.
            surprise: float64 (k,), -log10 p. start: Of the window, microseconds.
        """
        order = np.lexsort((-surprise, owner))
        owners, first = np.unique(owner[order], return_index=True)
        largest = order[first]
        peaks = surprise[largest]
        if self._clockwork is not None:
            for place in np.flatnonzero(peaks > PEAK_LEVEL).tolist():
                if self._clockwork.regular(int(slot[largest[place]]), start):
                    peaks[place] = 0.0
        tested = np.zeros(len(surprise))
        tested[largest] = self._runs.tests(owners, peaks)
        return tested

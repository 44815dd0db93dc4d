"""Sessions that go on: columns in the order of their keys."""

from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.begun import Begun

IDLE_WINDOWS: Final = 12
"""Windows without requests after which a session has ended."""


class OpenSessions:
    """Base of what is known of sessions.

    Attributes:
        columns: Names of the columns, `key`, `last` and `most` among them; each has a row a session (s).
        key: uint64 (s,), ascending. last: int64 (s,), window of the latest request.
        most: float64 (s,), the most surprising that it ever was (-log10).
        forgotten: Sessions there was no room for. begun: How many begin.
    """

    columns: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        self.key = np.zeros(0, dtype=np.uint64)
        self.last = np.zeros(0, dtype=np.int64)
        self.most = np.zeros(0, dtype=np.float64)
        self.forgotten = 0
        self.begun = Begun()

    def end(self, window: int) -> NDArray[np.float64]:
        """Forget the sessions that have ended by a window; returns the most surprising of each, float64 (e,)."""
        ended = self.last <= window - IDLE_WINDOWS
        if not ended.any():
            return np.zeros(0, dtype=np.float64)
        most = self.most[ended]
        self._keep(~ended)
        return most

    def _fresh(self, key: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Those of some keys that no session has, ascending."""
        place = np.searchsorted(self.key, key)
        known = np.zeros(len(key), dtype=np.bool_)
        within = place < len(self.key)
        known[within] = self.key[place[within]] == key[within]
        return np.sort(key[~known])

    def _begin(self, fresh: NDArray[np.uint64], window: int) -> None:
        """Make room for sessions, by their keys in order; all else of them is 0.

        One by one, `np.insert` finds the same places for each column.
        """
        self.begun.count(window, len(fresh))
        if not len(fresh):
            return
        at = np.searchsorted(self.key, fresh) + np.arange(len(fresh))
        old = np.ones(len(self.key) + len(fresh), dtype=np.bool_)
        old[at] = False
        for name in self.columns:
            before = getattr(self, name)
            after = np.empty((len(old), *before.shape[1:]), dtype=before.dtype)
            after[old] = before
            after[at] = 0
            setattr(self, name, after)
        self.key[at] = fresh

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        for name in self.columns:
            setattr(self, name, getattr(self, name)[kept])

"""The evidence against every client that is active."""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.begun import Begun, BegunState
from vedette.detectors.learned.evidence import add_up
from vedette.detectors.learned.tail import Tail
from vedette.schema.state import PackedArray, check, pack, unpack

MOST = 65_536
"""Sessions remembered; of more, those with the least evidence are forgotten."""
ALONE = 1.0
"""Added to the budget's threshold, which counts on a second window that agrees, one time in ten; a session is alone."""
IDLE_WINDOWS = 12
"""Windows without requests after which a session has ended."""


class SessionsState(msgspec.Struct, frozen=True, array_like=True):
    """What `Sessions` hold."""

    key: PackedArray
    last: PackedArray
    windows: PackedArray
    numbers: PackedArray
    forgotten: int
    begun: BegunState = BegunState()
    """Older versions did not count what had begun."""


class Added(NamedTuple):
    """What sessions have come to with a window.

    Attributes:
        evidence: float64 (k,). surprise: float64 (k,), of the evidence, -log10. windows: int64 (k,), judged so far.
    """

    evidence: NDArray[np.float64]
    surprise: NDArray[np.float64]
    windows: NDArray[np.int64]

    def alarmed(self, threshold: float) -> NDArray[np.intp]:
        """Those as surprising as a threshold: first the ones with the most evidence, of equal evidence as given."""
        over = np.flatnonzero(self.surprise >= threshold)
        return over[np.argsort(-self.evidence[over], kind="stable")]


class Sessions:
    """Sessions by key, sorted.

    Attributes:
        key: uint64 (s,). last: int64 (s,), window of the latest request. windows: int64 (s,), windows judged.
        evidence, most: float64 (s,), now, and the most surprising that it ever was (-log10).
        forgotten: Sessions there was no room for. begun: How many begin.
    """

    def __init__(self) -> None:
        self.key = np.zeros(0, dtype=np.uint64)
        self.last = np.zeros(0, dtype=np.int64)
        self.windows = np.zeros(0, dtype=np.int64)
        self.evidence = np.zeros(0, dtype=np.float64)
        self.most = np.zeros(0, dtype=np.float64)
        self.forgotten = 0
        self.begun = Begun()

    def add(self, key: NDArray[np.uint64], window: int, surprise: NDArray[np.float64], tail: Tail) -> "Added":
        """Add a window's surprises up, and hold what they come to against usual sessions.

        Args:
            key: uint64 (k,), distinct. tail: Of usual sessions' evidence.
        """
        if len(self.key) + len(key) > MOST:
            self._forget(len(self.key) + len(key) - MOST)
        place = np.searchsorted(self.key, key)
        known = np.zeros(len(key), dtype=bool)
        within = place < len(self.key)
        known[within] = self.key[place[within]] == key[within]
        fresh = np.sort(key[~known])
        self.begun.count(window, len(fresh))
        if len(fresh):
            self._begin(fresh, window)
            place = np.searchsorted(self.key, key)
        self.last[place] = window
        self.windows[place] += 1
        evidence = self.evidence[place] = add_up(self.evidence[place], surprise)
        of_session = tail.surprise(evidence)
        self.most[place] = np.maximum(self.most[place], of_session)
        return Added(evidence, of_session, self.windows[place])

    def _begin(self, fresh: NDArray[np.uint64], window: int) -> None:
        """Make room for sessions, whose keys are sorted. One by one, `np.insert` finds the same places five times."""
        at = np.searchsorted(self.key, fresh) + np.arange(len(fresh))
        old = np.ones(len(self.key) + len(fresh), dtype=np.bool_)
        old[at] = False
        beginnings = {"key": fresh, "last": window, "windows": 0, "evidence": 0.0, "most": 0.0}
        for name, beginning in beginnings.items():
            before = getattr(self, name)
            after = np.empty(len(old), dtype=before.dtype)
            after[old] = before
            after[at] = beginning
            setattr(self, name, after)

    def end(self, window: int) -> NDArray[np.float64]:
        """Forget the sessions that have ended by a window; returns the most surprising of each, float64 (e,)."""
        ended = self.last <= window - IDLE_WINDOWS
        if not ended.any():
            return np.zeros(0, dtype=np.float64)
        most = self.most[ended]
        self._keep(~ended)
        return most

    def _forget(self, number: int) -> None:
        order = np.lexsort((self.last, self.evidence))
        kept = np.ones(len(self.key), dtype=bool)
        kept[order[:number]] = False
        self.forgotten += min(number, len(self.key))
        self._keep(kept)

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        for name in ("key", "last", "windows", "evidence", "most"):
            setattr(self, name, getattr(self, name)[kept])

    def to_state(self) -> SessionsState:
        """All of it."""
        return SessionsState(
            pack(self.key),
            pack(self.last),
            pack(self.windows),
            pack(np.stack([self.evidence, self.most])),
            self.forgotten,
            self.begun.to_state(),
        )

    def from_state(self, state: SessionsState) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        what = "sessions"
        self.key = unpack(state.key, np.uint64, (None,), what)
        n = len(self.key)
        check(n <= MOST and bool((self.key[1:] > self.key[:-1]).all()), what)
        self.last = unpack(state.last, np.int64, (n,), what)
        self.windows = unpack(state.windows, np.int64, (n,), what)
        numbers = unpack(state.numbers, np.float64, (2, n), what)
        check(bool(np.isfinite(numbers).all()), what)
        self.evidence, self.most = numbers[0].copy(), numbers[1].copy()
        self.forgotten = state.forgotten
        self.begun.from_state(state.begun)

"""The evidence against every client that is active."""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.begun import BegunState
from vedette.detectors.learned.evidence import add_up
from vedette.detectors.learned.open_sessions import OpenSessions
from vedette.schema.state import PackedArray, check, pack, unpack

MOST = 65_536
"""Sessions remembered; of more, those with the least evidence are forgotten."""
ALONE = 1.0
"""Added to the budget's threshold, which counts on a second window that agrees, one time in ten; a session is alone."""


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
        """Places of those as surprising as a threshold (-log10 of a probability), intp (k,).

        First come those with the most evidence; of equal evidence, as given.
        """
        over = np.flatnonzero(self.surprise >= threshold)
        return over[np.argsort(-self.evidence[over], kind="stable")]

    def of(self, part: slice) -> "Added":
        """Those of some of the sessions."""
        return Added(self.evidence[part], self.surprise[part], self.windows[part])


class Sessions(OpenSessions):
    """Sessions by key, sorted; see `OpenSessions`.

    Attributes:
        windows: int64 (s,), windows judged. evidence: float64 (s,), now.
    """

    columns: ClassVar = ("key", "last", "windows", "evidence", "most")

    def __init__(self) -> None:
        super().__init__()
        self.windows = np.zeros(0, dtype=np.int64)
        self.evidence = np.zeros(0, dtype=np.float64)

    def add(
        self,
        key: NDArray[np.uint64],
        window: int,
        surprise: NDArray[np.float64],
        weigh: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    ) -> "Added":
        """Add a window's surprises up, and hold what they come to against usual sessions.

        Args:
            key: uint64 (k,), distinct. surprise: float64 (k,).
            weigh: How surprising the evidence against each is, float64 (k,), of the k; see `Tail.surprise`.
        """
        if len(self.key) + len(key) > MOST:
            self._forget(len(self.key) + len(key) - MOST)
        self._begin(self._fresh(key), window)
        place = np.searchsorted(self.key, key)
        self.last[place] = window
        self.windows[place] += 1
        evidence = self.evidence[place] = add_up(self.evidence[place], surprise)
        of_session = weigh(evidence)
        self.most[place] = np.maximum(self.most[place], of_session)
        return Added(evidence, of_session, self.windows[place])

    def _forget(self, number: int) -> None:
        order = np.lexsort((self.last, self.evidence))
        kept = np.ones(len(self.key), dtype=bool)
        kept[order[:number]] = False
        self.forgotten += min(number, len(self.key))
        self._keep(kept)

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

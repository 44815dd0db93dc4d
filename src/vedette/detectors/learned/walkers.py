"""Every client that is in the middle of a session: its latest requests, and how odd they were."""

from typing import ClassVar, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.begun import BegunState
from vedette.detectors.learned.open_sessions import OpenSessions
from vedette.detectors.learned.rings import KEPT, Rings
from vedette.detectors.learned.walks import PART, WINDOW, Chunks, chunks, oddness
from vedette.schema.state import PackedArray, check, pack, unpack
from vedette.windows.distinct import is_among

MOST: Final = 16_384
"""Sessions remembered; of more, those that were quiet for longest are forgotten."""


class WalkersState(msgspec.Struct, frozen=True, array_like=True):
    """What `Walkers` hold."""

    key: PackedArray
    counts: PackedArray
    numbers: PackedArray
    token: PackedArray
    excess: PackedArray
    forgotten: int
    begun: BegunState = BegunState()
    """Older versions did not count what had begun."""


class Step(msgspec.Struct, frozen=True):
    """What a window added to some sessions (k), each to one part or more (s).

    Attributes:
        place: intp (k,), where the sessions are. session: intp (s,), of each part, into those k.
        past: int64 (s,), place in the session after the part's latest request.
        total: float64 (s,), summed excess. count: int64 (s,), requests. score: float64 (s,), see `oddness`.
    """

    place: NDArray[np.intp]
    session: NDArray[np.intp]
    past: NDArray[np.int64]
    total: NDArray[np.float64]
    count: NDArray[np.int64]
    score: NDArray[np.float64]


class Walkers(OpenSessions):
    """Sessions by client, sorted; see `OpenSessions`.

    Attributes:
        length: int64 (s,), requests so far. windows: int64 (s,), windows with requests.
        total: float64 (s,), excess of the part that goes on.
        slot: int64 (s,), where its latest requests are in `rings`.
    """

    columns: ClassVar = ("key", "last", "length", "windows", "total", "most", "slot")

    def __init__(self) -> None:
        super().__init__()
        self.length = np.zeros(0, dtype=np.int64)
        self.windows = np.zeros(0, dtype=np.int64)
        self.total = np.zeros(0, dtype=np.float64)
        self.slot = np.zeros(0, dtype=np.int64)
        self.rings = Rings()

    def find(self, key: NDArray[np.uint64], window: int) -> NDArray[np.intp]:
        """The place of each client's session, intp (k,), begun where there is none.

        Args:
            key: uint64 (k,), distinct; at most `MOST`. window: In which they ask for something.
        """
        fresh = self._fresh(key)
        over = len(self.key) + len(fresh) - MOST
        if over > 0:
            idle = np.lexsort((self.key, self.last, is_among(self.key, key)))[:over]
            kept = np.ones(len(self.key), dtype=np.bool_)
            kept[idle] = False
            self.forgotten += int(np.count_nonzero(~kept))
            self._keep(kept)
            fresh = self._fresh(key)
        self._begin(fresh, window)
        return np.searchsorted(self.key, key)

    def windows_on(
        self,
        place: NDArray[np.intp],
        token: NDArray[np.int64],
        count: NDArray[np.int64],
        depth: int = WINDOW,
    ) -> Chunks:
        """A model's windows on the requests that sessions get now.

        Args:
            place: intp (k,), sessions. token: int64 (n,), their requests. count: int64 (k,), how many each has.
            depth: See `OrderModel`.
        """
        length = self.length[place]
        known = np.minimum(length, depth)
        size = known + count
        start = np.cumsum(size) - size
        flat = np.empty(int(size.sum()), dtype=np.int64)
        row, among = _each(known)
        flat[start[row] + among] = self.rings.tokens(self.slot[place[row]], (length - known)[row] + among)
        row, among = _each(count)
        flat[(start + known)[row] + among] = token
        return chunks(flat, start, length - known, length, length + count, depth)

    def add(
        self,
        place: NDArray[np.intp],
        window: int,
        token: NDArray[np.int64],
        count: NDArray[np.int64],
        excess: NDArray[np.float64],
    ) -> Step:
        """Take a window's requests in.

        Args:
            place: intp (s,), where each session is kept. window: Its number.
            token: int64 (n,), the requests, session after session.
            count: int64 (s,), how many each has, 1 to `PER_CLIENT`.
            excess: float64 (n,), of each request, see `walks`.
        """
        length = self.length[place]
        session, among = _each(count)
        at = length[session] + among
        first = np.flatnonzero((among == 0) | (at % PART == 0))
        last = np.append(first[1:], len(session)) - 1
        summed = np.add.reduceat(excess, first)
        goes_on = (among[first] == 0) & (at[first] % PART != 0)
        summed = summed + np.where(goes_on, self.total[place[session[first]]], 0.0)
        counted = at[last] % PART + 1
        final = np.append(session[first][1:] != session[first][:-1], True)
        self.total[place] = summed[final]
        self.rings.write(self.slot[place[session]], at, token, excess)
        self.length[place] += count
        self.last[place] = window
        self.windows[place] += 1
        return Step(place, session[first], at[last] + 1, summed, counted, oddness(summed, counted))

    def _begin(self, fresh: NDArray[np.uint64], window: int) -> None:
        super()._begin(fresh, window)
        self.slot[np.searchsorted(self.key, fresh)] = self.rings.take(len(fresh))

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        self.rings.give(self.slot[~kept])
        super()._keep(kept)

    def unlearn(self) -> None:
        """Forget which tokens requests were: a model with another vocabulary has come."""
        self.rings.unlearn()

    def to_state(self) -> WalkersState:
        """All of it."""
        token, excess = self.rings.unrolled(self.slot, self.length)
        return WalkersState(
            pack(self.key),
            pack(np.stack([self.last, self.length, self.windows])),
            pack(np.stack([self.total, self.most])),
            pack(token),
            pack(excess),
            self.forgotten,
            self.begun.to_state(),
        )

    def from_state(self, state: WalkersState) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        what = "sessions of requests"
        self.key = unpack(state.key, np.uint64, (None,), what)
        n = len(self.key)
        check(n <= MOST and bool((self.key[1:] > self.key[:-1]).all()), what)
        self.last, self.length, self.windows = unpack(state.counts, np.int64, (3, n), what).copy()
        check(bool((self.length >= 0).all()), what)
        numbers = unpack(state.numbers, np.float64, (2, n), what)
        self.total, self.most = numbers.copy()
        token = unpack(state.token, np.int16, (n, KEPT), what)
        excess = unpack(state.excess, np.float32, (n, KEPT), what)
        check(bool(np.isfinite(numbers).all() and np.isfinite(excess).all()), what)
        check(bool((token >= 0).all()), what)
        self.slot = self.rings.roll(self.length, token, excess)
        self.forgotten = state.forgotten
        self.begun.from_state(state.begun)


def _each(count: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Whose each of some things is, and which of theirs, (n,) each, by how many each has, int64 (k,)."""
    whose = np.repeat(np.arange(len(count)), count)
    return whose, np.arange(len(whose)) - np.repeat(np.cumsum(count) - count, count)

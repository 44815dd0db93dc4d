"""Every client that is in the middle of a session: its latest requests, and how odd they were."""

from typing import ClassVar, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.begun import BegunState
from vedette.detectors.learned.open_sessions import OpenSessions
from vedette.detectors.learned.tokens import UNKNOWN
from vedette.detectors.learned.trails import PER_CLIENT
from vedette.detectors.learned.walks import PART, WINDOW, Chunks, chunks, oddness
from vedette.schema.state import PackedArray, check, pack, unpack

MOST: Final = 16_384
"""Sessions remembered; of more, those that were quiet for longest are forgotten."""
KEPT: Final = PART + WINDOW + PER_CLIENT
"""Latest requests of a session that are remembered: a whole part, what came before it, and a window after it."""


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
        token: int16 (s, KEPT), the latest requests, the last one last. excess: float32 (s, KEPT), of each.
    """

    columns: ClassVar = ("key", "last", "length", "windows", "total", "most", "token", "excess")

    def __init__(self) -> None:
        super().__init__()
        self.length = np.zeros(0, dtype=np.int64)
        self.windows = np.zeros(0, dtype=np.int64)
        self.total = np.zeros(0, dtype=np.float64)
        self.token = np.zeros((0, KEPT), dtype=np.int16)
        self.excess = np.zeros((0, KEPT), dtype=np.float32)

    def find(self, key: NDArray[np.uint64], window: int) -> NDArray[np.intp]:
        """The place of each client's session, intp (k,), begun where there is none.

        Args:
            key: uint64 (k,), distinct; at most `MOST`. window: In which they ask for something.
        """
        fresh = self._fresh(key)
        over = len(self.key) + len(fresh) - MOST
        if over > 0:
            idle = np.lexsort((self.key, self.last, np.isin(self.key, key)))[:over]
            kept = np.ones(len(self.key), dtype=np.bool_)
            kept[idle] = False
            self.forgotten += int(np.count_nonzero(~kept))
            self._keep(kept)
            fresh = self._fresh(key)
        self._begin(fresh, window)
        return np.searchsorted(self.key, key)

    def windows_on(
        self, place: NDArray[np.intp], token: NDArray[np.int64], count: NDArray[np.int64]
    ) -> Chunks:
        """A model's windows on the requests that sessions get now.

        Args:
            place: intp (k,), sessions. token: int64 (n,), their requests. count: int64 (k,), how many each has.
        """
        length = self.length[place]
        known = np.minimum(length, WINDOW)
        size = known + count
        start = np.cumsum(size) - size
        flat = np.empty(int(size.sum()), dtype=np.int64)
        row, column = np.nonzero(np.arange(WINDOW) >= WINDOW - known[:, None])
        flat[start[row] + column - (WINDOW - known[row])] = self.token[place[row], KEPT - WINDOW + column]
        row = np.repeat(np.arange(len(count)), count)
        among = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        flat[start[row] + known[row] + among] = token
        return chunks(flat, start, length - known, length, length + count)

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
        session = np.repeat(np.arange(len(count)), count)
        among = np.arange(len(session)) - np.repeat(np.cumsum(count) - count, count)
        at = length[session] + among
        first = np.flatnonzero((among == 0) | (at % PART == 0))
        last = np.append(first[1:], len(session)) - 1
        summed = np.add.reduceat(excess, first)
        goes_on = (among[first] == 0) & (at[first] % PART != 0)
        summed = summed + np.where(goes_on, self.total[place[session[first]]], 0.0)
        counted = at[last] % PART + 1
        final = np.append(session[first][1:] != session[first][:-1], True)
        self.total[place] = summed[final]
        self._remember(place, token, count, excess, session, among)
        self.length[place] += count
        self.last[place] = window
        self.windows[place] += 1
        return Step(place, session[first], at[last] + 1, summed, counted, oddness(summed, counted))

    def _remember(
        self,
        place: NDArray[np.intp],
        token: NDArray[np.int64],
        count: NDArray[np.int64],
        excess: NDArray[np.float64],
        session: NDArray[np.intp],
        among: NDArray[np.int64],
    ) -> None:
        shown = np.arange(KEPT) + count[:, None]
        for held, fresh in ((self.token, token), (self.excess, excess)):
            wide = np.concatenate([held[place], np.zeros((len(place), PER_CLIENT), dtype=held.dtype)], axis=1)
            wide[session, KEPT + among] = fresh
            held[place] = np.take_along_axis(wide, shown, axis=1)

    def unlearn(self) -> None:
        """Forget which tokens requests were: a model with another vocabulary has come."""
        self.token[:] = UNKNOWN

    def to_state(self) -> WalkersState:
        """All of it."""
        return WalkersState(
            pack(self.key),
            pack(np.stack([self.last, self.length, self.windows])),
            pack(np.stack([self.total, self.most])),
            pack(self.token),
            pack(self.excess),
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
        self.token = unpack(state.token, np.int16, (n, KEPT), what)
        self.excess = unpack(state.excess, np.float32, (n, KEPT), what)
        check(bool(np.isfinite(numbers).all() and np.isfinite(self.excess).all()), what)
        check(bool((self.token >= 0).all()), what)
        self.forgotten = state.forgotten
        self.begun.from_state(state.begun)

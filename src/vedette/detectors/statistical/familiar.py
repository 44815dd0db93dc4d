"""Whether a service knew a client by the day before."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.spans import DAY_US
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack
from vedette.windows.mixing import mix
from vedette.windows.summary import ClientRows

MOST: Final = 1_024
"""Services; further ones know nobody. Twelve kilobytes each."""
WEEK: Final = 7
"""Days after which what is known is set aside, and what was aside is forgotten: the last one or two weeks are known."""
_BITS: Final = 1 << 15
_BYTES: Final = _BITS // 8
_SEEDS: Final = (0x2545F4914F6CDD1D, 0x9E3779B97F4A7C15)
FULL: Final = 0.25
"""Share of bits set beyond which a filter says of nobody that he is known: then it calls one stranger in sixteen so.
With two bits of 32,768 for each, 4,700 clients set so many."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What a `Familiar` remembers."""

    day: int
    filters: PackedArray


class Familiar:
    """Remembers of each service whom it knew by yesterday, in Bloom filters (Bloom 1970).

    `Acquaintance` counts how many of many are known; this tells it of one. Whom a service knows only since today is no
    acquaintance: a thief is not to become one while he is at it.
    """

    def __init__(self) -> None:
        self._day = 0
        self._learned = -1
        """Start of the last window that was learned."""
        # Of today, of this week, and of last week.
        self._filters: NDArray[np.uint8] = np.zeros((3, 0, _BYTES), dtype=np.uint8)

    def knows(self, service: int, high: int, low: int, start: int) -> bool:
        """Whether a client was there by the day before a window; False where that cannot be told.

        Args:
            service: Its number. high, low: The client's key. start: Of the window, microseconds.
        """
        before = self._before(service, start)
        if not self._tells(before):
            return False
        key = np.array([high], dtype=np.uint64), np.array([low], dtype=np.uint64)
        return all(bool(before[place >> 3] >> (place & 7) & 1) for place in _places(*key)[:, 0].tolist())

    def tells(self, service: int, start: int) -> bool:
        """Whether it can be told of a service, by number, whom it knew by the day before a window."""
        return self._tells(self._before(service, start))

    def _before(self, service: int, start: int) -> NDArray[np.uint8]:
        self._turn(start)
        if service >= self._filters.shape[1]:
            return self._filters[0, :0].reshape(-1)
        return np.asarray(self._filters[1, service] | self._filters[2, service])

    @staticmethod
    def _tells(before: NDArray[np.uint8]) -> bool:
        return 0 < int(np.bitwise_count(before).sum()) <= FULL * _BITS

    def learn(self, start: int, clients: ClientRows) -> None:
        """Take a window's clients in; nothing where another detector that shares this did so.

        Args:
            start: Of the window, microseconds; windows come in order. clients: Of all services.
        """
        self._turn(start)
        if start <= self._learned:
            return
        self._learned = start
        services = min(int(clients.service.max(initial=-1)) + 1, MOST)
        missing = services - self._filters.shape[1]
        if missing > 0:
            more = np.zeros((3, missing, _BYTES), dtype=np.uint8)
            self._filters = np.concatenate([self._filters, more], axis=1)
        kept = slice(0, int(np.searchsorted(clients.service, services)))
        service = clients.service[kept]
        for places in _places(clients.high[kept], clients.low[kept]):
            bits = np.left_shift(1, places & 7).astype(np.uint8)
            np.bitwise_or.at(self._filters[0], (service, places >> 3), bits)

    def _turn(self, start: int) -> None:
        """Let days pass."""
        day = start // DAY_US
        if day <= self._day:
            return
        today, week, before = self._filters
        np.bitwise_or(week, today, out=week)
        today[:] = 0
        if day // WEEK > self._day // WEEK:
            before[:], week[:] = week, 0
        self._day = day

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode(_State(self._day, pack(self._filters)))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        state = decode(content, _State, "familiar clients")
        filters = unpack(state.filters, np.uint8, (3, None, _BYTES), "familiar clients")
        check(filters.shape[1] <= MOST and state.day >= 0, "familiar clients")
        self._day, self._filters = state.day, filters


def _places(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The bits of clients (k,) in a filter, int64 (2, k)."""
    key = mix(high, _SEEDS[0]) ^ low
    return np.stack([(mix(key, seed) % np.uint64(_BITS)).astype(np.int64) for seed in _SEEDS])

"""How many bytes each client has taken of each service in the last hour."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.statistical.room import with_room
from vedette.schema.spans import HOUR_US, MINUTE_US
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack
from vedette.windows.layout import Client
from vedette.windows.mixing import mix
from vedette.windows.summary import ClientRows

PART: Final = 5 * MINUTE_US
PARTS: Final = HOUR_US // PART
"""An hour is summed in parts, so that it ends in five minutes' steps."""
MOST: Final = 16_384
"""Clients, of all services; beyond, the half that took most is kept. A megabyte and a half."""
COUNTED: Final = 32
"""Clients of a service that are counted in a window: those that take most of it. Who carries off far more in an hour
than anybody is one of them in most of its minutes."""
_SEED: Final = 0x5851F42D4C957F2D


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What `Takings` hold."""

    now: int
    left_out: int
    service: PackedArray
    high: PackedArray
    low: PackedArray
    parts: PackedArray


class Takings:
    """Sums of single clients over the last hour.

    Attributes:
        left_out: Clients whose sums were let go for want of room.
    """

    def __init__(self) -> None:
        self.left_out = 0
        self._now = 0
        self._count = 0
        # Rows beyond the count are room.
        self._service: NDArray[np.int32] = np.zeros(0, np.int32)
        self._high: NDArray[np.uint64] = np.zeros(0, np.uint64)
        self._low: NDArray[np.uint64] = np.zeros(0, np.uint64)
        self._parts: NDArray[np.float64] = np.zeros((0, PARTS))
        # Keys of all in order, and where each of them stands.
        self._keys: NDArray[np.uint64] = np.zeros(0, np.uint64)
        self._order: NDArray[np.intp] = np.zeros(0, np.intp)

    def add(self, start: int, clients: ClientRows) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Take a window in, and say what its clients have taken in the hour that ends with it.

        Args:
            start: Of the window, microseconds; windows come in order. clients: Of all services.

        Returns:
            Rows of those that are counted, (k,), by service; and bytes, float64 (k,).
        """
        self._turn(start // PART)
        counted = _counted(clients.service, clients.sums[:, Client.BYTES_OUT])
        rows = self._rows(clients.select(counted))
        self._parts[rows, self._now % PARTS] += clients.sums[counted, Client.BYTES_OUT]
        sums = np.asarray(self._parts[rows].sum(axis=1))
        if len(self._keys) > MOST:
            most = np.argsort(-self._parts[: self._count].sum(axis=1), kind="stable")[: MOST // 2]
            self.left_out += self._count - len(most)
            self._keep(np.sort(most))
        return counted, sums

    def largest(self, service: int, most: int) -> NDArray[np.float64]:
        """The largest sums of a service's clients, descending, float64 (at most `most`,)."""
        mine = np.flatnonzero(self._service[: self._count] == service)
        return np.asarray(-np.sort(-self._parts[mine].sum(axis=1))[:most])

    def _rows(self, clients: ClientRows) -> NDArray[np.intp]:
        """Where clients stand, (k,); new ones are given a place."""
        keys = _keys(clients.service, clients.high, clients.low)
        place = np.searchsorted(self._keys, keys)
        new = np.ones(len(keys), dtype=np.bool_)
        there = np.flatnonzero(place < len(self._keys))
        new[there] = self._keys[place[there]] != keys[there]
        if not new.any():
            return np.asarray(self._order[place])
        fresh = np.flatnonzero(new)
        count = self._count
        self._count += len(fresh)
        self._service, self._high, self._low, self._parts = (
            with_room(table, self._count) for table in (self._service, self._high, self._low, self._parts)
        )
        into = slice(count, self._count)
        self._service[into], self._high[into] = clients.service[fresh], clients.high[fresh]
        self._low[into] = clients.low[fresh]
        order = fresh[np.argsort(keys[fresh], kind="stable")]
        self._keys = np.insert(self._keys, place[order], keys[order])
        self._order = np.insert(self._order, place[order], count + np.searchsorted(fresh, order))
        return np.asarray(self._order[np.searchsorted(self._keys, keys)])

    def _turn(self, now: int) -> None:
        """Let parts of the hour pass; who has taken nothing since is forgotten."""
        if now <= self._now:
            return
        gone = [part % PARTS for part in range(max(self._now + 1, now - PARTS + 1), now + 1)]
        self._now = now
        self._parts[:, gone] = 0.0
        kept = np.flatnonzero(self._parts[: self._count].any(axis=1))
        if len(kept) < self._count:
            self._keep(kept)

    def _keep(self, rows: NDArray[np.intp]) -> None:
        self._fill(self._service[rows], self._high[rows], self._low[rows], self._parts[rows])

    def _fill(
        self,
        service: NDArray[np.int32],
        high: NDArray[np.uint64],
        low: NDArray[np.uint64],
        parts: NDArray[np.float64],
    ) -> None:
        self._service, self._high, self._low, self._parts = service, high, low, parts
        self._count = len(service)
        keys = _keys(service, high, low)
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode(
            _State(
                self._now,
                self.left_out,
                *(
                    pack(table[: self._count])
                    for table in (self._service, self._high, self._low, self._parts)
                ),
            )
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        what = "takings"
        state = decode(content, _State, what)
        service = unpack(state.service, np.int32, (None,), what)
        k = len(service)
        high, low = (unpack(each, np.uint64, (k,), what) for each in (state.high, state.low))
        parts = unpack(state.parts, np.float64, (k, PARTS), what)
        check(k <= MOST and state.now >= 0 and state.left_out >= 0, what)
        check(bool(np.isfinite(parts).all() and (parts >= 0.0).all()), what)
        self._now, self.left_out = state.now, state.left_out
        self._fill(service, high, low, parts)


def _counted(service: NDArray[np.int32], taken: NDArray[np.int64]) -> NDArray[np.intp]:
    """Rows of the clients that take most of each service, of rows by service; none that take nothing."""
    rows = np.flatnonzero(taken)
    if len(rows) <= COUNTED:
        return rows
    order = rows[np.lexsort((-taken[rows], service[rows]))]
    services = service[order]
    rank = np.arange(len(order)) - np.searchsorted(services, services)
    return np.asarray(order[rank < COUNTED])


def _keys(
    service: NDArray[np.int32], high: NDArray[np.uint64], low: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """Clients as single numbers, uint64 (k,): two of sixteen thousand share one once in a hundred thousand million."""
    return mix(mix(mix(service.astype(np.uint64), _SEED) ^ high, 0) ^ low, 0)

"""Bounded pools of open window summaries."""

from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.windows.windows import fill_slots, rebuild_index
from vedette.windows.layout import CLIENT_COLUMNS, DISTINCT_REGISTERS, GROUP_COLUMNS, LATENCY_BINS

_FIRST_CAPACITY = 1024
NEVER = np.iinfo(np.int64).min


class Entities(msgspec.Struct):
    """The entities of one batch, numbered from 0.

    Attributes:
        hash: int64 (e,), not negative; keyed with a secret, so that nobody can choose colliding entities.
        key: int64 (e,), what identifies the entity in the pool.
    """

    hash: NDArray[np.int64]
    key: NDArray[np.int64]


class Columns(Protocol):
    """The summary columns of a pool's slots."""

    def resize(self, capacity: int) -> None:
        """Grow to `capacity` slots, keeping what is there; new slots are empty summaries."""
        ...

    def keep(self, slots: NDArray[np.intp], used: int) -> None:
        """Move `slots` to the front, in order, and empty the rest of the first `used`."""
        ...


class Pool:
    """Slots of (window, entity), found by hash, in arrays that grow up to a cap."""

    def __init__(self, columns: Columns, cap: int) -> None:
        self.cap = cap
        self.columns = columns
        self.capacity = 0
        self._state = np.zeros(1, dtype=np.int64)
        self.hash = np.zeros(0, dtype=np.int64)
        self.window = np.zeros(0, dtype=np.int64)
        self.key = np.zeros(0, dtype=np.int64)
        self.owner = np.zeros(0, dtype=np.int32)
        self._index = np.zeros(0, dtype=np.int32)
        self._resize(min(_FIRST_CAPACITY, cap))

    @property
    def used(self) -> int:
        """Slots in use."""
        return int(self._state[0])

    def fill(
        self,
        first: int,
        window: NDArray[np.int64],
        entity: NDArray[np.int32],
        late: NDArray[np.uint8],
        entities: Entities,
        cache: tuple[NDArray[np.int64], NDArray[np.int64]],
        slots: NDArray[np.int32],
    ) -> int:
        """Find the slots of rows from `first` on.

        Args:
            first: Row to begin with. window: int64 (n,). entity: int32 (n,), place in `entities`, -1 for none.
            late: uint8 (n,), rows that are left out. entities: e of them.
            cache: int64 (e,) twice, the window in which each was met last (`NEVER` at first), and its slot then.
            slots: int32 (n,), receives each row's slot, -1 for rows that are left out.

        Returns:
            The row where the pool was full, or n.
        """
        return int(
            fill_slots(
                first, len(window), window, entity, late, cache[0], cache[1], entities.hash, entities.key,
                self._index, self.hash, self.window, self.key, self.owner, self._state, self.capacity, slots,
            )
        )  # fmt: skip

    def take(self, windows: NDArray[np.int64], entities: Entities) -> None:
        """Put slots of distinct (window, entity) into an empty pool; their columns are the caller's to fill.

        Args:
            windows: int64 (k,), at most `cap`. entities: The same k.
        """
        used = len(windows)
        if used > self.capacity:
            self._resize(min(self.cap, max(used, 2 * self.capacity)))
        self.hash[:used], self.window[:used], self.key[:used] = entities.hash, windows, entities.key
        self._state[0] = used
        self._rebuild()

    def grow(self) -> bool:
        """Double the pool; False at its cap."""
        if self.capacity >= self.cap:
            return False
        self._resize(min(2 * self.capacity, self.cap))
        return True

    @property
    def crowded(self) -> bool:
        """Whether more than half of the cap is in use."""
        return 2 * self.used > self.cap

    def closing(self, limit: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Slots whose window is below `limit`, sorted by window, and those windows."""
        windows = self.window[: self.used]
        slots = np.flatnonzero(windows < limit)
        order = np.argsort(windows[slots], kind="stable")
        return slots[order], windows[slots][order]

    def keep_before(self, limit: int) -> None:
        """Drop all slots of windows from number `limit` on."""
        self.keep(np.flatnonzero(self.window[: self.used] < limit))

    def keep_from(self, limit: int) -> None:
        """Drop all slots of windows below number `limit`."""
        self.keep(np.flatnonzero(self.window[: self.used] >= limit))

    def keep(self, slots: NDArray[np.intp]) -> None:
        """Drop all slots but these."""
        used = self.used
        kept = len(slots)
        self.columns.keep(slots, used)
        for values in (self.hash, self.window, self.key, self.owner):
            values[:kept] = values[slots]
        self._state[0] = kept
        self._rebuild()

    def _resize(self, capacity: int) -> None:
        used = self.used
        for name in ("hash", "window", "key", "owner"):
            old: NDArray[np.int64] = getattr(self, name)
            new = np.zeros(capacity, dtype=old.dtype)
            new[:used] = old[:used]
            setattr(self, name, new)
        self.columns.resize(capacity)
        self.capacity = capacity
        self._rebuild()

    def _rebuild(self) -> None:
        size = 1 << int(2 * self.capacity - 1).bit_length()
        if len(self._index) == size:
            self._index[:] = 0
        else:
            self._index = np.zeros(size, dtype=np.int32)
        rebuild_index(self._index, self.hash, self.window, self.used)


class SlotArrays(msgspec.Struct):
    """Base of summary columns held as arrays whose first axis is the slot; an empty summary is all zeros."""

    def resize(self, capacity: int) -> None:
        """Grow to `capacity` slots."""
        for name in self.__struct_fields__:
            old: NDArray[np.generic] = getattr(self, name)
            new = np.zeros((capacity, *old.shape[1:]), dtype=old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)

    def keep(self, slots: NDArray[np.intp], used: int) -> None:
        """Move `slots` to the front and empty the rest."""
        kept = len(slots)
        for name in self.__struct_fields__:
            values: NDArray[np.generic] = getattr(self, name)
            values[:kept] = values[slots]
            values[kept:used] = 0


class GroupColumns(SlotArrays):
    """Summaries of services and routes; see `vedette.windows.layout.Group`."""

    sums: NDArray[np.int64] = msgspec.field(default_factory=lambda: np.zeros((0, GROUP_COLUMNS), np.int64))
    latency: NDArray[np.int32] = msgspec.field(default_factory=lambda: np.zeros((0, LATENCY_BINS), np.int32))
    distinct: NDArray[np.uint8] = msgspec.field(
        default_factory=lambda: np.zeros((0, DISTINCT_REGISTERS), np.uint8)
    )


class ClientColumns(SlotArrays):
    """Summaries of clients, with what identifies each; see `vedette.windows.layout.Client`."""

    sums: NDArray[np.int64] = msgspec.field(default_factory=lambda: np.zeros((0, CLIENT_COLUMNS), np.int64))
    service: NDArray[np.int32] = msgspec.field(default_factory=lambda: np.zeros(0, np.int32))
    high: NDArray[np.uint64] = msgspec.field(default_factory=lambda: np.zeros(0, np.uint64))
    low: NDArray[np.uint64] = msgspec.field(default_factory=lambda: np.zeros(0, np.uint64))

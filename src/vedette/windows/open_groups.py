"""Summaries of services and routes in the windows that are open."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.windows.windows import add_groups
from vedette.schema.requests import Clients, Requests
from vedette.windows.layout import DISTINCT_BITS, DISTINCT_REGISTERS
from vedette.windows.mixing import mix
from vedette.windows.pool import NEVER, Entities, GroupColumns, Pool
from vedette.windows.summary import Groups

_PUBLIC_SEED = 0x9E3779B97F4A7C15
"""Sketches hash with a fixed seed: the same log must give the same estimates in every process."""


class OpenGroups:
    """Slots of (window, route registry number).

    Args:
        cap: Slots at most. seed: Of the hash that they are found by, a secret of this process.
    """

    def __init__(self, cap: int, seed: int) -> None:
        self._seed = seed
        self._columns = GroupColumns()
        self.pool = Pool(self._columns, cap)
        self.left_out = 0
        """Rows that found no slot."""

    def add(
        self,
        requests: Requests,
        clients: Clients,
        window: NDArray[np.int64],
        late: NDArray[np.uint8],
        entities: Iterable[tuple[NDArray[np.int32], NDArray[np.int64]]],
        marks: NDArray[np.uint8],
        second: NDArray[np.uint8],
    ) -> None:
        """Add a batch's rows, to one group for each column of entities.

        Args:
            requests, clients: n rows, and who sent them.
            window: int64 (n,). late: uint8 (n,), rows that are left out.
            entities: Pairs of columns: which entity each row belongs to, int32 (n,), -1 for none; and the registry's
                number of each entity, int64 (e,).
            marks: uint8 (n,), see `vedette.kernels.windows.rows`. second: uint8 (n,), place of each row in its window.
        """
        hashed = mix(mix(clients.high, _PUBLIC_SEED) ^ clients.low, _PUBLIC_SEED)
        register = (hashed & np.uint64(DISTINCT_REGISTERS - 1)).astype(np.int32)
        rest = hashed >> np.uint64(DISTINCT_BITS)
        # Rank: place of the lowest set bit of what is left, counted from 1.
        lowest = rest & (~rest + np.uint64(1))
        rank = np.where(
            rest == 0, 64 - DISTINCT_BITS + 1, np.bitwise_count(lowest - np.uint64(1)) + 1
        ).astype(np.uint8)
        for entity, numbers in entities:
            found = self._entities(numbers)
            cache = (np.full(len(numbers), NEVER), np.zeros(len(numbers), dtype=np.int64))
            slots = np.full(len(window), -1, dtype=np.int32)
            first = 0
            while True:
                first = self.pool.fill(first, window, entity, late, found, cache, slots)
                if first == len(window) or not self.pool.grow():
                    break
            if first < len(window):
                self.left_out += len(window) - first
            columns = self._columns
            add_groups(
                slots, requests.status, requests.bytes_in, requests.bytes_out, requests.duration, marks, second,
                clients.ids, rank, register, columns.sums, columns.latency, columns.distinct,
            )  # fmt: skip

    def summaries(self, slots: NDArray[np.intp]) -> Groups:
        """The summaries in some slots of one window, sorted by key."""
        slots = slots[np.argsort(self.pool.key[slots])]
        columns = self._columns
        return Groups(
            self.pool.key[slots], columns.sums[slots], columns.latency[slots], columns.distinct[slots]
        )

    def everything(self) -> tuple[NDArray[np.int64], Groups]:
        """The window of each slot in use, int64 (k,), and its summary, in the order of the slots."""
        used = self.pool.used
        columns = self._columns
        return self.pool.window[:used], Groups(
            self.pool.key[:used], columns.sums[:used], columns.latency[:used], columns.distinct[:used]
        )

    def take(self, window: NDArray[np.int64], groups: Groups) -> None:
        """Take what `everything` told into an empty pool; k at most its cap."""
        k = len(window)
        self.pool.take(window, self._entities(groups.key))
        columns = self._columns
        columns.sums[:k], columns.latency[:k], columns.distinct[:k] = (
            groups.sums,
            groups.latency,
            groups.distinct,
        )

    def _entities(self, numbers: NDArray[np.int64]) -> Entities:
        hashed = (mix(numbers.astype(np.uint64), self._seed) >> np.uint64(2)).astype(np.int64)
        return Entities(hashed, numbers)

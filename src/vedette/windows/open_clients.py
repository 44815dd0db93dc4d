"""Summaries of clients in the windows that are open."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.windows.windows import add_clients
from vedette.schema.requests import UNNAMED_TAG, Clients, Requests
from vedette.windows.judged import Judged
from vedette.windows.layout import Client
from vedette.windows.mixing import mix
from vedette.windows.pairs import pair_numbers
from vedette.windows.pool import NEVER, ClientColumns, Entities, Pool
from vedette.windows.summary import ClientRows


class OpenClients:
    """Slots of (window, service, client).

    Args:
        cap: Slots at most. seed: Of the hash that they are found by, a secret of this process.
    """

    def __init__(self, cap: int, seed: int) -> None:
        self._seed = seed
        self._columns = ClientColumns()
        self.pool = Pool(self._columns, cap)
        self.left_out = 0
        """Requests of clients that had to make room."""

    def add(
        self,
        requests: Requests,
        clients: Clients,
        judged: Judged,
        window: NDArray[np.int64],
        late: NDArray[np.uint8],
        marks: NDArray[np.uint8],
        kinds: NDArray[np.uint8],
        asset: NDArray[np.uint8],
        bit: NDArray[np.uint8],
        second: NDArray[np.uint8],
    ) -> None:
        """Add a batch's rows.

        Args:
            requests, clients, judged: n rows, who sent them, and what is known of them.
            window: int64 (n,). late: uint8 (n,), rows that are left out.
            marks, kinds, asset, bit: uint8 (n,), see `vedette.kernels.windows.rows`.
            second: uint8 (n,), place of each row in its window.
        """
        # Requests without a client are summed too, under a key that is nobody's.
        unnamed = len(clients.high)
        ids = np.where(clients.ids < 0, np.int32(unnamed), clients.ids)
        entity, services, locals_ = pair_numbers(judged.service, ids, unnamed + 1)
        high = np.append(clients.high, np.uint64(UNNAMED_TAG))[locals_]
        low = np.append(clients.low, np.uint64(0))[locals_]
        entities = self._entities(services, high, low)
        cache = (np.full(len(high), NEVER), np.zeros(len(high), dtype=np.int64))
        slots = np.full(len(window), -1, dtype=np.int32)
        n = len(window)
        first = 0
        while first < n:
            before = self.pool.used
            stop = self.pool.fill(first, window, entity, late, entities, cache, slots)
            after = self.pool.used
            columns = self._columns
            owner = self.pool.owner[before:after]
            columns.service[before:after] = services[owner]
            columns.high[before:after] = high[owner]
            columns.low[before:after] = low[owner]
            part = slice(first, stop)
            add_clients(
                slots[part], requests.status[part], requests.bytes_out[part], marks[part], judged.types[part],
                kinds[part], asset[part], bit[part], second[part], columns.sums,
            )  # fmt: skip
            first = stop
            if first < n and not self.pool.grow():
                self._drop_light()
                cache[0][:] = NEVER

    def requests_from(self, limit: int) -> int:
        """Requests in windows from number `limit` on."""
        return int(self._requests[self._windows >= limit].sum())

    def summaries(self, slots: NDArray[np.intp]) -> ClientRows:
        """The summaries in some slots of one window, sorted by service and key."""
        columns = self._columns
        slots = slots[_ascending(columns.service[slots], columns.high[slots], columns.low[slots])]
        return ClientRows(
            columns.service[slots], columns.high[slots], columns.low[slots], columns.sums[slots]
        )

    def everything(self) -> tuple[NDArray[np.int64], ClientRows]:
        """The window of each slot in use, int64 (k,), and its summary, in the order of the slots."""
        used = self.pool.used
        columns = self._columns
        return self._windows, ClientRows(
            columns.service[:used], columns.high[:used], columns.low[:used], columns.sums[:used]
        )

    def take(self, window: NDArray[np.int64], rows: ClientRows) -> None:
        """Take what `everything` told into an empty pool; k at most its cap."""
        self.pool.take(window, self._entities(rows.service, rows.high, rows.low))
        for name in ("service", "high", "low", "sums"):
            getattr(self._columns, name)[: len(rows)] = getattr(rows, name)

    @property
    def _windows(self) -> NDArray[np.int64]:
        return self.pool.window[: self.pool.used]

    @property
    def _requests(self) -> NDArray[np.int64]:
        return self._columns.sums[: self.pool.used, Client.REQUESTS]

    def _entities(
        self, services: NDArray[np.integer], high: NDArray[np.uint64], low: NDArray[np.uint64]
    ) -> Entities:
        key = mix(mix(high, self._seed) ^ low, self._seed) ^ mix(services.astype(np.uint64), self._seed)
        return Entities((key >> np.uint64(2)).astype(np.int64), key.view(np.int64))

    def _drop_light(self) -> None:
        """Make room: drop the lighter half of the clients, never one that attacked more than the light ones.

        A dropped client was at most as heavy as the median one; its requests are counted in `left_out` and remain in
        the sums of services and routes.
        """
        used = self.pool.used
        sums = self._columns.sums[:used]
        weight: NDArray[np.int64] = (
            sums[:, Client.REQUESTS] + sums[:, Client.ATTACKS] + sums[:, Client.LOGIN_FAILURES]
        )
        limit = np.partition(weight, used // 2)[used // 2]
        kept = np.flatnonzero(weight > limit)
        self.left_out += int(sums[:, Client.REQUESTS].sum() - sums[kept, Client.REQUESTS].sum())
        self.pool.keep(kept)


def _ascending(
    service: NDArray[np.int32], high: NDArray[np.uint64], low: NDArray[np.uint64]
) -> NDArray[np.intp]:
    """The order of clients by service and key, no two of which are equal.

    Most have addresses of four bytes, with nothing in the high half: of one service, the other half sorts them.
    """
    if len(service) == 0 or service.min() != service.max():
        return np.lexsort((low, high, service))
    short, long = np.flatnonzero(high == 0), np.flatnonzero(high)
    return np.concatenate([short[np.argsort(low[short])], long[np.lexsort((low[long], high[long]))]])

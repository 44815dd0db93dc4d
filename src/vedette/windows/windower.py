"""From batches to closed windows."""

import secrets
from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.rows import mark_rows
from vedette.kernels.windows import add_clients, add_groups
from vedette.schema.requests import UNNAMED_TAG, Clients, Requests
from vedette.schema.spans import HOUR_US
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack
from vedette.windows.distinct import distinct_values
from vedette.windows.event_time import EventTime, EventTimeState, Timed
from vedette.windows.layout import (
    DISTINCT_BITS,
    DISTINCT_REGISTERS,
    GROUP_COLUMNS,
    LATENCY_BINS,
    Client,
)
from vedette.windows.mixing import mix
from vedette.windows.pool import NEVER, ClientColumns, Entities, GroupColumns, Pool
from vedette.windows.registry import RouteRegistry
from vedette.windows.summary import ClientRows, ClosedWindow, Groups, PackedClients

_PUBLIC_SEED = 0x9E3779B97F4A7C15
"""Sketches hash with a fixed seed: the same log must give the same estimates in every process."""


class WindowSettings(msgspec.Struct, frozen=True):
    """How event time is cut, and the memory caps.

    Attributes:
        span, lateness: Microseconds.
        jump: How far ahead a time may be to be believed at once, microseconds; more than the lateness.
        login_routes: Routes that take credentials though their names do not say so.
        routes: Cap of route numbers. group_slots, client_slots: Caps of open summaries.
        own_clock: Whether event time follows the rows. Otherwise it is told (`EventTime.advance`): by someone who
            knows how far each of several sources is.
    """

    span: int = 60_000_000
    lateness: int = 60_000_000
    jump: int = HOUR_US
    login_routes: tuple[str, ...] = ()
    routes: int = 16_384
    group_slots: int = 32_768
    client_slots: int = 262_144
    own_clock: bool = True


class Judged(msgspec.Struct):
    """What is known about a batch's rows besides what was logged.

    Attributes:
        service: int32 (n,), service numbers.
        types: int64 (n,), bit per signature type of hostile rows, 0 elsewhere. decisive: bool (n,), hostile
            beyond doubt.
        agent_kind: uint8, one per distinct user agent. declared_bot: which kind number is a declared bot.
        unknown_agent: kind number of rows without a user agent.
    """

    service: NDArray[np.int32]
    types: NDArray[np.int64]
    decisive: NDArray[np.bool_]
    agent_kind: NDArray[np.uint8]
    declared_bot: int
    unknown_agent: int


class Placed(msgspec.Struct):
    """Where each row of a batch went.

    Attributes:
        window: int64 (n,). late: uint8 (n,). route: int64 (n,), route numbers.
    """

    window: NDArray[np.int64]
    late: NDArray[np.uint8]
    route: NDArray[np.int64]


def pair_numbers(
    left: NDArray[np.int32], right: NDArray[np.int32], right_count: int
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Number the distinct pairs of two small-number columns; rows where `right` is negative get -1.

    Returns:
        int32 (n,) pair numbers, and int64 (p,) the left and right part of each pair.
    """
    width = right_count + 1
    code = left.astype(np.int64) * width + right
    code[right < 0] = -1
    top = int(code.max(initial=-1)) + 1
    present = np.zeros(top + 1, dtype=bool)
    present[code] = True  # -1 lands on the extra last place
    present[top] = False
    codes = np.flatnonzero(present)
    numbers = np.full(top + 1, -1, dtype=np.int32)
    numbers[codes] = np.arange(len(codes), dtype=np.int32)
    return numbers[code], codes // width, codes % width


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What a `Windower` holds: event time, counts, and the open windows' summaries, slot by slot."""

    clock: EventTimeState
    lateness: int
    late: int
    left_out_routes: int
    left_out_clients: int
    registry: bytes
    group_window: PackedArray
    group_key: PackedArray
    sums: PackedArray
    latency: PackedArray
    distinct: PackedArray
    client_window: PackedArray
    clients: PackedClients


def _distinct(numbers: NDArray[np.int32]) -> tuple[list[int], NDArray[np.int32]]:
    """The distinct ones of small numbers, in order, and which of them each (n,) is."""
    present = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=bool)
    present[numbers] = True
    distinct = np.flatnonzero(present)
    places = np.zeros(len(present), dtype=np.int32)
    places[distinct] = np.arange(len(distinct), dtype=np.int32)
    return distinct.tolist(), places[numbers]


def _writes(requests: Requests) -> NDArray[np.uint8]:
    """Whether each method changes something; the last element is for rows without one."""
    reads = [method in (b"GET", b"HEAD", b"OPTIONS") for method in requests.method.vocabulary]
    return np.array([*(not read for read in reads), False], dtype=np.uint8)


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


class Windower:
    """Accumulates batches into window summaries and hands out windows that the watermark has passed."""

    def __init__(self, settings: WindowSettings) -> None:
        self.settings = settings
        self.registry = RouteRegistry(settings.routes, settings.login_routes)
        self.late = 0
        self.left_out_routes = 0
        self.left_out_clients = 0
        self._forgotten_from: int | None = None
        self.event_time = EventTime(settings.span, settings.lateness, settings.jump, own=settings.own_clock)
        self._seed = secrets.randbits(64)
        self._group_columns = GroupColumns()
        self._groups = Pool(self._group_columns, settings.group_slots)
        self._client_columns = ClientColumns()
        self._clients = Pool(self._client_columns, settings.client_slots)

    @property
    def open_windows(self) -> list[int]:
        """Numbers of the windows that hold rows, in order."""
        found: list[int] = distinct_values(self._groups.window[: self._groups.used]).tolist()
        return found

    @property
    def open_slots(self) -> int:
        """Summaries of services, routes and clients that are held now."""
        return self._groups.used + self._clients.used

    def time(
        self,
        requests: Requests,
        late: NDArray[np.uint8] | None = None,
        reached: NDArray[np.int64] | None = None,
    ) -> Timed:
        """Let event time follow a batch's rows, if it may, and say which come too late; `add` is to follow.

        Args:
            requests: n rows.
            late: uint8 (n,), rows that come too late whatever event time is, None for none; only for those whose
                event time is told.
            reached: int64 (n,), for those too: where event time would be, had it been told after each row; None where
                it does not move within a batch.
        """
        self._forget_unbelieved()
        timed = self.event_time.follow(requests.time, late, reached)
        self.late += int(np.count_nonzero(timed.late))
        return timed

    def add(self, requests: Requests, judged: Judged, timed: Timed | None = None) -> Placed:
        """Add a batch's rows to their windows.

        Args:
            requests: n rows. judged: What is known of them besides. timed: What `time` said of them just now; None if
                it has not been asked.
        """
        n = len(requests)
        timed = timed or self.time(requests)
        window, second, late = timed.window, timed.second, timed.late

        if requests.route is None or requests.client is None:
            raise ValueError("a batch must be enriched before it is windowed")
        routes = requests.route
        texts = [text.decode("utf-8", "surrogateescape") for text in routes.vocabulary]
        pair, pair_service, pair_route = pair_numbers(judged.service, routes.ids, len(texts))
        number_of_pair = np.array(
            [
                self.registry.number(service, texts[route])
                for service, route in zip(pair_service.tolist(), pair_route.tolist(), strict=True)
            ],
            dtype=np.int64,
        ).reshape(-1)
        route_number = number_of_pair[pair] if len(number_of_pair) else np.full(n, -1, dtype=np.int64)
        if len(number_of_pair):
            route_number[pair < 0] = -1

        marks, kinds, asset, bit = (np.empty(n, dtype=np.uint8) for _ in range(4))
        registry = self.registry
        mark_rows(
            requests.method.ids, _writes(requests), requests.user_agent.ids,
            np.append(judged.agent_kind, np.uint8(judged.unknown_agent)), judged.declared_bot,
            requests.referer.ids, requests.status, judged.decisive.view(np.uint8), route_number,
            registry.login, registry.asset, registry.bit, marks, kinds, asset, bit,
        )  # fmt: skip
        clients = requests.client
        self._add_groups(requests, clients, judged, window, late, pair, number_of_pair, marks, second)
        self._add_clients(requests, clients, judged, window, late, marks, kinds, asset, bit, second)
        return Placed(window, late, route_number)

    def _forget_unbelieved(self) -> None:
        """Make room by dropping windows of times far ahead, if it is getting scarce; their requests count as late.

        Event time may never get there: a clock that is years ahead would fill the pools for good.
        """
        crowded = 2 * self._groups.used > self._groups.cap or 2 * self._clients.used > self._clients.cap
        if not crowded or not self.event_time.begun:
            return
        limit = self.event_time.unbelieved_from
        kept = [np.flatnonzero(pool.window[: pool.used] < limit) for pool in (self._groups, self._clients)]
        if len(kept[0]) == self._groups.used:
            return
        sums = self._client_columns.sums[: self._clients.used, Client.REQUESTS]
        self.late += int(sums.sum() - sums[kept[1]].sum())
        self._groups.keep(kept[0])
        self._clients.keep(kept[1])
        self._forgotten_from = limit

    def take_forgotten(self) -> int | None:
        """Number of the first window that was dropped unseen since this was asked last; None if none was."""
        forgotten, self._forgotten_from = self._forgotten_from, None
        return forgotten

    def _add_groups(
        self,
        requests: Requests,
        clients: Clients,
        judged: Judged,
        window: NDArray[np.int64],
        late: NDArray[np.uint8],
        pair: NDArray[np.int32],
        number_of_pair: NDArray[np.int64],
        marks: NDArray[np.uint8],
        second: NDArray[np.uint8],
    ) -> None:
        hashed = mix(mix(clients.high, _PUBLIC_SEED) ^ clients.low, _PUBLIC_SEED)
        register = (hashed & np.uint64(DISTINCT_REGISTERS - 1)).astype(np.int32)
        rest = hashed >> np.uint64(DISTINCT_BITS)
        # Rank: place of the lowest set bit of what is left, counted from 1.
        lowest = rest & (~rest + np.uint64(1))
        rank = np.where(
            rest == 0, 64 - DISTINCT_BITS + 1, np.bitwise_count(lowest - np.uint64(1)) + 1
        ).astype(np.uint8)

        services, service_entity = _distinct(judged.service)
        service_numbers = np.array([self.registry.number(s, None) for s in services], dtype=np.int64)
        for entity, numbers in (
            (service_entity, service_numbers),
            (pair, number_of_pair),
        ):
            entities = self._group_entities(numbers)
            cache = (np.full(len(numbers), NEVER), np.zeros(len(numbers), dtype=np.int64))
            slots = np.full(len(window), -1, dtype=np.int32)
            first = 0
            while True:
                first = self._groups.fill(first, window, entity, late, entities, cache, slots)
                if first == len(window) or not self._groups.grow():
                    break
            if first < len(window):
                self.left_out_routes += len(window) - first
            columns = self._group_columns
            add_groups(
                slots, requests.status, requests.bytes_in, requests.bytes_out, requests.duration, marks, second,
                clients.ids, rank, register, columns.sums, columns.latency, columns.distinct,
            )  # fmt: skip

    def _add_clients(
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
        # Requests without a client are summed too, under a key that is nobody's.
        unnamed = len(clients.high)
        ids = np.where(clients.ids < 0, np.int32(unnamed), clients.ids)
        entity, services, locals_ = pair_numbers(judged.service, ids, unnamed + 1)
        high = np.append(clients.high, np.uint64(UNNAMED_TAG))[locals_]
        low = np.append(clients.low, np.uint64(0))[locals_]
        entities = self._client_entities(services, high, low)
        cache = (np.full(len(high), NEVER), np.zeros(len(high), dtype=np.int64))
        slots = np.full(len(window), -1, dtype=np.int32)
        n = len(window)
        first = 0
        while first < n:
            before = self._clients.used
            stop = self._clients.fill(first, window, entity, late, entities, cache, slots)
            after = self._clients.used
            columns = self._client_columns
            owner = self._clients.owner[before:after]
            columns.service[before:after] = services[owner]
            columns.high[before:after] = high[owner]
            columns.low[before:after] = low[owner]
            part = slice(first, stop)
            add_clients(
                slots[part], requests.status[part], requests.bytes_out[part], marks[part], judged.types[part],
                kinds[part], asset[part], bit[part], second[part], columns.sums,
            )  # fmt: skip
            first = stop
            if first < n and not self._clients.grow():
                self._drop_light_clients()
                cache[0][:] = NEVER

    def _group_entities(self, numbers: NDArray[np.int64]) -> Entities:
        hashed = (mix(numbers.astype(np.uint64), self._seed) >> np.uint64(2)).astype(np.int64)
        return Entities(hashed, numbers)

    def _client_entities(
        self, services: NDArray[np.integer], high: NDArray[np.uint64], low: NDArray[np.uint64]
    ) -> Entities:
        key = mix(mix(high, self._seed) ^ low, self._seed) ^ mix(services.astype(np.uint64), self._seed)
        return Entities((key >> np.uint64(2)).astype(np.int64), key.view(np.int64))

    def _drop_light_clients(self) -> None:
        """Make room: drop the lighter half of the clients, never one that attacked more than the light ones.

        A dropped client was at most as heavy as the median one; its requests are counted in
        `left_out_clients` and remain in the sums of services and routes.
        """
        used = self._clients.used
        sums = self._client_columns.sums[:used]
        weight: NDArray[np.int64] = (
            sums[:, Client.REQUESTS] + sums[:, Client.ATTACKS] + sums[:, Client.LOGIN_FAILURES]
        )
        limit = np.partition(weight, used // 2)[used // 2]
        kept = np.flatnonzero(weight > limit)
        self.left_out_clients += int(sums[:, Client.REQUESTS].sum() - sums[kept, Client.REQUESTS].sum())
        self._clients.keep(kept)

    def settle(self) -> Iterator[ClosedWindow]:
        """Close all windows up to event time for good: nothing can be added to them any more.

        Windows beyond event time, of times that were never believed, are dropped and count as late.
        """
        self.event_time.settle()
        yield from self.close()
        self.late += int(self._client_columns.sums[: self._clients.used, Client.REQUESTS].sum())
        nothing = np.zeros(0, dtype=np.intp)
        self._groups.keep(nothing)
        self._clients.keep(nothing)

    def close(self, *, everything: bool = False) -> Iterator[ClosedWindow]:
        """Hand out, oldest first, the windows that the watermark has passed (or all of them, at the end).

        At the end, windows of times that were never believed are dropped; their requests count as late.
        """
        span = self.settings.span
        limit = self.event_time.open_from
        if everything:
            limit = self.event_time.ends_before(self.open_windows)
        group_slots, group_windows = _closing(self._groups, limit)
        client_slots, client_windows = _closing(self._clients, limit)
        if len(group_slots) == 0:
            return
        closed = []
        client_columns = self._client_columns
        for number in distinct_values(group_windows).tolist():
            part = group_slots[slice(*np.searchsorted(group_windows, [number, number + 1]))]
            part = part[np.argsort(self._groups.key[part])]
            columns = self._group_columns
            groups = Groups(
                self._groups.key[part],
                columns.sums[part],
                columns.latency[part],
                columns.distinct[part],
            )
            part = client_slots[slice(*np.searchsorted(client_windows, [number, number + 1]))]
            part = part[
                _ascending(client_columns.service[part], client_columns.high[part], client_columns.low[part])
            ]
            clients = ClientRows(
                client_columns.service[part],
                client_columns.high[part],
                client_columns.low[part],
                client_columns.sums[part],
            )
            closed.append(ClosedWindow(number, number * span, (number + 1) * span, groups, clients))
        if everything:
            dropped = self._clients.window[: self._clients.used] >= limit
            sums = self._client_columns.sums[: self._clients.used]
            self.late += int(sums[dropped, Client.REQUESTS].sum())
            limit = np.iinfo(np.int64).max
        self._groups.keep(np.flatnonzero(self._groups.window[: self._groups.used] >= limit))
        self._clients.keep(np.flatnonzero(self._clients.window[: self._clients.used] >= limit))
        yield from closed
        if self.registry.crowded:
            self.registry.keep_only(set(self._groups.key[: self._groups.used].tolist()))

    def to_state(self) -> bytes:
        """Event time and the open windows, as bytes; without the seed, which is this process's own."""
        groups, clients = self._groups.used, self._clients.used
        columns, rows = self._group_columns, self._client_columns
        return encode(
            _State(
                self.event_time.to_state(),
                self.settings.lateness,
                self.late,
                self.left_out_routes,
                self.left_out_clients,
                self.registry.to_state(),
                pack(self._groups.window[:groups]),
                pack(self._groups.key[:groups]),
                pack(columns.sums[:groups]),
                pack(columns.latency[:groups]),
                pack(columns.distinct[:groups]),
                pack(self._clients.window[:clients]),
                PackedClients.of(
                    ClientRows(
                        rows.service[:clients], rows.high[:clients], rows.low[:clients], rows.sums[:clients]
                    )
                ),
            )
        )

    def from_state(self, content: bytes, services: int) -> None:
        """Take the state of a `to_state` into a windower that has seen nothing, of the same span.

        Where more lateness is allowed now, windows that have closed stay closed.

        Args:
            content: From `to_state`. services: How many services there are.

        Raises:
            StateError: Damaged, or more windows than this windower's caps; see `vedette.schema.state`.
        """
        what = "open windows"
        state = decode(content, _State, what)
        window = unpack(state.group_window, np.int64, (None,), what)
        key = unpack(state.group_key, np.int64, (None,), what)
        k = len(key)
        sums = unpack(state.sums, np.int64, (k, GROUP_COLUMNS), what)
        latency = unpack(state.latency, np.int32, (k, LATENCY_BINS), what)
        distinct = unpack(state.distinct, np.uint8, (k, DISTINCT_REGISTERS), what)
        rows = state.clients.rows(services)
        of_rows = unpack(state.client_window, np.int64, (len(rows),), what)
        check(len(window) == k <= self._groups.cap and len(rows) <= self._clients.cap, what)
        check(bool((distinct <= 64 - DISTINCT_BITS + 1).all()), what)
        check(len(np.unique(np.stack([window, key]), axis=1).T) == k, what)
        keys = np.stack([of_rows, rows.service, rows.high.view(np.int64), rows.low.view(np.int64)])
        check(len(np.unique(keys, axis=1).T) == len(rows), what)
        check(min(state.lateness, state.late, state.left_out_routes, state.left_out_clients) >= 0, what)
        self.registry.from_state(state.registry, services)
        numbered = {number for number, entry in enumerate(self.registry.entries) if entry is not None}
        check(numbered.issuperset(key.tolist()), what)
        self.event_time.from_state(state.clock, state.lateness, what)
        self.late, self.left_out_routes = state.late, state.left_out_routes
        self.left_out_clients = state.left_out_clients
        self._groups.take(window, self._group_entities(key))
        columns = self._group_columns
        columns.sums[:k], columns.latency[:k], columns.distinct[:k] = sums, latency, distinct
        self._clients.take(of_rows, self._client_entities(rows.service, rows.high, rows.low))
        clients = self._client_columns
        for name in ("service", "high", "low", "sums"):
            getattr(clients, name)[: len(rows)] = getattr(rows, name)


def _closing(pool: Pool, limit: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Slots whose window is below `limit`, sorted by window, and those windows."""
    windows = pool.window[: pool.used]
    slots = np.flatnonzero(windows < limit)
    order = np.argsort(windows[slots], kind="stable")
    return slots[order], windows[slots][order]

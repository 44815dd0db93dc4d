"""From batches to closed windows."""

import secrets
from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.windows.rows import mark_rows
from vedette.schema.requests import Requests
from vedette.schema.spans import HOUR_US
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack
from vedette.windows.distinct import distinct_values
from vedette.windows.event_time import EventTime, EventTimeState, Timed
from vedette.windows.judged import Judged, Placed
from vedette.windows.layout import DISTINCT_BITS, DISTINCT_REGISTERS, GROUP_COLUMNS, LATENCY_BINS, Group
from vedette.windows.open_clients import OpenClients
from vedette.windows.open_groups import OpenGroups
from vedette.windows.pairs import distinct_numbers, pair_numbers
from vedette.windows.registry import RouteRegistry
from vedette.windows.summary import ClosedWindow, Groups, PackedClients, widened

_BEFORE_ALL = int(np.iinfo(np.int64).min)
_PAST_ALL = int(np.iinfo(np.int64).max)
"""Numbers that no window has."""


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


_OF_METHOD = {b"GET": 0, b"OPTIONS": 0, b"HEAD": 64}
"""What `mark_rows` is told of methods; all others change something."""


def _of_methods(requests: Requests) -> NDArray[np.uint8]:
    """What `mark_rows` is told of each method; the last element is for rows without one."""
    return np.array([*(_OF_METHOD.get(m, 1) for m in requests.method.vocabulary), 0], dtype=np.uint8)


class Windower:
    """Accumulates batches into window summaries and hands out windows that the watermark has passed."""

    def __init__(self, settings: WindowSettings) -> None:
        self.settings = settings
        self.registry = RouteRegistry(settings.routes, settings.login_routes)
        self.late = 0
        self._forgotten_from: int | None = None
        self.event_time = EventTime(settings.span, settings.lateness, settings.jump, own=settings.own_clock)
        seed = secrets.randbits(64)
        self._groups = OpenGroups(settings.group_slots, seed)
        self._clients = OpenClients(settings.client_slots, seed)

    @property
    def left_out_routes(self) -> int:
        """Rows that no summary of a service or route had room for."""
        return self._groups.left_out

    @property
    def left_out_clients(self) -> int:
        """Requests of clients whose summaries made room for others'."""
        return self._clients.left_out

    @property
    def open_windows(self) -> list[int]:
        """Numbers of the windows that hold rows, in order."""
        found: list[int] = distinct_values(self._groups.everything()[0]).tolist()
        return found

    @property
    def open_slots(self) -> int:
        """Summaries of services, routes and clients that are held now."""
        return self._groups.pool.used + self._clients.pool.used

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

        Raises:
            ValueError: They have no clients or routes yet.
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
            requests.method.ids, _of_methods(requests), requests.user_agent.ids,
            np.append(judged.agent_kind, np.uint8(judged.unknown_agent)), judged.declared_bot,
            requests.referer.ids, requests.status, judged.decisive.view(np.uint8), route_number,
            registry.login, registry.asset, registry.bit, marks, kinds, asset, bit,
        )  # fmt: skip
        clients = requests.client
        services, service_of_row = distinct_numbers(judged.service)
        service_numbers = np.array([registry.number(s, None) for s in services], dtype=np.int64)
        entities = [(service_of_row, service_numbers), (pair, number_of_pair)]
        self._groups.add(requests, clients, window, late, entities, marks, second)
        self._clients.add(requests, clients, judged, window, late, marks, kinds, asset, bit, second)
        return Placed(window, late, route_number)

    def _forget_unbelieved(self) -> None:
        """Make room by dropping windows of times far ahead, if it is getting scarce; their requests count as late.

        Event time may never get there: a clock that is years ahead would fill the pools for good.
        """
        groups, clients = self._groups.pool, self._clients.pool
        if not (groups.crowded or clients.crowded) or not self.event_time.begun:
            return
        limit = self.event_time.unbelieved_from
        if not (groups.window[: groups.used] >= limit).any():
            return
        self.late += self._clients.requests_from(limit)
        groups.keep_before(limit)
        clients.keep_before(limit)
        self._forgotten_from = limit

    def take_forgotten(self) -> int | None:
        """Number of the first window that was dropped unseen since this was asked last; None if none was."""
        forgotten, self._forgotten_from = self._forgotten_from, None
        return forgotten

    def settle(self) -> Iterator[ClosedWindow]:
        """Close all windows up to event time for good: nothing can be added to them any more.

        Windows beyond event time, of times that were never believed, are dropped and count as late.
        """
        self.event_time.settle()
        yield from self.close()
        self.late += self._clients.requests_from(_BEFORE_ALL)
        self._groups.pool.keep_before(_BEFORE_ALL)
        self._clients.pool.keep_before(_BEFORE_ALL)

    def close(self, *, everything: bool = False) -> Iterator[ClosedWindow]:
        """Hand out, oldest first, the windows that the watermark has passed (or all of them, at the end).

        At the end, windows of times that were never believed are dropped; their requests count as late.
        """
        span = self.settings.span
        limit = self.event_time.open_from
        if everything:
            limit = self.event_time.ends_before(self.open_windows)
        group_slots, group_windows = self._groups.pool.closing(limit)
        client_slots, client_windows = self._clients.pool.closing(limit)
        if len(group_slots) == 0:
            return
        closed = []
        for number in distinct_values(group_windows).tolist():
            part = group_slots[slice(*np.searchsorted(group_windows, [number, number + 1]))]
            groups = self._groups.summaries(part)
            part = client_slots[slice(*np.searchsorted(client_windows, [number, number + 1]))]
            clients = self._clients.summaries(part)
            closed.append(ClosedWindow(number, number * span, (number + 1) * span, groups, clients))
        if everything:
            self.late += self._clients.requests_from(limit)
            limit = _PAST_ALL
        self._groups.pool.keep_from(limit)
        self._clients.pool.keep_from(limit)
        yield from closed
        if self.registry.crowded:
            self.registry.keep_only(set(self._groups.everything()[1].key.tolist()))

    def to_state(self) -> bytes:
        """Event time and the open windows, as bytes; without the seed, which is this process's own."""
        group_window, groups = self._groups.everything()
        client_window, clients = self._clients.everything()
        return encode(
            _State(
                self.event_time.to_state(),
                self.settings.lateness,
                self.late,
                self.left_out_routes,
                self.left_out_clients,
                self.registry.to_state(),
                pack(group_window),
                pack(groups.key),
                pack(groups.sums),
                pack(groups.latency),
                pack(groups.distinct),
                pack(client_window),
                PackedClients.of(clients),
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
        sums = widened(unpack(state.sums, np.int64, (k, None), what), int(Group.ABSENT), GROUP_COLUMNS, what)
        latency = unpack(state.latency, np.int32, (k, LATENCY_BINS), what)
        distinct = unpack(state.distinct, np.uint8, (k, DISTINCT_REGISTERS), what)
        rows = state.clients.rows(services)
        of_rows = unpack(state.client_window, np.int64, (len(rows),), what)
        check(len(window) == k <= self._groups.pool.cap and len(rows) <= self._clients.pool.cap, what)
        check(bool((distinct <= 64 - DISTINCT_BITS + 1).all()), what)
        check(len(np.unique(np.stack([window, key]), axis=1).T) == k, what)
        keys = np.stack([of_rows, rows.service, rows.high.view(np.int64), rows.low.view(np.int64)])
        check(len(np.unique(keys, axis=1).T) == len(rows), what)
        check(min(state.lateness, state.late, state.left_out_routes, state.left_out_clients) >= 0, what)
        self.registry.from_state(state.registry, services)
        numbered = {number for number, entry in enumerate(self.registry.entries) if entry is not None}
        check(numbered.issuperset(key.tolist()), what)
        self.event_time.from_state(state.clock, state.lateness, what)
        self.late = state.late
        self._groups.left_out, self._clients.left_out = state.left_out_routes, state.left_out_clients
        self._groups.take(window, Groups(key, sums, latency, distinct))
        self._clients.take(of_rows, rows)

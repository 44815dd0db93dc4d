"""Look through batches: count the trials of requests with nothing new, and keep those in which something may be."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.kept import KeptLine
from vedette.detectors.parameters.profiles import Profiles
from vedette.detectors.parameters.scales import Scales, Weighed, route_slot
from vedette.detectors.parameters.suspects import (
    PER_WINDOW,
    TEXT_BYTES,
    OpenWindow,
    PackedWindow,
    Suspect,
    cut,
    method_codes,
)
from vedette.kernels.requests.parameters import UNJUDGED
from vedette.kernels.text.intern import slots_for
from vedette.kernels.windows.row_groups import group_rows
from vedette.schema.requests import UNNAMED_TAG, Requests
from vedette.schema.state import check, decode, encode
from vedette.windows.judged import Placed
from vedette.windows.registry import OTHER_ROUTE, RouteRegistry

_NUMBERS = 1 << 32
"""Suspects' numbers begin anew before this: they are kept in 32 bits, and 0 is nobody's."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What a `Gatherer` holds, by window."""

    number: int
    left_out: int
    windows: list[tuple[int, PackedWindow]]


class Gatherer:
    """Looks through batches, and holds what was found until its windows close.

    Args:
        profiles: What is known; not changed.

    Attributes:
        left_out: Requests that found no room until their window closed.
    """

    def __init__(self, profiles: Profiles) -> None:
        self.profiles = profiles
        self.left_out = 0
        self._open: dict[int, OpenWindow] = {}
        self._number = 0
        self._text_bytes = 0
        self._scales = Scales(profiles)
        self._service_names: Sequence[str] = ()

    def pop(self, window: int) -> OpenWindow | None:
        """Hand out what was found in a window that has closed; None if nothing was."""
        opened = self._open.pop(window, None)
        if opened is not None:
            self._text_bytes -= sum(len(suspect.target) for suspect in opened.suspects.values())
        return opened

    def drop_from(self, window: int) -> None:
        """Forget windows from this number on, which will not be judged."""
        for number in [number for number in self._open if number >= window]:
            self.pop(number)

    def to_state(self) -> bytes:
        """What is held, as bytes."""
        windows = [(number, PackedWindow.of(opened)) for number, opened in self._open.items()]
        return encode(_State(self._number, self.left_out, windows))

    def from_state(self, content: bytes, services: int) -> None:
        """Take over what `to_state` gave, after the profiles.

        Args:
            content: From `to_state`. services: How many services there are.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        state = decode(content, _State, "suspects")
        check(0 <= state.number < _NUMBERS and state.left_out >= 0, "suspects")
        self._open = {number: packed.window(services, self.profiles.used) for number, packed in state.windows}
        self._number, self.left_out = state.number, state.left_out
        self._text_bytes = sum(len(s.target) for w in self._open.values() for s in w.suspects.values())

    def clear(self) -> None:
        """Forget the windows that are open."""
        self._open.clear()
        self._text_bytes = 0

    def take(
        self,
        requests: Requests,
        service: NDArray[np.int32],
        services: Sequence[str],
        placed: Placed,
        registry: RouteRegistry,
        hostile: NDArray[np.bool_],
    ) -> NDArray[np.uint32]:
        """Take a batch in.

        Args:
            service: int32 (n,), numbers into `services`. hostile: bool (n,), rows that are attacks.

        Returns:
            uint32 (n,): numbers of the suspects that rows belong to, 0 for rows with nothing new.
        """
        self._service_names = services
        n = len(requests)
        served = requests.status < 400
        keep = ((placed.late == 0) & ~hostile & served & (placed.route >= 0)).astype(np.uint8)
        code = method_codes(requests.method)
        group, first, count = np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n, np.int64)
        groups = group_rows(
            keep, placed.window, service, requests.target.ids, code, np.zeros(slots_for(max(n, 1)), np.int32),
            group, first, count,
        )  # fmt: skip
        first, count = first[:groups], count[:groups]
        suspect = np.zeros(groups, dtype=np.uint8)
        self._weigh(requests, service, placed, registry, code, first, count, suspect)
        numbers = np.zeros(groups + 1, dtype=np.uint32)
        if suspect.any():
            self._suspect(requests, service, placed, registry, code, group, suspect, numbers)
        # Group -1, of rows that were not looked at, picks the last element.
        return numbers[group]

    def _weigh(
        self,
        requests: Requests,
        service: NDArray[np.int32],
        placed: Placed,
        registry: RouteRegistry,
        code: NDArray[np.uint8],
        first: NDArray[np.int64],
        count: NDArray[np.int64],
        suspect: NDArray[np.uint8],
    ) -> None:
        """Mark groups in which something may be new, and count the others."""
        profiles = self.profiles
        query = self._scales.queries(requests.target.vocabulary)
        window = placed.window[first]
        of_service = np.array(
            [profiles.service_slot(name.encode("utf-8", "surrogateescape")) for name in self._service_names],
            dtype=np.int32,
        )
        service_slot = of_service[service[first]] if len(first) else np.zeros(0, dtype=np.int32)
        # Route numbers are small: a table tells faster than sorting which of them are here.
        here = np.zeros(len(registry.entries), dtype=bool)
        here[placed.route[first]] = True
        slot_of = np.full(len(here), UNJUDGED, dtype=np.int32)
        for number in np.flatnonzero(here).tolist():
            entry = registry[number]
            slot_of[number] = route_slot(profiles, int(of_service[entry.service]), entry.route)
        weighed = Weighed(
            requests.target.vocabulary,
            requests.target.ids[first],
            slot_of[placed.route[first]],
            service_slot,
            code[first],
            count,
        )
        order = (
            np.arange(len(window)) if (window[1:] >= window[:-1]).all() else np.argsort(window, kind="stable")
        )
        edges = np.flatnonzero(np.diff(window[order], prepend=-1, append=-1))
        for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            groups = order[begin:end]
            slots, counts = self._scales.weigh(groups, weighed, query, suspect)
            if len(slots):
                self._open.setdefault(int(window[groups[0]]), OpenWindow()).count(slots, counts)

    def _suspect(
        self,
        requests: Requests,
        service: NDArray[np.int32],
        placed: Placed,
        registry: RouteRegistry,
        code: NDArray[np.uint8],
        group: NDArray[np.int32],
        suspect: NDArray[np.uint8],
        numbers: NDArray[np.uint32],
    ) -> None:
        """Keep the suspects of a batch, with who sent them; writes their numbers by group."""
        clients = requests.client
        if clients is None:
            raise ValueError("a batch must be enriched before it is looked at")
        rows = np.flatnonzero(np.append(suspect, np.uint8(0))[group])
        pairs = group[rows].astype(np.int64) << 32 | (clients.ids[rows] + 1)
        distinct, place, sent = np.unique(pairs, return_index=True, return_counts=True)
        # The first row of each suspect in order of time, whatever order they were logged in.
        by_time = rows[np.lexsort((requests.line[rows], requests.time[rows], group[rows]))]
        starts = np.flatnonzero(np.diff(group[by_time], prepend=-1))
        earliest = dict(zip(group[by_time][starts].tolist(), by_time[starts].tolist(), strict=True))
        arrival = np.argsort(rows[place], kind="stable")
        pair = distinct[arrival]
        # Client -1, of rows that tell none, picks the last element.
        client = (pair & 0xFFFFFFFF) - 1
        high = np.append(clients.high, np.uint64(UNNAMED_TAG))[client]
        low = np.append(clients.low, np.uint64(0))[client]
        senders = zip(high.tolist(), low.tolist(), strict=True)
        held: dict[int, Suspect | None] = {}
        for number, sender, amount in zip(
            (pair >> 32).tolist(), senders, sent[arrival].tolist(), strict=True
        ):
            if number not in held:
                held[number] = self._keep(requests, service, placed, registry, code, earliest[number])
            kept = held[number]
            if kept is None:
                self.left_out += amount
            else:
                numbers[number] = kept.number
                kept.add(sender, amount)

    def _keep(
        self,
        requests: Requests,
        service: NDArray[np.int32],
        placed: Placed,
        registry: RouteRegistry,
        code: NDArray[np.uint8],
        row: int,
    ) -> Suspect | None:
        """The suspect that a row belongs to; None where there is no room for it."""
        opened = self._open.setdefault(int(placed.window[row]), OpenWindow())
        target = cut(requests.target[row] or b"")
        key = int(service[row]), int(code[row]), target
        order = int(requests.time[row]), int(requests.line[row])
        known = opened.suspects.get(key)
        if known is None:
            if len(opened.suspects) >= PER_WINDOW or self._text_bytes + len(target) > TEXT_BYTES:
                return None
            self._number = self._number % (_NUMBERS - 1) + 1
            self._text_bytes += len(target)
            route = registry[int(placed.route[row])].route or OTHER_ROUTE
            known = opened.suspects[key] = Suspect(
                self._number, key[0], route, target, requests.method[row] or b"", key[1], order,
                KeptLine.of(requests, row),
            )  # fmt: skip
        elif order < known.order:
            known.order, known.line = order, KeptLine.of(requests, row)
        return known

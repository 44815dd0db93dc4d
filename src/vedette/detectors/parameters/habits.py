"""Learns what requests of each route are like, and says which of a closed window are not."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.kept import KeptLine
from vedette.detectors.parameters.doubts import Doubts
from vedette.detectors.parameters.novelty import Kind, Novelty, novelties
from vedette.detectors.parameters.profiles import Profiles
from vedette.detectors.parameters.suspects import (
    PER_WINDOW,
    TEXT_BYTES,
    OpenWindow,
    Parameter,
    ParameterReader,
    Suspect,
    cut,
)
from vedette.detectors.statement import surprise_score
from vedette.kernels.intern import slots_for
from vedette.kernels.parameters import (
    MOST_PARAMETERS,
    SCRATCH,
    UNJUDGED,
    UNKNOWN,
    find_queries,
    group_rows,
    weigh_groups,
)
from vedette.schema.requests import UNNAMED_TAG, Requests
from vedette.windows.registry import OTHER_ROUTE, RouteRegistry
from vedette.windows.windower import Placed

_CODES = {b"POST": 1, b"PUT": 2, b"PATCH": 3, b"DELETE": 4}
_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE"})
"""Methods that ask for nothing to be changed (RFC 9110, 9.2.1): any route may be asked by them."""
_OTHER_CODE = 5
_UNJUDGED_ROUTES = frozenset({OTHER_ROUTE, "(not http)"})
MOST_MARKED = 1_000_000
"""Suspects whose rows are marked, at most: 16 bytes each."""


@dataclass(frozen=True, slots=True)
class OddRequest:
    """A suspect in which something new is too unlikely to be everyday.

    Attributes:
        novelties: The unlikely ones, the least likely first. limit: Surprise from which the first is stated.
    """

    suspect: Suspect
    novelties: tuple[Novelty, ...]
    limit: float

    @property
    def surprise(self) -> float:
        """That of the least likely."""
        return self.novelties[0].surprise


@dataclass(frozen=True, slots=True)
class Limits:
    """From which surprise a novelty is stated (-log10 of its probability).

    Attributes:
        usual: Of methods and parameters. route: Of routes.
        own: Added where the past is only what the log itself has shown, which nobody has called normal.
    """

    usual: float
    route: float
    own: float = 0.0

    def of(self, kind: Kind, *, vouched: bool) -> float:
        """The limit of a kind."""
        return (self.route if kind is Kind.ROUTE else self.usual) + (0.0 if vouched else self.own)


@dataclass(slots=True)
class Marked:
    """Suspects that were odd, for whoever marks their rows later."""

    number: list[int] = field(default_factory=list)
    score: list[float] = field(default_factory=list)


class Habits:
    """Batches in, odd requests of closed windows out.

    No window is judged by profiles that have seen it: windows close in order of time, each is judged first and
    learned then. What signatures call hostile, and what was refused or failed (4xx, 5xx), is neither judged nor
    learned: a site's habits are what it serves.

    Args:
        profiles: What is known. limits: From which surprise something is odd.

    Attributes:
        odd: What was odd in the window closed last. window: Its number.
        unready: Windows of services with something new that too few or too varied requests before could not judge.
        left_out: Requests that found no room until their window closed.
    """

    def __init__(self, profiles: Profiles, limits: Limits) -> None:
        self.profiles = profiles
        self.limits = limits
        self.marked = Marked()
        self.left_out = 0
        self.unmarked = 0
        self.window: int | None = None
        self.unready = 0
        self.odd: list[OddRequest] = []
        self.doubts = Doubts()
        self._reader = ParameterReader(profiles.classes)
        self._open: dict[int, OpenWindow] = {}
        self._number = 0
        self._text_bytes = 0
        self._scratch = np.zeros(SCRATCH, dtype=np.uint8)
        self._passed = np.zeros(MOST_PARAMETERS, dtype=np.int32)
        self._tally = np.zeros(profiles.capacity, dtype=np.int64)
        self._touched = np.zeros(profiles.capacity, dtype=np.int32)
        self._service_names: Sequence[str] = ()

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
        code = _codes(requests)
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

    def close(self, window: int, time: int, *, states: bool) -> None:
        """Judge a window, and learn it.

        Args:
            window: Its number. time: Its start, microseconds.
            states: Whether anything is said about it; otherwise all of it is taken for the site's own.
        """
        opened = self._open.pop(window, None)
        self.window, self.odd = window, []
        if opened is None:
            return
        slots, counts = opened.trials()
        judged = sorted(
            opened.suspects.values(), key=lambda s: (self._service_names[s.service], s.target, s.code)
        )
        self._text_bytes -= sum(len(s.target) for s in judged)
        read = [self._reader.read(s.target) for s in judged]
        unready: set[int] = set()
        for suspect, parameters in zip(judged, read, strict=True) if states else ():
            found = novelties(self.profiles, suspect, self._service(suspect), parameters)
            unlikely = [n for n in found if n.surprise >= self.limit(n)]
            if found and not unlikely:
                unready.add(suspect.service)
            if unlikely:
                unlikely.sort(key=lambda n: (-n.surprise, n.kind, n.feature))
                self.odd.append(OddRequest(suspect, tuple(unlikely), self.limit(unlikely[0])))
        self.unready += len(unready)
        tally = dict(zip(slots.tolist(), counts.tolist(), strict=True))
        for suspect, parameters in zip(judged, read, strict=True):
            for slot in self._slots_of(suspect, parameters):
                tally[slot] = tally.get(slot, 0) + suspect.rows
        doubted = self._doubted(tally, time)
        known = self.profiles.used
        for suspect, parameters in zip(judged, read, strict=True):
            if suspect.number not in doubted:
                self._learn(suspect, parameters)
        # What is new since then has no trials yet but these.
        for suspect, parameters in zip(judged, read, strict=True):
            for slot in self._slots_of(suspect, parameters):
                if slot >= known:
                    tally[slot] = tally.get(slot, 0) + suspect.rows
        tried = sorted(tally)
        self.profiles.advance(
            np.array(tried, dtype=np.int32), np.array([tally[s] for s in tried], dtype=np.int64)
        )
        for odd in self.odd:
            if len(self.marked.number) >= MOST_MARKED:
                self.unmarked += odd.suspect.rows
                continue
            self.marked.number.append(odd.suspect.number)
            self.marked.score.append(surprise_score(odd.surprise, odd.limit))

    def limit(self, novelty: Novelty) -> float:
        """From which surprise a novelty is stated."""
        return self.limits.of(novelty.kind, vouched=bool(self.profiles.vouched[novelty.slot]))

    def vouch(self) -> None:
        """All that was learned until now has been called normal; windows that are still open will not close."""
        self.profiles.vouch()
        self._open.clear()
        self._text_bytes = 0

    def capped(self) -> dict[str, int]:
        """What found no room, by the name of its table."""
        found = {
            "request_profiles": self.profiles.overflowed,
            "odd_requests": self.left_out,
            "doubts": self.doubts.forgotten,
            "marked_requests": self.unmarked,
        }
        return {name: count for name, count in found.items() if count}

    def snapshot(self) -> dict[str, Any]:
        """What is known and doubted; windows that are open are their owner's to close first."""
        return {"profiles": self.profiles.snapshot(), "doubts": self.doubts.snapshot()}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Take over a `snapshot`. Raises what `Profiles.restore` raises."""
        self.profiles.restore(snapshot["profiles"])
        self.doubts.restore(snapshot["doubts"])

    def _service(self, suspect: Suspect) -> int:
        name = self._service_names[suspect.service].encode("utf-8", "surrogateescape")
        return self.profiles.service_slot(name)

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
        profiles, targets = self.profiles, requests.target.vocabulary
        query = np.empty(len(targets), dtype=np.int64)
        find_queries(targets.buffer, targets.start, targets.length, query)
        window, target = placed.window[first], requests.target.ids[first]
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
            slot_of[number] = self._route_slot(registry, number, of_service)
        route = slot_of[placed.route[first]]
        order = (
            np.arange(len(window)) if (window[1:] >= window[:-1]).all() else np.argsort(window, kind="stable")
        )
        edges = np.flatnonzero(np.diff(window[order], prepend=-1, append=-1))
        for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            groups = order[begin:end]
            used = weigh_groups(
                groups, target, route, service_slot, code[first], count, targets.buffer, targets.start,
                targets.length, query, profiles.full, profiles.classes, profiles.bits, profiles.high,
                profiles.shape_count, profiles.shapes, profiles.keys, profiles.slots, *profiles.secret,
                self._scratch, self._passed, suspect, self._tally, self._touched,
            )  # fmt: skip
            if used:
                touched = self._touched[:used].copy()
                number = int(window[groups[0]])
                self._open.setdefault(number, OpenWindow()).count(touched, self._tally[touched])
                self._tally[touched] = 0

    def _route_slot(self, registry: RouteRegistry, number: int, of_service: NDArray[np.int32]) -> int:
        entry = registry[number]
        if entry.route is None or entry.route in _UNJUDGED_ROUTES:
            return UNJUDGED
        service = int(of_service[entry.service])
        found = UNKNOWN if service < 0 else self.profiles.route(service, entry.route)
        return UNJUDGED if found == UNKNOWN and self.profiles.crowded else found

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
        high = np.append(clients.high, np.uint64(UNNAMED_TAG)).tolist()
        low = np.append(clients.low, np.uint64(0)).tolist()
        arrival = np.argsort(rows[place], kind="stable")
        held: dict[int, Suspect | None] = {}
        for pair, amount in zip(distinct[arrival].tolist(), sent[arrival].tolist(), strict=True):
            number, client = pair >> 32, (pair & 0xFFFFFFFF) - 1
            if number not in held:
                held[number] = self._keep(requests, service, placed, registry, code, earliest[number])
            kept = held[number]
            if kept is None:
                self.left_out += amount
            else:
                numbers[number] = kept.number
                kept.add((high[client], low[client]), amount)

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
            self._number += 1
            self._text_bytes += len(target)
            route = registry[int(placed.route[row])].route or OTHER_ROUTE
            known = opened.suspects[key] = Suspect(
                self._number, key[0], route, target, requests.method[row] or b"", key[1], order,
                KeptLine.of(requests, row),
            )  # fmt: skip
        elif order < known.order:
            known.order, known.line = order, KeptLine.of(requests, row)
        return known

    def _doubted(self, trials: dict[int, int], time: int) -> set[int]:
        """Numbers of the odd requests that are not to be learned."""
        groups: dict[tuple[Kind, int, bytes], list[tuple[Novelty, Suspect]]] = {}
        for odd in self.odd:
            for novelty in odd.novelties:
                groups.setdefault((novelty.kind, novelty.slot, novelty.feature), []).append(
                    (novelty, odd.suspect)
                )
        refused: set[int] = set()
        for (_, slot, _), members in sorted(groups.items()):
            senders = {sender for _, suspect in members for sender in suspect.senders}
            rows = sum(suspect.rows for _, suspect in members)
            if not self.doubts.accepts(members[0][0], senders, rows, trials.get(slot, 0), time):
                refused.update(suspect.number for _, suspect in members)
        return refused

    def _slots_of(self, suspect: Suspect, parameters: Iterable[Parameter]) -> Iterator[int]:
        """The slots that a request is a trial of, as far as they exist."""
        service = self._service(suspect)
        route = UNKNOWN if service == UNKNOWN else self.profiles.route(service, suspect.route)
        if service != UNKNOWN:
            yield service
        if route != UNKNOWN:
            yield route
            if suspect.has_query:
                yield route + 1
            for parameter in parameters:
                slot = self.profiles.parameter(route, parameter.name)
                if slot != UNKNOWN:
                    yield slot

    def _learn(self, suspect: Suspect, parameters: Iterable[Parameter]) -> None:
        """Take what is new in a request for the site's own."""
        profiles = self.profiles
        service = profiles.service(self._service_names[suspect.service].encode("utf-8", "surrogateescape"))
        if service == UNKNOWN:
            return
        route = profiles.route(service, suspect.route)
        if route == UNKNOWN:
            route = profiles.add_route(service, suspect.route.encode("utf-8", "surrogateescape"))
            if route == UNKNOWN:
                return
            profiles.learn_member(service)
        if suspect.code:
            profiles.learn_method(route, suspect.code)
        for parameter in parameters:
            slot = profiles.parameter(route, parameter.name)
            if slot == UNKNOWN and not profiles.is_tracking(parameter.name):
                slot = profiles.add_parameter(route, parameter.name)
                if slot != UNKNOWN:
                    profiles.learn_member(route + 1)
            if slot != UNKNOWN:
                profiles.learn_classes(slot, parameter.classes)
                profiles.learn_length(slot, parameter.step)
                profiles.learn_shape(slot, parameter.shape)


def _codes(requests: Requests) -> NDArray[np.uint8]:
    """The kind of each row's method: 0 where it changes nothing, or is not told."""
    codes: Callable[[bytes], int] = lambda m: 0 if m in _SAFE else _CODES.get(m, _OTHER_CODE)  # noqa: E731
    of_method = np.array([codes(m.upper()) for m in requests.method.vocabulary] + [0], dtype=np.uint8)
    return of_method[requests.method.ids]

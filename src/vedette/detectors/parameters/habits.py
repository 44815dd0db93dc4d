"""Learns what requests of each route are like, and says which of a closed window are not."""

import math
from collections.abc import Iterable, Iterator, Sequence
from threading import Lock

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.parameters.doubts import Doubts
from vedette.detectors.parameters.gathering import Gatherer
from vedette.detectors.parameters.novelty import Asked, Kind, Novelty, novelties
from vedette.detectors.parameters.profiles import Profiles
from vedette.detectors.parameters.suspects import (
    Parameter,
    ParameterReader,
    Suspect,
)
from vedette.detectors.statement import surprise_score
from vedette.kernels.requests.parameters import UNKNOWN
from vedette.schema.requests import Requests
from vedette.schema.state import PackedArray, decode, encode, pack, unpack
from vedette.windows.judged import Placed
from vedette.windows.registry import RouteRegistry

MOST_MARKED = 1_000_000
"""Suspects whose rows are marked, at most: 16 bytes each."""


class OddRequest(msgspec.Struct, frozen=True):
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


class Limits(msgspec.Struct, frozen=True):
    """From which surprise a novelty is stated (-log10 of its probability).

    Attributes:
        usual: Of methods and parameters. route: Of routes.
        own: Added where the past is only what the log itself has shown, which nobody has called normal. Of such a past
            a new route says nothing: sites get new pages, and what is asked here for the first time was served.
    """

    usual: float
    route: float
    own: float = 0.0

    def of(self, kind: Kind, *, vouched: bool) -> float:
        """The limit of a kind."""
        if kind is Kind.ROUTE:
            return self.route if vouched else math.inf
        return self.usual + (0.0 if vouched else self.own)


class Marked(msgspec.Struct):
    """Suspects that were odd, for whoever marks their rows later."""

    number: list[int] = msgspec.field(default_factory=list)
    score: list[float] = msgspec.field(default_factory=list)


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What `Habits` hold."""

    profiles: bytes
    doubts: bytes
    gathered: bytes
    marked: PackedArray
    score: PackedArray
    unmarked: int
    unready: int


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
        turn: Held while profiles change: others may hold single lines against them (`Glance`).
    """

    def __init__(self, profiles: Profiles, limits: Limits) -> None:
        self.profiles = profiles
        self.limits = limits
        self.marked = Marked()
        self.unmarked = 0
        self.window: int | None = None
        self.unready = 0
        self.odd: list[OddRequest] = []
        self.doubts = Doubts()
        self._reader = ParameterReader(profiles.classes)
        self._gatherer = Gatherer(profiles)
        self._service_names: Sequence[str] = ()
        self.turn = Lock()

    def take(
        self,
        requests: Requests,
        service: NDArray[np.int32],
        services: Sequence[str],
        placed: Placed,
        registry: RouteRegistry,
        hostile: NDArray[np.bool_],
    ) -> NDArray[np.uint32]:
        """Take a batch in: see `Gatherer.take`."""
        self._service_names = services
        return self._gatherer.take(requests, service, services, placed, registry, hostile)

    def close(self, window: int, time: int, *, states: bool) -> None:
        """Judge a window, and learn it.

        Args:
            window: Its number. time: Its start, microseconds.
            states: Whether anything is said about it; otherwise all of it is taken for the site's own.
        """
        opened = self._gatherer.pop(window)
        self.window, self.odd = window, []
        if opened is None:
            return
        slots, counts = opened.trials()
        if not opened.suspects:
            with self.turn:
                self.profiles.advance(slots, counts)
            return
        judged = sorted(
            opened.suspects.values(), key=lambda s: (self._service_names[s.service], s.target, s.code)
        )
        read = [self._reader.read(s.target) for s in judged]
        known_services = {number: self._service(number) for number in {s.service for s in judged}}
        unready: set[int] = set()
        for suspect, parameters in zip(judged, read, strict=True) if states else ():
            found, unlikely = self.weigh(suspect, known_services[suspect.service], parameters)
            if found and not unlikely:
                unready.add(suspect.service)
            if unlikely:
                self.odd.append(OddRequest(suspect, unlikely, self.limit(unlikely[0])))
        self.unready += len(unready)
        tally = dict(zip(slots.tolist(), counts.tolist(), strict=True))
        for suspect, parameters in zip(judged, read, strict=True):
            for slot in self._slots_of(suspect, known_services[suspect.service], parameters):
                tally[slot] = tally.get(slot, 0) + suspect.rows
        doubted = self._doubted(tally, time)
        with self.turn:
            known = self.profiles.used
            for suspect, parameters in zip(judged, read, strict=True):
                if suspect.number not in doubted:
                    self._learn(suspect, parameters)
            # What is new since then, in few windows anything, has no trials yet but these.
            for suspect, parameters in zip(judged, read, strict=True) if self.profiles.used > known else ():
                for slot in self._slots_of(suspect, self._service(suspect.service), parameters):
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

    def weigh(
        self, asked: Asked, service: int, parameters: list[Parameter]
    ) -> tuple[bool, tuple[Novelty, ...]]:
        """Whether anything is new in a request that may ever be stated, and what of it is unlikely, the least first.

        Args:
            service: Slot of the service, or `UNKNOWN`. parameters: The request's.
        """
        found = [n for n in novelties(self.profiles, asked, service, parameters) if self.limit(n) < math.inf]
        unlikely = [n for n in found if n.surprise >= self.limit(n)]
        unlikely.sort(key=lambda n: (-n.surprise, n.kind, n.feature))
        return bool(found), tuple(unlikely)

    def limit(self, novelty: Novelty) -> float:
        """From which surprise a novelty is stated."""
        return self.limits.of(novelty.kind, vouched=bool(self.profiles.vouched[novelty.slot]))

    def end_of_past(self, *, called_normal: bool) -> None:
        """All that was to teach has been learned, and was called normal or not; windows still open will not close."""
        if called_normal:
            self.profiles.vouch()
        self._gatherer.clear()

    def capped(self) -> dict[str, int]:
        """What found no room, by the name of its table."""
        found = {
            "request_profiles": self.profiles.overflowed,
            "odd_requests": self._gatherer.left_out,
            "doubts": self.doubts.forgotten,
            "marked_requests": self.unmarked,
        }
        return {name: count for name, count in found.items() if count}

    def drop_from(self, window: int) -> None:
        """Forget what was gathered of windows from this number on, which will not be judged."""
        self._gatherer.drop_from(window)

    def take_marked(self) -> Marked:
        """Hand out the suspects that were odd since this was asked last."""
        marked, self.marked = self.marked, Marked()
        return marked

    def to_state(self) -> bytes:
        """What is known, doubted and gathered of open windows, as bytes."""
        return encode(
            _State(
                self.profiles.to_state(),
                self.doubts.to_state(),
                self._gatherer.to_state(),
                pack(np.array(self.marked.number, dtype=np.int64)),
                pack(np.array(self.marked.score, dtype=np.float64)),
                self.unmarked,
                self.unready,
            )
        )

    def from_state(self, content: bytes, services: Sequence[str] | None) -> None:
        """Take over what `to_state` gave.

        Args:
            content: From `to_state`. services: Names of services by number; None if windows or numbers are others
                now: then what was gathered of open windows is left out.

        Raises:
            StateError: Damaged, or larger than the profiles' capacity; see `vedette.schema.state`.
        """
        state = decode(content, _State, "habits")
        self.profiles.from_state(state.profiles)
        self.doubts.from_state(state.doubts, self.profiles.used)
        if services is not None:
            self._gatherer.from_state(state.gathered, len(services))
            self._service_names = services
        number = unpack(state.marked, np.int64, (None,), "habits")
        score = unpack(state.score, np.float64, number.shape, "habits")
        self.marked = Marked(number.tolist(), score.tolist())
        self.unmarked, self.unready = state.unmarked, state.unready

    def _service(self, number: int) -> int:
        """The slot of a service, or `UNKNOWN`."""
        return self.profiles.service_slot(self._service_names[number].encode("utf-8", "surrogateescape"))

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

    def _slots_of(self, suspect: Suspect, service: int, parameters: Iterable[Parameter]) -> Iterator[int]:
        """The slots that a request is a trial of, as far as they exist; `service`: that of its service."""
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

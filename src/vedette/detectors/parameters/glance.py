"""What a site's habits say of requests at once, before their window closes. Nothing is learned from them."""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.parameters.described import told
from vedette.detectors.parameters.habits import Habits
from vedette.detectors.parameters.novelty import Kind
from vedette.detectors.parameters.profiles import LEAP
from vedette.detectors.parameters.scales import route_slot
from vedette.detectors.parameters.suspects import ParameterReader, cut, method_code, method_codes
from vedette.detectors.statement import surprise_score
from vedette.kernels.requests import glances
from vedette.kernels.requests.parameter_text import TARGET_BYTES, find_queries
from vedette.kernels.requests.parameters import SCRATCH, UNJUDGED, UNKNOWN
from vedette.kernels.text.intern import slots_for
from vedette.kernels.windows.row_groups import group_rows
from vedette.schema.judged import Habit
from vedette.schema.requests import Coded, Requests, Vocabulary
from vedette.windows.distinct import distinct_codes

USUAL: Final = Habit("ready", False, 0.0, "")
"""Of a request with nothing new."""
UNSERVED: Final = Habit(
    "abstains", None, None, "a site's habits are what it serves: not what it refused or failed at"
)
HOSTILE: Final = Habit("abstains", None, None, "the signatures call it an attack")
NO_ROUTE: Final = Habit("abstains", None, None, "it has no route, or there is no room to learn it")
NOT_READY: Final = Habit("not_ready", None, None, "nothing is learned of its service yet")
THIN: Final = Habit("not_ready", None, None, "what is new in it had too few trials, or was new too often")
TOO_MANY: Final = Habit("abstains", None, None, "too many requests with something new came in one call")
MOST: Final = 4_096
"""Distinct requests that are looked at one by one in one call, as many as of one window of a scan."""
SHOWN: Final = 5
"""Novelties told of a request."""


class _Asked(NamedTuple):
    """See `novelty.Asked`."""

    route: str
    method: bytes
    code: int


class Looks(NamedTuple):
    """What is said of many requests.

    Attributes:
        habits: The things that are said. which: uint8 or int32 (n,), which of them is said of each request.
    """

    habits: list[Habit]
    which: NDArray[np.integer[Any]]


_SAID: Final = {
    glances.USUAL: USUAL,
    glances.NO_ROUTE: NO_ROUTE,
    glances.NO_SERVICE: NOT_READY,
    glances.THIN: THIN,
}
"""What most requests come to, by what the kernel tells of them."""
_FIRST: Final = np.zeros(1, dtype=np.int32)
"""The only target of a vocabulary."""
_TOO_MANY, _HOSTILE, _UNSERVED, _OWN = range(glances.LOOK, glances.LOOK + 4)
"""Places in `Looks.habits` behind those; from `_OWN` on, what is said of single requests."""


class Glance:
    """Holds requests against habits that another thread teaches. For one thread itself.

    What is said of a request is what a scan says of it whose windows have closed so far; see `Habits`.
    """

    def __init__(self, habits: Habits) -> None:
        self.habits = habits
        self._reader = ParameterReader(habits.profiles.classes)
        self._scratch = np.zeros(SCRATCH, dtype=np.uint8)
        self._slots, self._code = np.zeros(2, dtype=np.int32), np.zeros(1, dtype=np.uint8)
        self._query, self._told = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.uint8)
        limits = habits.limits
        self._bounds = np.array(
            [
                _bound(limits.of(kind, vouched=vouched))
                for kind in (Kind.NAME, Kind.ROUTE)
                for vouched in (False, True)
            ]
        )

    def one(
        self,
        service: str,
        route: bytes | None,
        method: bytes | None,
        targets: Vocabulary,
        target: bytes | None,
    ) -> Habit:
        """What is said of one request that was served, and that no signature calls an attack.

        Args:
            targets: The request's target as the only text, and `target` the same.
        """
        profiles = self.habits.profiles
        name = None if route is None else route.decode("utf-8", "surrogateescape")
        with self.habits.turn:
            of = profiles.service_slot(service.encode("utf-8", "surrogateescape"))
            if of == UNKNOWN:
                return NOT_READY
            slot = route_slot(profiles, of, name)
            if name is None or slot == UNJUDGED:
                return NO_ROUTE
            if target is not None and self._glance_at_one(of, slot, method, targets, target) != glances.LOOK:
                return _SAID[self._told.item(0)]
            return self._habit(_asked(name, method), of, target or b"")

    def _glance_at_one(
        self, service: int, route: int, method: bytes | None, targets: Vocabulary, target: bytes
    ) -> int:
        """What the kernel tells of one request; see `kernels.glances`."""
        self._slots[0], self._slots[1] = route, service
        self._code[0] = 0 if method is None else method_code(method)
        mark = target.find(b"?", 0, TARGET_BYTES) + 1
        begin = targets.start.item(0)
        self._query[0] = begin + mark if 0 < mark < min(len(target), TARGET_BYTES) else -1
        self._glance_at(
            _FIRST, self._slots[:1], self._slots[1:], self._code, targets, self._query, self._told
        )
        return self._told.item(0)

    def look(
        self,
        requests: Requests,
        route: Coded,
        service: NDArray[np.int32],
        services: Sequence[str],
        hostile: NDArray[np.bool_],
    ) -> Looks:
        """What is said of many.

        Args:
            route: Of each of n requests. service: int32 (n,), numbers into `services`.
            hostile: bool (n,), rows that signatures call an attack.
        """
        n = len(requests)
        served = requests.status < 400
        code = method_codes(requests.method)
        group, first, rows = np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n, np.int64)
        groups = group_rows(
            (served & ~hostile).astype(np.uint8), np.zeros(n, np.int64), service, requests.target.ids, code,
            np.zeros(slots_for(max(n, 1)), np.int32), group, first, rows,
        )  # fmt: skip
        habits = [*_SAID.values(), TOO_MANY, HOSTILE, UNSERVED]
        # Group -1, of rows that were not looked at, picks the last element.
        told = np.full(groups + 1, glances.NO_ROUTE, dtype=np.int32)
        if groups:
            told[:groups] = self._weigh(requests, route, service, services, code, first[:groups], habits)
        which = told[group]
        which[hostile] = _HOSTILE
        which[~served] = _UNSERVED
        return Looks(habits, which)

    def _weigh(
        self,
        requests: Requests,
        route: Coded,
        service: NDArray[np.int32],
        services: Sequence[str],
        code: NDArray[np.uint8],
        first: NDArray[np.int64],
        habits: list[Habit],
    ) -> NDArray[np.int32]:
        """What is said of distinct requests, each by its first row, as places in `habits`, which grows."""
        turn = self.habits.turn
        targets, target, code = requests.target.vocabulary, requests.target.ids[first], code[first]
        query = np.empty(len(targets), dtype=np.int64)
        find_queries(targets.buffer, targets.start, targets.length, query)
        names = [text.decode("utf-8", "surrogateescape") for text in route.vocabulary]
        places = len(names) + 1
        pairs, pair = distinct_codes(
            service[first].astype(np.int64) * places + route.ids[first] + 1, len(services) * places
        )
        told = np.empty(len(first), dtype=np.uint8)
        with turn:
            slots = [
                self._slots_of(services[number], names[at - 1] if at else None)
                for number, at in (divmod(each, places) for each in pairs.tolist())
            ]
            service_slots, route_slots = np.array(slots, dtype=np.int32)[pair].T.copy()
            self._glance_at(target, route_slots, service_slots, code, targets, query, told)
        which = told.astype(np.int32)
        new = np.flatnonzero(told == glances.LOOK).tolist()
        for group in new[:MOST]:
            row = int(first[group])
            asked = _asked(names[route.ids[row]], requests.method[row])
            with turn:
                habit = self._habit(asked, int(service_slots[group]), requests.target[row] or b"")
            which[group] = len(habits)
            habits.append(habit)
        which[new[MOST:]] = _TOO_MANY
        return which

    def _glance_at(
        self,
        target: NDArray[np.int32],
        route: NDArray[np.int32],
        service: NDArray[np.int32],
        code: NDArray[np.uint8],
        targets: Vocabulary,
        query: NDArray[np.int64],
        told: NDArray[np.uint8],
    ) -> None:
        """See `kernels.glances.glance_at`; profiles must not change meanwhile."""
        profiles = self.habits.profiles
        glances.glance_at(
            target, route, service, code, targets.buffer, targets.start, targets.length, query, LEAP, profiles.full,
            profiles.classes, profiles.bits, profiles.high, profiles.shape_count, profiles.shapes, profiles.keys,
            profiles.slots, *profiles.secret, profiles.trials, profiles.new, profiles.vouched, self._bounds,
            self._scratch, told,
        )  # fmt: skip

    def _slots_of(self, service: str, route: str | None) -> tuple[int, int]:
        """Slots of a service and of its route."""
        slot = self.habits.profiles.service_slot(service.encode("utf-8", "surrogateescape"))
        return slot, route_slot(self.habits.profiles, slot, route)

    def _habit(self, asked: _Asked, service: int, target: bytes) -> Habit:
        found, unlikely = self.habits.weigh(asked, service, self._reader.read(cut(target)))
        if not unlikely:
            return THIN if found else USUAL
        limit = self.habits.limit(unlikely[0])
        score = surprise_score(unlikely[0].surprise, limit)
        novelties = tuple(told(self.habits.profiles, novelty) for novelty in unlikely[:SHOWN])
        return Habit("ready", True, score, "", novelties)


def _asked(route: str, method: bytes | None) -> _Asked:
    return _Asked(route, method or b"", 0 if method is None else method_code(method))


def _bound(limit: float) -> float:
    """The probability at most which something is looked at that is told of from a surprise on; below 0 for never.

    A little more than what the surprise comes to: a look decides.
    """
    return -1.0 if math.isinf(limit) else 10.0 ** -(limit - 1e-9)

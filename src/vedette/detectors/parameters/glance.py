"""What a site's habits say of requests at once, before their window closes. Nothing is learned from them."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.parameters.described import told
from vedette.detectors.parameters.habits import Habits
from vedette.detectors.parameters.scales import Scales, Weighed, route_slot
from vedette.detectors.parameters.suspects import ParameterReader, cut, method_code, method_codes
from vedette.detectors.statement import surprise_score
from vedette.kernels.intern import slots_for
from vedette.kernels.parameters import UNJUDGED, UNKNOWN, group_rows
from vedette.schema.judged import Habit
from vedette.schema.requests import Coded, Requests

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
"""Distinct requests with something new that are looked at in one call, as many as of one window of a scan."""
SHOWN: Final = 5
"""Novelties told of a request."""


class _Asked(NamedTuple):
    """See `novelty.Asked`."""

    route: str
    method: bytes
    code: int


class Glance:
    """Holds requests against habits that another thread teaches. For one thread itself.

    What is said of a request is what a scan says of it whose windows have closed so far; see `Habits`.
    """

    def __init__(self, habits: Habits) -> None:
        self.habits = habits
        self._reader = ParameterReader(habits.profiles.classes)
        self._scales = Scales(habits.profiles)

    def one(
        self, service: str, route: bytes | None, method: bytes | None, target: bytes, *, served: bool
    ) -> Habit:
        """What is said of one request that no signature calls an attack.

        Args:
            served: Whether its status is below 400.
        """
        if not served:
            return UNSERVED
        profiles = self.habits.profiles
        name = None if route is None else route.decode("utf-8", "surrogateescape")
        with self.habits.turn:
            of = profiles.service_slot(service.encode("utf-8", "surrogateescape"))
            if of == UNKNOWN:
                return NOT_READY
            if name is None or route_slot(profiles, of, name) == UNJUDGED:
                return NO_ROUTE
            return self._habit(_asked(name, method), of, target)

    def look(
        self,
        requests: Requests,
        route: Coded,
        service: NDArray[np.int32],
        services: Sequence[str],
        hostile: NDArray[np.bool_],
    ) -> dict[int, Habit]:
        """What is said of the rows in which something is new, or of which nothing can be said; `USUAL` of the others.

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
        first, rows = first[:groups], rows[:groups]
        # Group -1, of rows that were not looked at, picks the last element.
        of_group: list[Habit | None] = [None] * (groups + 1)
        of_group[groups] = NO_ROUTE
        if groups:
            self._weigh(requests, route, service, services, code, first, rows, of_group)
        told_of = np.array([habit is not None for habit in of_group])
        found: dict[int, Habit] = {}
        for row in np.flatnonzero(told_of[group]).tolist():
            habit = of_group[group[row]]
            if habit is not None:
                found[row] = habit
        found.update(dict.fromkeys(np.flatnonzero(hostile).tolist(), HOSTILE))
        found.update(dict.fromkeys(np.flatnonzero(~served).tolist(), UNSERVED))
        return found

    def _weigh(
        self,
        requests: Requests,
        route: Coded,
        service: NDArray[np.int32],
        services: Sequence[str],
        code: NDArray[np.uint8],
        first: NDArray[np.int64],
        rows: NDArray[np.int64],
        of_group: list[Habit | None],
    ) -> None:
        profiles, turn = self.habits.profiles, self.habits.turn
        query = self._scales.queries(requests.target.vocabulary)
        suspect = np.zeros(len(first), dtype=np.uint8)
        names = [text.decode("utf-8", "surrogateescape") for text in route.vocabulary]
        with turn:
            service_slot = np.array(
                [profiles.service_slot(name.encode("utf-8", "surrogateescape")) for name in services],
                dtype=np.int32,
            )[service[first]]
            pairs = list(zip(service_slot.tolist(), route.ids[first].tolist(), strict=True))
            slot_of = {
                pair: route_slot(profiles, pair[0], names[pair[1]] if pair[1] >= 0 else None)
                for pair in dict.fromkeys(pairs)
            }
            slots = np.array([slot_of[pair] for pair in pairs], dtype=np.int32)
            weighed = Weighed(
                requests.target.vocabulary, requests.target.ids[first], slots, service_slot, code[first], rows
            )
            self._scales.weigh(np.arange(len(first)), weighed, query, suspect)
        for group in np.flatnonzero(slots == UNJUDGED).tolist():
            of_group[group] = NO_ROUTE
        for group in np.flatnonzero(service_slot == UNKNOWN).tolist():
            of_group[group] = NOT_READY
        new = np.flatnonzero((suspect == 1) & (service_slot != UNKNOWN)).tolist()
        for group in new[MOST:]:
            of_group[group] = TOO_MANY
        for group in new[:MOST]:
            row = int(first[group])
            asked = _asked(names[route.ids[row]], requests.method[row])
            with turn:
                habit = self._habit(asked, int(service_slot[group]), requests.target[row] or b"")
            of_group[group] = None if habit is USUAL else habit

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

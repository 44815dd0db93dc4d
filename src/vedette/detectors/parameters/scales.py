"""Hold requests against profiles by kernel: which of them may hold something new."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.parameters.profiles import Profiles
from vedette.kernels.requests.parameter_text import MOST_PARAMETERS, find_queries
from vedette.kernels.requests.parameters import SCRATCH, UNJUDGED, UNKNOWN, weigh_groups
from vedette.schema.requests import Vocabulary
from vedette.windows.registry import OTHER_ROUTE

_UNJUDGED_ROUTES = frozenset({OTHER_ROUTE, "(not http)"})


class Weighed(NamedTuple):
    """Groups of requests that differ in none of these; all (g,) but the targets.

    Attributes:
        targets: Texts. target: int32, number of each group's. route, service: int32, slots of profiles.
        code: uint8, kind of method. rows: int64, requests.
    """

    targets: Vocabulary
    target: NDArray[np.int32]
    route: NDArray[np.int32]
    service: NDArray[np.int32]
    code: NDArray[np.uint8]
    rows: NDArray[np.int64]


class Scales:
    """Weighs groups. For one thread: it has scratch space of its own, and changes nothing of the profiles."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles
        self._scratch = np.zeros(SCRATCH, dtype=np.uint8)
        self._passed = np.zeros(MOST_PARAMETERS, dtype=np.int32)
        self._tally = np.zeros(profiles.capacity, dtype=np.int64)
        self._touched = np.zeros(profiles.capacity, dtype=np.int32)

    def queries(self, targets: Vocabulary) -> NDArray[np.int64]:
        """Where the query of each target begins, int64 (k,); -1 of those without."""
        query = np.empty(len(targets), dtype=np.int64)
        find_queries(targets.buffer, targets.start, targets.length, query)
        return query

    def weigh(
        self,
        groups: NDArray[np.int64],
        weighed: Weighed,
        query: NDArray[np.int64],
        suspect: NDArray[np.uint8],
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Mark groups in which something may be new; returns distinct slots that the others are trials of, and counts.

        Args:
            groups: int64, which groups to look at. query: From `queries`. suspect: uint8 (g,), written.
        """
        profiles, targets = self._profiles, weighed.targets
        used = weigh_groups(
            groups, weighed.target, weighed.route, weighed.service, weighed.code, weighed.rows, targets.buffer,
            targets.start, targets.length, query, profiles.full, profiles.classes, profiles.bits, profiles.high,
            profiles.shape_count, profiles.shapes, profiles.keys, profiles.slots, *profiles.secret, self._scratch,
            self._passed, suspect, self._tally, self._touched,
        )  # fmt: skip
        touched = self._touched[:used].copy()
        counts = self._tally[touched]
        self._tally[touched] = 0
        return touched, counts


def route_slot(profiles: Profiles, service: int, route: str | None) -> int:
    """The slot of a service's route; `UNJUDGED` of what is none, or could not be learned.

    Args:
        service: Slot of the service, or `UNKNOWN`.
    """
    if route is None or route in _UNJUDGED_ROUTES:
        return UNJUDGED
    found = UNKNOWN if service < 0 else profiles.route(service, route)
    return UNJUDGED if found == UNKNOWN and profiles.crowded else found

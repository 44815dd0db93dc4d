"""When and where incidents are put, and in how many copies of the log."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from vedette.inject.menu import MENU, Kind
from vedette.inject.profile import Profile, ServiceProfile
from vedette.schema.errors import VedetteError
from vedette.schema.spans import MINUTE_US, SECOND_US

LEARNING_MINUTES = 45
"""Minutes at the start that are left alone: half again what baselines need before they judge."""
APART = 30 * MINUTE_US
"""Between two incidents of one copy: twice the quarter of an hour after which an incident has ended."""
MOST_COPIES = 60
_TRIES = 60
LEAST_TEMPLATES = 5


class InjectError(VedetteError):
    """A log that no incident can be put into."""


class Planned(msgspec.Struct, frozen=True):
    """One incident to be.

    Attributes:
        kind: What. start, end: When, microseconds since the epoch. service: Where. seed: Of its own chance.
    """

    kind: Kind
    start: int
    end: int
    service: str
    seed: int


class Impossible(msgspec.Struct, frozen=True):
    """An incident that this log cannot have, and why."""

    kind: Kind
    why: str


def possible(profile: ServiceProfile, spots: Iterable[str]) -> tuple[list[Kind], list[Impossible]]:
    """What of the menu fits a service's log.

    Args:
        profile: The service. spots: Fields that can be rewritten; `client` for the one that names the client.
    """
    known = set(spots)
    fit: list[Kind] = []
    unfit: list[Impossible] = []
    for kind in MENU:
        lacking = sorted(kind.needs - known)
        if lacking:
            unfit.append(Impossible(kind, f"the log records no {' or '.join(_WORDS[f] for f in lacking)}"))
        elif profile.rate < kind.rate:
            why = f"{profile.rate:.3g} requests a minute are too few: it needs {kind.rate:g}"
            unfit.append(Impossible(kind, why))
        elif profile.page_routes < kind.pages:
            why = f"too few different pages ({profile.page_routes}): it needs {kind.pages}"
            unfit.append(Impossible(kind, why))
        else:
            fit.append(kind)
    return fit, unfit


_WORDS = {
    "time": "time that can be rewritten",
    "client": "client",
    "target": "request target",
    "method": "method",
    "status": "status",
    "bytes_out": "size of answers",
    "duration": "durations",
}


def plan(
    profile: Profile, service: str, kinds: Sequence[Kind], times: int, random: np.random.Generator
) -> tuple[list[list[Planned]], list[Impossible]]:
    """Incidents of each copy, at random times, apart from each other; and those that there is no place for.

    Args:
        profile: The log. service: Where they go. kinds: What. times: How often each.

    Raises:
        InjectError: The log is too short.
    """
    start, end = profile.start or 0, profile.end or 0
    longest = max(kind.minutes for kind in kinds)
    begin = start + LEARNING_MINUTES * MINUTE_US
    if end - begin < (longest + 5) * MINUTE_US:
        least = LEARNING_MINUTES + longest + 5
        raise InjectError(
            f"{(end - start) / MINUTE_US:.0f} minutes of log are too few: at least {least} are needed, of which the "
            f"first {LEARNING_MINUTES} teach what is normal: give older logs too, such as 'access.log*'"
        )
    busy = profile.services[service].minutes
    starts = {kind: _starts(kind, begin, end, busy) for kind in kinds}
    waiting = [kind for _ in range(times) for kind in kinds if starts[kind]]
    random.shuffle(waiting)
    seed = int(random.integers(1 << 32))
    copies: list[list[Planned]] = []
    while waiting and len(copies) < MOST_COPIES:
        copy: list[Planned] = []
        left: list[Kind] = []
        for kind in waiting:
            found = _room(kind, starts[kind], copy, random)
            if found is None:
                left.append(kind)
                continue
            seed += 1
            copy.append(Planned(kind, found, found + kind.minutes * MINUTE_US, service, seed))
        copies.append(sorted(copy, key=lambda planned: planned.start))
        waiting = left
    unfit = [
        Impossible(kind, f"no {kind.minutes} minutes on end have {kind.rate:g} requests a minute")
        for kind in kinds
        if not starts[kind]
    ]
    unfit += [
        Impossible(kind, f"{number} of {times} found no room in {MOST_COPIES} copies")
        for kind, number in Counter(waiting).items()
    ]
    return copies, unfit


def _starts(kind: Kind, begin: int, end: int, busy: Mapping[int, int]) -> list[int]:
    """Minutes in which an incident can begin: the service has enough requests in it, and until the incident ends."""
    last = end - (kind.minutes + 2) * MINUTE_US
    return [
        minute
        for minute, number in busy.items()
        if begin <= minute * MINUTE_US < last
        and number >= kind.rate
        # It begins within the first minute: of that it may have nothing.
        and sum(busy.get(minute + later, 0) for later in range(1, kind.minutes))
        >= kind.rate * (kind.minutes - 1)
    ]


def _room(
    kind: Kind, starts: Sequence[int], copy: Sequence[Planned], random: np.random.Generator
) -> int | None:
    """A start away from the other incidents; None if none was found."""
    for choice in random.integers(len(starts), size=_TRIES).tolist():
        start: int = starts[choice] * MINUTE_US + int(random.integers(60)) * SECOND_US
        stop = start + kind.minutes * MINUTE_US
        if all(start - other.end >= APART or other.start - stop >= APART for other in copy):
            return start
    return None

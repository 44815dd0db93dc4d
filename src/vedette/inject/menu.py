"""The incidents that are put into a log, each made from the log's own lines and in its own measure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

import msgspec
import numpy as np

from vedette.inject.profile import ServiceProfile
from vedette.inject.rewrite import Template
from vedette.schema.anomaly import AnomalyType
from vedette.schema.spans import MINUTE_US

_MOST_LINES: Final = 60_000
"""Lines added for one incident."""

_FEWEST: Final = 5.0
"""Requests a minute without which a page, or a service, cannot be seen to fail within minutes."""

_T = AnomalyType


class Place(msgspec.Struct, frozen=True):
    """Where an incident goes.

    Attributes:
        start, end: Microseconds since the epoch. service: Its name. profile: What the service is like.
        templates: Lines of the service with their spots. random: Of this incident alone.
        clients: Addresses that the log does not have.
    """

    start: int
    end: int
    service: str
    profile: ServiceProfile
    templates: Sequence[Template]
    random: np.random.Generator
    clients: Sequence[bytes]


class Change(msgspec.Struct, frozen=True):
    """What happens to lines that are there.

    Attributes:
        field: Which field is rewritten; None where lines are left out.
        route: Only lines of this route; None for all of the service.
        share: Of these lines, how many, 0..1.
        value: From the old value to the new.
    """

    field: str | None
    route: str | None
    share: float
    value: Callable[[object], object] = lambda value: value


class Made(msgspec.Struct, frozen=True):
    """An incident made for a place.

    Attributes:
        change: What happens to lines that are there. added: (time, line) of new ones, in order of time.
        clients: Who does it, where somebody does.
    """

    change: Change | None = None
    added: Sequence[tuple[int, bytes]] = ()
    clients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """An incident on the menu.

    Attributes:
        name: As the card prints it. meaning: One line. minutes: How long it goes on.
        types: What an anomaly may call it to count as having found it.
        needs: Fields that the format must let rewrite. make: Makes it.
        clients: Addresses that it needs. rate: Least requests a minute of the service that it makes sense in.
        pages: Least routes of pages that it makes sense in.
    """

    name: str
    meaning: str
    minutes: int
    types: frozenset[AnomalyType]
    needs: frozenset[str]
    make: Callable[[Place], Made] = field(repr=False)
    clients: int = 0
    rate: float = 0.0
    pages: int = 0


def _error_burst(place: Place) -> Made:
    return Made(Change("status", place.profile.busiest_page(_FEWEST), 0.5, lambda _: 503))


def _slow_dependency(place: Place) -> Made:
    route = place.profile.busiest_page(_FEWEST)
    return Made(Change("duration", route, 0.8, lambda old: 8.0 * float(str(old)) + 0.5))


def _drop(_: Place) -> Made:
    return Made(Change(None, None, 0.95))


def _written(
    place: Place, times: Sequence[int], values: Callable[[int, Template], Mapping[str, object]]
) -> Iterator[tuple[int, bytes]]:
    """Lines at times, each from a template; what a template has no spot for stays its own.

    Many clients have as many programs as the templates; one client has one.
    """
    templates = place.templates
    if len(place.clients) == 1:
        templates = [templates[int(place.random.integers(len(templates)))]]
    for number, time in enumerate(times):
        template = templates[number % len(templates)]
        yield time, template.filled({"time": int(time), **values(number, template)})


def _even(place: Place, count: int) -> list[int]:
    """So many times, spread at random over the incident."""
    return sorted(place.random.integers(place.start, place.end, size=min(count, _MOST_LINES)).tolist())


def _by(client: bytes) -> dict[str, object]:
    return {"peer": client, "forwarded": client}


def _flood_by_one(place: Place) -> Made:
    minutes = (place.end - place.start) / MINUTE_US
    times = _even(place, round(minutes * max(20 * place.profile.rate, 2000)))
    target = place.profile.pages[0]
    client = place.clients[0]
    added = _written(place, times, lambda _n, _t: {**_by(client), "target": target})
    return Made(None, tuple(added), (client.decode(),))


def _flood_by_many(place: Place) -> Made:
    minutes = (place.end - place.start) / MINUTE_US
    times = _even(place, round(minutes * max(20 * place.profile.rate, 2000)))
    target = place.profile.pages[0]
    who = place.random.integers(len(place.clients), size=len(times)).tolist()
    added = _written(place, times, lambda n, _t: {**_by(place.clients[who[n]]), "target": target})
    return Made(None, tuple(added))


def _credential_stuffing(place: Place) -> Made:
    logins = place.profile.logins
    login = max(logins, key=lambda path: (logins[path], path)) if logins else b"/login"
    tries = 12 * len(place.clients)
    times = _even(place, tries)
    values = {"method": b"POST", "target": login, "status": 401}
    added = _written(place, times, lambda n, _t: {**_by(place.clients[n % len(place.clients)]), **values})
    return Made(None, tuple(added))


def _scraper(place: Place) -> Made:
    times = _even(place, 120 * ((place.end - place.start) // MINUTE_US))
    targets = place.profile.pages
    client = place.clients[0]
    added = _written(
        place,
        times,
        lambda n, _t: {**_by(client), "target": targets[n % len(targets)], "referer": b"-", "status": 200},
    )
    return Made(None, tuple(added), (client.decode(),))


def _scan(place: Place) -> Made:
    words = ("backup", "old", "test", "dev", "tmp", "private", "config", "db", "panel", "staging")
    ends = (".zip", ".sql", ".tar.gz", ".bak", "/", ".txt", ".php", ".old", ".json", ".xml")
    paths = [f"/{word}{end}".encode() for word in words for end in ends]
    order = place.random.permutation(len(paths)).tolist()
    times = _even(place, len(paths))
    client = place.clients[0]
    added = _written(
        place, times, lambda n, _t: {**_by(client), "target": paths[order[n]], "status": 404, "referer": b"-"}
    )
    return Made(None, tuple(added), (client.decode(),))


def _exfiltration(place: Place) -> Made:
    minutes = (place.end - place.start) / MINUTE_US
    usual = place.profile.bytes_out / max(1, len(place.profile.minutes))
    size = int(max(20 * usual, 200e6) / 10)
    client = place.clients[0]
    times = _even(place, round(10 * minutes))
    added = _written(place, times, lambda _n, _t: {**_by(client), "bytes_out": size})
    return Made(None, tuple(added), (client.decode(),))


_SQL: Final = (
    "1' OR '1'='1",
    "1 UNION SELECT username,password FROM users-- -",
    "1' AND SLEEP(5)-- -",
    "1; DROP TABLE orders--",
    "1' AND (SELECT COUNT(*) FROM information_schema.tables)>5-- -",
    "admin'--",
)


def _sql_injection(place: Place) -> Made:
    times = _even(place, len(_SQL))
    client = place.clients[0]
    path = place.profile.pages[0].partition(b"?")[0]
    added = _written(
        place,
        times,
        lambda n, _t: {**_by(client), "target": path + b"?id=" + quote(_SQL[n], safe="").encode()},
    )
    return Made(None, tuple(added), (client.decode(),))


_WHO: Final = frozenset({"time", "client", "target"})

MENU: Final[tuple[Kind, ...]] = (
    Kind("error_burst", "half of the answers fail with 503, of the busiest page or, where none is busy, of all", 5,
         frozenset({_T.ERROR_SPIKE}), frozenset({"status"}), _error_burst, rate=_FEWEST),
    Kind("slow_dependency", "four of five answers, of the same, take eight times as long and half a second", 10,
         frozenset({_T.LATENCY_SPIKE}), frozenset({"duration"}), _slow_dependency, rate=_FEWEST),
    Kind("drop", "nineteen of twenty requests are missing", 10,
         frozenset({_T.TRAFFIC_DROP}), frozenset(), _drop, rate=10),
    Kind("flood_by_one", "one client asks for one page twenty times as often as all others together", 5,
         frozenset({_T.DDOS_ATTACK, _T.TRAFFIC_SPIKE}), _WHO, _flood_by_one, 1),
    Kind("flood_by_many", "five hundred clients do the same", 5,
         frozenset({_T.DDOS_ATTACK, _T.TRAFFIC_SPIKE}), _WHO, _flood_by_many, 500),
    Kind("credential_stuffing", "forty clients try twelve passwords each", 10,
         frozenset({_T.BRUTE_FORCE}), _WHO | {"method", "status"}, _credential_stuffing, 40),
    Kind("scraper", "one client reads two pages a second, without saying that it is a bot", 20,
         frozenset({_T.BOT_ACTIVITY, _T.TRAFFIC_SPIKE, _T.DDOS_ATTACK}), _WHO | {"status"}, _scraper, 1, pages=10),
    Kind("scan", "one client tries a hundred addresses that do not exist", 5,
         frozenset({_T.SCANNER, _T.SENSITIVE_FILE, _T.WEBSHELL}), _WHO | {"status"}, _scan, 1),
    Kind("exfiltration", "one client takes twenty times what all others do", 5,
         frozenset({_T.DATA_EXFILTRATION}), _WHO | {"bytes_out"}, _exfiltration, 1),
    Kind("sql_injection", "one client tries six injections in a quarter of an hour", 15,
         frozenset({_T.SQL_INJECTION}), _WHO, _sql_injection, 1),
)  # fmt: skip
"""In the order of the card."""

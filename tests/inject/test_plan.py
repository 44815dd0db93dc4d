"""When incidents are put in, and what counts as having found one."""

from itertools import pairwise

import msgspec
import numpy as np
import pytest
from tests.engine.running import found_in

from vedette.enrich.enrich import Enricher
from vedette.inject.card import GRACE, outcome, rows
from vedette.inject.menu import MENU
from vedette.inject.plan import APART, LEARNING_MINUTES, InjectError, Planned, plan, possible
from vedette.inject.profile import Profile, ServiceProfile
from vedette.parsers.registry import by_name
from vedette.schema.anomaly import AnomalyType, Entity, EntityKind
from vedette.schema.chunk import Chunk
from vedette.schema.spans import MINUTE_US

SPOTS = {"time", "client", "target", "method", "status", "bytes_out", "duration"}


def profile(minutes: int, rate: int = 60) -> Profile:
    known = Profile(np.random.default_rng(1))
    known.start, known.end = 0, minutes * MINUTE_US
    known.services["shop"] = ServiceProfile(
        minutes=dict.fromkeys(range(minutes), rate),
        requests=minutes * rate,
        routes={f"/page-{n}": rate for n in range(10)},
    )
    return known


def copies(minutes: int, times: int, seed: int = 1) -> list[list[Planned]]:
    planned, without_room = plan(profile(minutes), "shop", MENU, times, np.random.default_rng(seed))
    assert without_room == []
    return planned


@pytest.mark.parametrize("minutes", [120, 600, 5000])
def test_incidents_lie_apart_after_the_learning_and_before_the_end(minutes: int) -> None:
    planned = copies(minutes, 3)
    for copy in planned:
        for earlier, later in pairwise(copy):
            assert later.start - earlier.end >= APART
        assert copy[0].start >= LEARNING_MINUTES * MINUTE_US
        assert copy[-1].end <= minutes * MINUTE_US
    each = [incident.kind.name for copy in planned for incident in copy]
    assert {name: each.count(name) for name in each} == {kind.name: 3 for kind in MENU}


def test_the_seed_decides_times_and_places() -> None:
    assert copies(600, 2) == copies(600, 2)
    assert copies(600, 2) != copies(600, 2, seed=2)


def test_a_short_log_is_refused() -> None:
    with pytest.raises(InjectError, match=r"50 minutes of log are too few: at least 70 are needed"):
        copies(50, 1)


def test_what_a_log_cannot_have_is_told() -> None:
    service = profile(100, rate=7).services["shop"]
    del service.routes["/page-0"]
    fit, unfit = possible(service, SPOTS - {"duration"})
    assert {each.kind.name: each.why for each in unfit} == {
        "slow_dependency": "the log records no durations",
        "drop": "7 requests a minute are too few: it needs 10",
        "scraper": "too few different pages (9): it needs 10",
    }
    assert len(fit) + len(unfit) == len(MENU)


def test_an_incident_needs_its_rate_until_it_ends() -> None:
    """A log that has one busy minute an hour has none of ten busy minutes."""
    known = profile(600)
    known.services["shop"].minutes = dict.fromkeys(range(0, 600, 60), 60)
    kinds = [kind for kind in MENU if kind.name in ("drop", "scan")]
    planned, without_room = plan(known, "shop", kinds, 3, np.random.default_rng(1))
    assert {each.kind.name for copy in planned for each in copy} == {"scan"}
    assert [(each.kind.name, each.why) for each in without_room] == [
        ("drop", "no 10 minutes on end have 10 requests a minute")
    ]


def test_incidents_without_room_are_counted() -> None:
    """Sixty copies of a log that holds one incident have no room for seventy."""
    kinds = [kind for kind in MENU if kind.name == "scraper"]
    planned, without_room = plan(profile(75), "shop", kinds, 70, np.random.default_rng(1))
    assert [len(copy) for copy in planned] == [1] * 60
    assert [each.why for each in without_room] == ["10 of 70 found no room in 60 copies"]


def _log(agents: list[str], method: str = "GET") -> Profile:
    """Two minutes of requests by each agent in turn, two for a static file for each of a page."""
    lines = [
        f'192.0.2.{n % 20} - - [02/Mar/2026:08:00:{n % 60:02} +0000] "{method} {path} HTTP/1.1" 200 512 "-" '
        f'"{agents[n % len(agents)]}"'.encode()
        for n, path in enumerate(["/style.css", "/news", "/style.css"] * 40)
    ]
    requests = by_name("combined").open("test.log").parse(Chunk.of(b"\n".join(lines) + b"\n")).requests
    known = Profile(np.random.default_rng(1))
    known.add(lines, 1, Enricher().apply(requests))
    return known


BOT, PERSON = "Mozilla/5.0 (compatible; Googlebot/2.1)", "Mozilla/5.0 (X11; Linux x86_64) Firefox/137.0"


def test_lines_are_made_from_those_of_people() -> None:
    (service,) = _log([BOT, PERSON]).services.values()
    assert {PERSON.encode() in line for _, line in service.lines} == {True}
    (service,) = _log([BOT, PERSON], "POST").services.values()
    assert {PERSON.encode() in line for _, line in service.lines} == {True}
    (service,) = _log([BOT]).services.values()
    assert service.lines


def test_a_page_fails_that_is_busy_and_no_static_file() -> None:
    (service,) = _log([PERSON]).services.values()
    assert service.busiest_page(40) == "/news"
    assert service.busiest_page(41) is None


def test_an_anomaly_finds_an_incident_only_of_its_type_service_time_and_client() -> None:
    (found, *_) = [a for a in found_in("intrusion").anomalies if a.type is AnomalyType.SQL_INJECTION]
    kind = next(kind for kind in MENU if kind.name == "sql_injection")
    client = found.entity.value
    planned = Planned(kind, found.start - MINUTE_US, found.end, found.service, 1)

    def finds(anomaly=found, clients=(client,), before=()):
        return outcome(planned, 6, clients, [anomaly], before).first is not None

    assert finds()
    assert outcome(planned, 6, [client], [found], []).delay == (found.end - planned.start) / 1e6
    replace = msgspec.structs.replace
    assert not finds(clients=["198.18.0.1"])
    assert finds(replace(found, entity=Entity(EntityKind.SERVICE, found.service)), clients=["198.18.0.1"])
    assert not finds(before=[found.id])
    assert not finds(replace(found, type=AnomalyType.XSS))
    assert not finds(replace(found, service="another"))
    late = planned.end + GRACE
    assert not finds(replace(found, start=late, end=late + MINUTE_US))
    assert not finds(replace(found, start=planned.start - MINUTE_US, end=planned.start))


def test_the_card_counts_each_kind_and_takes_the_median_of_delays() -> None:
    kind = MENU[0]
    (spike, *_) = [a for a in found_in("error_spike").anomalies if a.type is AnomalyType.ERROR_SPIKE]
    planned = [Planned(kind, spike.end - s * 1_000_000, spike.end, spike.service, s) for s in (30, 60, 300)]
    outcomes = [outcome(each, 5, (), [spike], ()) for each in planned]
    outcomes.append(outcome(planned[0], 5, (), [], ()))
    (row,) = rows(outcomes, {"error_spike": 2, "xss": 9})
    assert (row.injected, row.found, row.delay_s, row.by, row.untouched) == (4, 3, 60.0, ("error_spike",), 2)

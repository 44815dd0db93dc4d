"""What a site is asked every day is no attack, and nothing else is excused by it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.running import LATENESS_US, batches, build, split

from vedette.config import Config
from vedette.detectors.signatures import everyday_account, everyday_days, everyday_learning, everyday_rows
from vedette.detectors.signatures.everyday_rules import is_weighed
from vedette.detectors.signatures.rules import load_rules, rule_sources
from vedette.engine.build import build_engine
from vedette.engine.choosing import enricher
from vedette.engine.snapshot import restore, snapshot
from vedette.schema.anomaly import AnomalyType
from vedette.schema.findings import Findings

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SELECT = "/query?find=select+name,state+from+t_1+where+id%3D{n}"
UNION = "/query?find=select+name,state+from+t_1+where+id%3D1+union+select+password+from+users"
MARKUP = "/page?text=%3Csvg%3E%3Ca%3E{n}"
FIRST = datetime(2026, 3, 2)  # noqa: DTZ001 -- the log says that it is UTC
WINDOWS = {"windows": {"span_s": 900}}
"""What is everyday goes by the day; windows of a quarter of an hour are through sooner."""
Request = tuple[datetime, str, str, int]
"""Time, client, target and status."""


def settings_of(**settings: object) -> Config:
    """A configuration with wide windows."""
    return Config.model_validate({**WINDOWS, **settings}, strict=False)


def requests(
    days: Iterable[int],
    clients: Iterable[int],
    target: str,
    *,
    status: int = 200,
    each: int = 1,
    net: str = "10.1",
) -> Iterator[Request]:
    """Some requests of each client on each day."""
    random = Random(f"{target}{net}")
    for day in days:
        for client in clients:
            for n in range(each):
                at = FIRST + timedelta(days=day, hours=8, seconds=random.randrange(30_000))
                yield at, f"{net}.{client // 250}.{client % 250 + 1}", target.format(n=n), status


def log(*parts: Iterable[Request]) -> list[bytes]:
    """Lines of all of them, in order of time, amid requests of nothing special."""
    everything = sorted(request for part in parts for request in part)
    return [
        f'{client} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET {target} HTTP/1.1" {status} 5 "-" "{AGENT}"\n'.encode()
        for at, client, target, status in everything
    ]


def attacks(
    lines: Sequence[bytes], config: Config | None = None, sizes: Iterable[int] = ()
) -> tuple[list[int], Findings]:
    """Places of the lines that are attacks, and what is found."""
    engine, found, at = build(config or settings_of()), [], 0
    for batch in batches(split(lines, sizes)):
        decisive = engine.process(batch).hits.decisive()
        found += [at + row for row in decisive.nonzero()[0].tolist()]
        at += len(decisive)
    return found, engine.finish()


def days_of(lines: Sequence[bytes], places: Iterable[int], what: bytes = b"GET") -> list[int]:
    """Days of lines, from 0, that hold some text."""
    told = [lines[place] for place in places if what in lines[place]]
    return sorted({int(line.split(b"[", 1)[1][:2]) - FIRST.day for line in told})


def site(days: int) -> Iterator[Request]:
    """What anybody asks of a site."""
    yield from requests(range(days), range(40), "/", each=3)
    yield from requests(range(days), range(40), "/tickets/{n}", each=3)


def test_what_many_clients_ask_on_three_days_is_no_attack_from_the_fifth_on() -> None:
    lines = log(site(7), requests(range(7), range(25), SELECT))
    found, findings = attacks(lines)
    assert days_of(lines, found) == [0, 1, 2, 3]
    assert {row.rule for row in findings.coverage.everyday} == {"sql-select-list", "sql-select-from-where"}
    for row in findings.coverage.everyday:
        assert (row.route, row.since, row.requests, row.days) == ("/query", "2026-03-06", 75, 5)
        assert row.clients >= 25
        assert row.share == 1.0
    late = [a for a in findings.anomalies if a.start >= 1_772_755_200_000_000 and a.detector == "signatures"]
    assert late == []


def test_what_a_few_clients_ask_takes_five_days() -> None:
    lines = log(site(9), requests(range(9), range(6), SELECT))
    assert days_of(lines, attacks(lines)[0]) == [0, 1, 2, 3, 4, 5]


def test_what_less_than_five_clients_ask_stays_an_attack() -> None:
    lines = log(site(12), requests(range(12), range(4), SELECT, each=20))
    assert days_of(lines, attacks(lines)[0]) == list(range(12))


def test_what_is_no_longer_asked_is_an_attack_again() -> None:
    lines = log(
        site(26), requests(range(5), range(25), SELECT), requests([8, 21], range(3), SELECT, net="10.7")
    )
    assert days_of(lines, attacks(lines)[0]) == [0, 1, 2, 3, 21]


def test_it_can_be_switched_off() -> None:
    lines = log(site(7), requests(range(7), range(25), SELECT))
    config = settings_of(detectors={"signatures": {"everyday": False}})
    found, findings = attacks(lines, config)
    assert days_of(lines, found) == list(range(7))
    assert findings.coverage.everyday == []


def test_a_surer_rule_makes_the_same_request_an_attack() -> None:
    lines = log(site(9), requests(range(9), range(25), SELECT), requests([7], range(2), UNION, net="10.9"))
    found, _ = attacks(lines)
    assert days_of(lines, found, b"union") == [7]
    assert days_of(lines, found, b"id%3D0") == [0, 1, 2, 3]


def test_what_is_everyday_on_one_route_is_an_attack_on_another() -> None:
    lines = log(site(9), requests(range(9), range(25), SELECT), requests([7], range(2), f"/other{SELECT}"))
    assert days_of(lines, attacks(lines)[0], b"/other") == [7]


def test_other_rules_on_the_route_are_not_excused() -> None:
    other = MARKUP.replace("/page", "/query")
    lines = log(site(9), requests(range(9), range(25), SELECT), requests([7], range(2), other))
    assert days_of(lines, attacks(lines)[0], b"text=") == [7]


@pytest.mark.parametrize(
    "target",
    [
        "/query?q=%24%7Bjndi:ldap://x/a%7D",
        "/shell.php?cmd=cat+/etc/passwd",
        "/go?x=;cat+/etc/hosts",
        "/.git/config",
        UNION,
    ],
)
def test_what_is_surely_an_attack_is_never_everyday(target: str) -> None:
    lines = log(site(9), requests(range(9), range(40), target))
    assert days_of(lines, attacks(lines)[0], target.encode()[:9]) == list(range(9))


def test_the_like_of_web_shells_and_foreign_files_is_never_weighed() -> None:
    never = {
        AnomalyType.WEBSHELL,
        AnomalyType.LOG4SHELL,
        AnomalyType.SCANNER,
        AnomalyType.SENSITIVE_FILE,
        AnomalyType.XXE,
    }
    weighed = [rule for rule in load_rules(rule_sources()) if is_weighed(rule)]
    assert weighed
    assert not {rule.type for rule in weighed} & never
    assert max(rule.confidence for rule in weighed) < 0.9


def test_a_wave_of_attacks_on_what_is_not_there_is_told_to_its_end() -> None:
    lines = log(site(9), requests(range(9), range(500), "/missing" + SELECT, status=404))
    assert days_of(lines, attacks(lines)[0]) == list(range(9))


def test_a_wave_of_attacks_on_a_popular_page_is_told_to_its_end() -> None:
    lines = log(
        requests(range(6), range(200), "/?page={n}", each=25),
        requests(range(6), range(200), "/" + SELECT[len("/query") :], net="10.8"),
    )
    assert days_of(lines, attacks(lines)[0], b"find=") == list(range(6))


def test_a_wave_of_attacks_on_two_days_teaches_nothing() -> None:
    lines = log(site(8), requests([0, 1], range(500), SELECT), requests([4, 5], range(500), SELECT))
    assert days_of(lines, attacks(lines)[0]) == [0, 1, 4, 5]


def test_clients_that_attack_in_surer_ways_teach_nothing() -> None:
    lines = log(
        site(9),
        requests(range(9), range(40), SELECT, net="10.8"),
        requests(range(9), range(40), UNION, net="10.8"),
    )
    assert days_of(lines, attacks(lines)[0], b"id%3D0") == list(range(9))


def test_what_is_asked_today_does_not_change_what_is_told_today() -> None:
    quiet = log(site(5), requests(range(3), range(25), SELECT), requests([3], range(2), SELECT))
    loud = log(site(5), requests(range(3), range(25), SELECT), requests([3], range(400), SELECT))
    assert days_of(quiet, attacks(quiet)[0]) == days_of(loud, attacks(loud)[0]) == [0, 1, 2, 3]


def test_requests_of_nobody_teach_nothing() -> None:
    lines = [
        line.replace(line.split(b" ")[0], b"-", 1) for line in log(requests(range(9), range(40), SELECT))
    ]
    assert days_of(lines, attacks(lines)[0]) == list(range(9))


@cache
def long_log() -> tuple[bytes, ...]:
    """Two weeks in which two things become everyday, with a gap, a rogue clock and attacks amid them."""
    lines = log(
        site(6),
        requests([*range(6), *range(8, 14)], range(24), SELECT),
        requests([*range(6), *range(8, 14)], range(7), MARKUP, each=2),
        requests([4, 9, 13], range(30), UNION, net="10.9"),
        requests(range(3), range(30), "/missing" + SELECT, status=404, net="10.9"),
    )
    rogue = lines[40].replace(b"/2026:", b"/2031:")
    stale = lines[10]
    return (*lines[:300], rogue, *lines[300:900], stale, *lines[900:])


@cache
def whole() -> tuple[list[int], Findings]:
    return attacks(long_log())


def test_the_long_log_has_all_of_it() -> None:
    found, findings = whole()
    assert {row.route for row in findings.coverage.everyday} == {"/query", "/page"}
    assert findings.coverage.late
    assert len(found) > 200


@settings(max_examples=5, deadline=None)
@given(st.lists(st.one_of(st.integers(1, 60), st.integers(100, 900)), min_size=1, max_size=40))
def test_any_split_into_batches_gives_the_same(sizes: list[int]) -> None:
    found, findings = attacks(long_log(), sizes=sizes)
    assert found == whole()[0]
    assert findings.coverage == whole()[1].coverage
    assert findings.anomalies == whole()[1].anomalies


@settings(max_examples=2, deadline=None)
@given(st.lists(st.one_of(st.integers(1, 60), st.integers(100, 900)), min_size=1, max_size=40))
def test_full_tables_are_filled_alike_in_any_batches(sizes: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in (everyday_account, everyday_days, everyday_learning):
            patch.setattr(module, "MOST_KEYS", 3)
        patch.setattr(everyday_days, "MOST_ROUTES", 3)
        expected = attacks(long_log())
        found, findings = attacks(long_log(), sizes=sizes)
        assert expected[1].coverage.capped["everyday"]
        assert (found, findings.coverage) == (expected[0], expected[1].coverage)


@settings(max_examples=3, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=4))
def test_restarts_anywhere_change_nothing(sizes: list[int]) -> None:
    config = settings_of()
    names, engine = enricher(config), build(config)
    found, at = [], 0
    for batch in batches(split(long_log(), [*sizes, len(long_log())])):
        decisive = engine.process(batch).hits.decisive()
        found += [at + row for row in decisive.nonzero()[0].tolist()]
        at += len(decisive)
        names.namer.assign(batch.requests)
        kept = snapshot(engine, names)
        names, engine = enricher(config), build(config)
        assert restore(engine, names, kept).anew == []
        assert snapshot(engine, names) == kept
    assert found == whole()[0]
    assert engine.finish().coverage.everyday == whole()[1].coverage.everyday


def test_older_logs_teach_what_is_everyday() -> None:
    lines = log(site(8), requests(range(8), range(25), SELECT))
    cut = next(place for place, line in enumerate(lines) if b"[08/Mar" in line)
    engine = build_engine(settings_of(), lateness_us=LATENESS_US)
    old, new = batches([b"".join(lines[:cut]), b"".join(lines[cut:])])
    with engine.learning():
        engine.process(old)
    assert not engine.process(new).hits.decisive().any()
    told = engine.finish().coverage.everyday
    assert {row.requests for row in told} == {50}
    assert {row.since for row in told} == {"2026-03-08"}


def test_only_what_is_weighed_of_days_that_are_over_is_kept() -> None:
    engine = build(settings_of())
    for batch in batches([b"".join(long_log())]):
        engine.process(batch)
    state = engine.everyday.to_state() if engine.everyday is not None else b""
    assert len(state) < 150_000


def test_many_services_and_routes_are_counted_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = log(site(7), requests(range(7), range(25), SELECT))
    found, findings = attacks(lines)
    monkeypatch.setattr(everyday_rows, "_MOST_COUNTED", 0)
    again, findings_again = attacks(lines)
    assert (again, findings_again.coverage.everyday) == (found, findings.coverage.everyday)

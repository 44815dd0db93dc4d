"""Ordinary traffic: repeatable, of the rate and rhythm asked for, made of what real traffic is made of."""

import os
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from tests.simulate.reference import Request, read

from vedette.simulate import Simulation


def _log(**arguments: object) -> bytes:
    return b"".join(Simulation(**arguments).chunks())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def hour() -> list[Request]:
    return read("nginx-json", _log(minutes=60, rate=10, format="nginx-json", seed=3))


def test_the_same_arguments_give_the_same_bytes_and_another_seed_gives_others() -> None:
    arguments = {
        "minutes": 10,
        "rate": 10,
        "inject": "sqli@+2m+2m,ddos@+5m+1m",
        "attack_share": 0.1,
        "malformed_share": 0.05,
    }
    first = _log(seed=4, **arguments)
    assert _log(seed=4, **arguments) == first
    assert _log(seed=5, **arguments) != first


def test_the_hash_seed_of_the_process_changes_nothing() -> None:
    code = (
        "import hashlib; from vedette.simulate import Simulation\n"
        "incidents = 'scanner@+1m+1m,credential_stuffing@+2m+1m'\n"
        "s = Simulation(minutes=5, rate=10, inject=incidents, attack_share=0.05)\n"
        "print(hashlib.sha256(b''.join(s.chunks())).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for seed in ("0", "12345")
    }
    assert len(digests) == 1


def test_incidents_leave_the_rest_of_the_traffic_as_it_was() -> None:
    calm = set(_log(minutes=20, rate=5).splitlines())
    simulation = Simulation(minutes=20, rate=5, inject="brute_force@+5m+5m")
    lines = b"".join(simulation.chunks()).splitlines()
    for first, last in reversed(simulation.labels.incidents[0].lines):
        del lines[first - 1 : last]
    assert set(lines) == calm


@pytest.mark.parametrize(("minutes", "rate"), [(60, 20.0), (600, 1.0), (1, 400.0)])
def test_the_mean_rate_is_the_one_asked_for(minutes: int, rate: float) -> None:
    # Probes come on top: two monitors, three requests a minute.
    expected = minutes * 60 * rate + minutes * 3
    assert _log(minutes=minutes, rate=rate).count(b"\n") == pytest.approx(expected, rel=0.08)


def test_nights_are_quiet_and_evenings_are_busy() -> None:
    log = read(
        "nginx-json",
        _log(minutes=24 * 60, rate=1.5, format="nginx-json", start=datetime(2026, 3, 3, tzinfo=UTC)),
    )
    by_hour = Counter(r.time.hour for r in log if r.target != "/healthz")
    assert by_hour[20] > 3 * by_hour[3]
    assert by_hour[12] > 2 * by_hour[3]
    assert min(by_hour.values()) > 0


def test_counts_are_over_dispersed() -> None:
    # Sessions and a wandering rate: a window's variance is well above its mean.
    log = read(
        "nginx-json",
        _log(minutes=120, rate=10, format="nginx-json", start=datetime(2026, 3, 3, 10, tzinfo=UTC)),
    )
    counts = Counter(int(r.time.timestamp()) // 10 for r in log)
    values = [counts[k] for k in range(min(counts), max(counts))]
    mean = sum(values) / len(values)
    assert sum((v - mean) ** 2 for v in values) / len(values) > 1.5 * mean


def test_the_log_lies_within_its_span(hour: list[Request]) -> None:
    begin = datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert all(begin <= r.time < begin + timedelta(hours=1) for r in hour)


def test_it_does_not_start_or_end_with_a_ramp(hour: list[Request]) -> None:
    by_minute = Counter(int(r.time.timestamp()) // 60 for r in hour)
    minutes = [by_minute[k] for k in sorted(by_minute)]
    middle = sum(minutes[10:50]) / 40
    assert sum(minutes[:5]) / 5 == pytest.approx(middle, rel=0.3)
    assert sum(minutes[-5:]) / 5 == pytest.approx(middle, rel=0.3)


def test_few_clients_ask_often_and_many_ask_once_in_a_while(hour: list[Request]) -> None:
    counts = sorted(Counter(r.client for r in hour).values(), reverse=True)
    assert len(counts) > 1500
    assert sum(counts[: len(counts) // 10]) > 0.25 * len(hour)
    assert counts[0] < 0.05 * len(hour)


def test_some_clients_come_over_ipv6(hour: list[Request]) -> None:
    assert 0.05 < sum(":" in (r.client or "") for r in hour) / len(hour) < 0.3


def test_statuses_are_mixed_as_on_a_healthy_site(hour: list[Request]) -> None:
    share = {status: n / len(hour) for status, n in Counter(r.status for r in hour).items()}
    assert share[200] > 0.85
    assert 0.01 < share[304] < 0.12
    assert 0.003 < share[404] < 0.04
    assert sum(s for status, s in share.items() if status >= 500) < 0.01
    assert {301, 302, 401, 204} <= share.keys()


def test_pages_are_referred_to_by_pages_that_the_client_has_seen(hour: list[Request]) -> None:
    seen: set[tuple[str | None, str]] = set()
    within, known = 0, 0
    for r in sorted(hour, key=lambda r: r.time.timestamp() - (r.seconds or 0)):
        if (r.referer or "").startswith("https://shop.example") and "/static" not in r.target:
            within += 1
            known += (r.client, (r.referer or "").removeprefix("https://shop.example")) in seen
        seen.add((r.client, r.target))
    assert within > 1000
    # Those who were under way when the log begins have seen pages that it does not show.
    assert known / within > 0.9


def test_probes_come_every_minute(hour: list[Request]) -> None:
    probes = [r for r in hour if r.target == "/healthz"]
    assert len(probes) == 180
    assert {r.method for r in probes} == {"GET", "HEAD"}
    assert all(r.status == 200 for r in probes)


def test_crawlers_declare_themselves_and_fetch_no_assets(hour: list[Request]) -> None:
    crawled = [r for r in hour if re.search(r"Googlebot|bingbot|AhrefsBot", r.agent or "")]
    assert 0.02 < len(crawled) / len(hour) < 0.08
    assert not any(r.target.startswith(("/static", "/images")) for r in crawled)


def test_searches_hold_apostrophes_and_words_of_sql_that_are_harmless(hour: list[Request]) -> None:
    searches = " ".join(r.target for r in hour if "q=" in r.target)
    assert "%27" in searches
    assert re.search(r"q=(union|select|drop|order|update|insert|table)\+", searches)


def test_the_same_file_has_the_same_size_for_everyone(hour: list[Request]) -> None:
    sizes: dict[str, set[int | None]] = {}
    for r in hour:
        if r.target.startswith("/static/") and r.status == 200:
            sizes.setdefault(r.target, set()).add(r.size)
    assert len(sizes) > 5
    assert all(len(s) == 1 for s in sizes.values())


def test_there_are_as_many_clients_as_asked_for() -> None:
    log = read("common", _log(minutes=20, rate=10, format="common", clients=6000))
    assert 0.85 * 6000 < len({r.client for r in log}) < 1.05 * 6000


def test_every_line_can_have_a_user_agent_of_its_own() -> None:
    log = read("combined", _log(minutes=5, rate=10, distinct_user_agents=True))
    assert len({r.agent for r in log}) == len(log)


def test_a_split_site_has_as_many_services_as_asked_for() -> None:
    for services in (1, 3, 6, 8, 14):
        log = read("nginx-json", _log(minutes=20, rate=20, format="nginx-json", services=services))
        assert len({r.service for r in log}) == services


def test_a_share_of_the_lines_can_be_spoilt() -> None:
    lines = _log(minutes=30, rate=10, malformed_share=0.1).split(b"\n")[:-1]
    well_formed = re.compile(
        rb'\S+ - - \[\d\d/Mar/2026[^]]*\] "[A-Z]+ \S+ HTTP/[^"]*" \d{3} (\d+|-) "[^"]*" "[^"]*"'
    )
    assert 0.05 < sum(not well_formed.fullmatch(line) for line in lines) / len(lines) < 0.12
    whole = _log(minutes=30, rate=10).count(b"\n")
    assert len(lines) == whole

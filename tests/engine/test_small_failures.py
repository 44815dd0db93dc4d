"""Failures that no minute shows by itself, and an outage before them that must not hide them."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

import pytest

from tests.engine.running import run
from vedette.schema.anomaly import AnomalyType
from vedette.schema.findings import Findings

START = datetime(2026, 3, 2, tzinfo=UTC)
Status = Callable[[int, str, Random], int]


def log(hours: int, status: Status) -> Iterator[bytes]:
    """A shop at a request a second or so, of which a sixtieth are orders."""
    draw, text = Random(5), []
    for second in range(3600 * hours):
        minute = second // 60
        path = "/order" if draw.random() < 1 / 60 else draw.choice(("/", "/item", "/cart", "/help"))
        if draw.random() < 0.7:
            moment = (START + timedelta(seconds=second)).strftime("%d/%b/%Y:%H:%M:%S +0000")
            host = f"198.51.100.{draw.randrange(1, 250)}"
            text.append(
                f'{host} - - [{moment}] "GET {path} HTTP/1.1" {status(minute, path, draw)} 1000 "-" "Mozilla/5.0"\n'
            )
    yield "".join(text).encode()


def usual(minute: int, path: str, draw: Random) -> int:
    return 500 if draw.random() < 0.001 else 200


def broken_orders(minute: int, path: str, draw: Random) -> int:
    return 500 if path == "/order" and 720 <= minute < 765 else usual(minute, path, draw)


def after_an_outage(minute: int, path: str, draw: Random) -> int:
    down = 300 <= minute < 390 and draw.random() < 0.4
    return 502 if down else broken_orders(minute, path, draw)


def a_few(minute: int, path: str, draw: Random) -> int:
    failing = 720 <= minute < 750 and path == "/item" and draw.random() < 0.2
    return 500 if failing else usual(minute, path, draw)


def a_restart(minute: int, path: str, draw: Random) -> int:
    return 503 if minute == 720 and draw.random() < 0.4 else usual(minute, path, draw)


@cache
def found(status: Status) -> Findings:
    return run(log(14, status), "combined")


def spikes(status: Status) -> list[tuple[str | None, int, int]]:
    """Route, and first and last minute, of each error spike."""
    begin = int(START.timestamp() * 1e6)
    return [
        (a.route, (a.start - begin) // 60_000_000, (a.end - begin) // 60_000_000)
        for a in found(status).anomalies
        if a.type is AnomalyType.ERROR_SPIKE
    ]


@pytest.mark.parametrize("status", [broken_orders, after_an_outage])
def test_a_form_that_few_people_use_is_told_when_it_fails(status: Status) -> None:
    orders = [span for span in spikes(status) if span[0] == "/order" and span[1] >= 600]
    assert orders
    # From the first order that failed; not when the last good one came.
    assert all(start >= 720 and end <= 790 for _, start, end in orders)
    assert min(end for _, _, end in orders) <= 740


def test_shares_are_of_the_window_that_is_shown() -> None:
    """What failed before it is among what is judged, and not among what is told of who and where."""
    (whole, *_) = [
        a
        for a in found(a_few).anomalies
        if a.type is AnomalyType.ERROR_SPIKE and a.route is None and a.details["windows"] > 1
    ]
    shares = {c.value: c.share for c in whole.contributions if c.dimension == "route"}
    # Now and then something else fails, too.
    assert shares["/item"] > 0.6
    assert f"Of those in the last window, {round(100 * shares['/item'])} % on /item" in whole.description


@pytest.mark.parametrize("status", [a_few, broken_orders])
def test_nobody_is_named_for_one_failed_request(status: Status) -> None:
    failed = Counter(
        (line.split(b"[", 1)[1][:17], line.split(b" ", 1)[0])
        for line in b"".join(log(14, status)).splitlines()
        if b'" 500 ' in line
    )
    for spike in found(status).anomalies:
        if spike.type is AnomalyType.ERROR_SPIKE:
            last = datetime.fromtimestamp(spike.end / 1e6 - 60, UTC).strftime("%d/%b/%Y:%H:%M").encode()
            for each in spike.contributions:
                assert each.dimension != "client" or failed[last, each.value.encode()] >= 2


def test_a_few_failures_a_minute_are_told_as_long_as_they_go_on() -> None:
    told = [end for _, start, end in spikes(a_few) if start >= 719]
    assert min(told) <= 730
    assert max(told) >= 740


@pytest.mark.parametrize("status", [usual, a_restart])
def test_chance_and_a_restart_are_left_alone(status: Status) -> None:
    assert spikes(status) == []


def test_a_drop_names_what_nobody_asks_for_any_more_and_not_what_is_left() -> None:
    lines = b"".join(log(6, usual)).splitlines(keepends=True)
    since = START + timedelta(hours=5)
    hours = {(since + timedelta(minutes=n)).strftime("%d/%b/%Y:%H:%M").encode() for n in range(60)}
    left = [line for line in lines if line.split(b"[", 1)[1][:17] not in hours or b" /help " in line]
    drops = [
        a for a in run(iter([b"".join(left)]), "combined").anomalies if a.type is AnomalyType.TRAFFIC_DROP
    ]
    assert drops
    for drop in drops:
        shares = {c.value: c.share for c in drop.contributions}
        # By chance a little less is asked for of what is left, too.
        assert shares.pop("/help", 0.0) < 0.2
        assert set(shares) == {"/", "/item", "/cart"}
        assert min(shares.values()) > 0.2

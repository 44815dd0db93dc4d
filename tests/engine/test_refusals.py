"""A route that begins to refuse its visitors is told; what single clients ask for in vain is not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

import pytest

from tests.engine.running import run
from vedette.schema.anomaly import Anomaly

START = datetime(2026, 3, 2, tzinfo=UTC)
BROKEN = range(200, 215)
"""Minutes."""


def visits(what: str) -> Iterator[bytes]:
    """Four hours of people who load a page, its script and one more page, and of whoever else comes."""
    draw, rows = Random(7), []

    def row(second: float, host: str, target: str, status: int) -> None:
        moment = (START + timedelta(seconds=second)).strftime("%d/%b/%Y:%H:%M:%S +0000")
        rows.append(
            (int(second), f'{host} - - [{moment}] "GET {target} HTTP/1.1" {status} 900 "-" "Mozilla/5.0"\n')
        )

    for visitor in range(1800):
        second = visitor * 8 + draw.random() * 6
        broken = second // 60 in BROKEN
        host = f"198.51.{visitor % 250}.{draw.randrange(1, 250)}"
        row(second, host, "/", 200)
        row(second + 0.2, host, "/static/app.js", 404 if broken and what == "script" else 200)
        refused = broken and what == "limiter" and draw.random() < 0.4
        row(second + 1, host, "/item", 429 if refused else 200)
        if draw.random() < 0.02:
            row(second + 1.5, host, "/item", 404)
    for minute in BROKEN:
        for number in range(12):
            second = minute * 60 + number * 4.0
            if what == "one client":
                row(second, "203.0.113.9", "/item", 404)
            if what == "many scanners":
                row(second, f"203.0.{minute}.{number}", "/item", 404)
                row(second, f"203.0.{minute}.{number}", f"/old/{number}.php", 404)
    yield "".join(text for _, text in sorted(rows)).encode()


@cache
def told(what: str) -> list[Anomaly]:
    return [a for a in run(visits(what), "combined").anomalies if a.detector == "errors.refused"]


@pytest.mark.parametrize(
    ("what", "route", "status", "within"),
    [("script", "/static/app.js", "404", 4), ("limiter", "/item", "429", 8)],
)
def test_a_route_that_refuses_its_visitors_is_told_in_time(
    what: str, route: str, status: str, within: int
) -> None:
    begin = int(START.timestamp() * 1e6) + BROKEN.start * 60_000_000
    assert {a.route for a in told(what)} == {route}
    first = min(told(what), key=lambda a: a.end)
    assert first.start >= begin - 60_000_000
    assert first.end <= begin + within * 60_000_000
    assert max(first.details["statuses"], key=first.details["statuses"].get) == status
    assert f"mostly {status}" in first.description
    assert max(a.end for a in told(what)) <= begin + 18 * 60_000_000


@pytest.mark.parametrize("what", ["nothing", "one client", "many scanners"])
def test_what_single_clients_and_scanners_are_refused_is_not(what: str) -> None:
    assert told(what) == []

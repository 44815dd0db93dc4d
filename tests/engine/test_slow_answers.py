"""Answers that get slower bit by bit, and those of a route that is hardly asked, are told; chance is not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from math import exp
from random import Random

import pytest

from tests.engine.running import run
from vedette.schema.anomaly import Anomaly, AnomalyType

START = datetime(2026, 3, 2, tzinfo=UTC)
SLOW = range(360, 400)
"""Minutes."""


def answers(what: str) -> Iterator[bytes]:
    """Seven hours of four pages, a report twice a minute, and a health check beside it."""
    draw, rows = Random(11), []
    for second in range(7 * 3600):
        over = (second / 60 - SLOW.start) / len(SLOW)
        slow = 0.0 <= over < 1.0
        for target, rate, usual in (("/item", 0.3, 0.1), ("/help", 0.1, 0.05), ("/report", 1 / 30, 0.4)):
            if draw.random() >= rate:
                continue
            seconds = usual * exp(draw.gauss(0, 0.5))
            if what == "creeping" and slow and target == "/item":
                seconds *= 1 + 7 * over
            if what == "report" and slow and target == "/report":
                seconds *= 6
            rows.append((second, target, seconds))
        if second % 30 == 0:
            rows.append((second, "/healthz", 0.001))
    text = []
    for second, target, seconds in rows:
        moment = (START + timedelta(seconds=second)).strftime("%d/%b/%Y:%H:%M:%S +0000")
        host = f"198.51.100.{draw.randrange(1, 250)}"
        text.append(
            f'{host} - - [{moment}] "GET {target} HTTP/1.1" 200 900 "-" "Mozilla/5.0" {seconds:.3f}\n'
        )
    yield "".join(text).encode()


@cache
def told(what: str) -> list[Anomaly]:
    found = run(answers(what), "nginx-timed").anomalies
    return [a for a in found if a.type is AnomalyType.LATENCY_SPIKE]


@pytest.mark.parametrize(("what", "route", "within"), [("creeping", "/item", 20), ("report", "/report", 25)])
def test_what_one_window_does_not_show_several_do(what: str, route: str, within: int) -> None:
    begin = int(START.timestamp() * 1e6) + SLOW.start * 60_000_000
    assert route in {a.route for a in told(what)}
    assert min(a.start for a in told(what)) >= begin - 60_000_000
    assert min(a.end for a in told(what)) <= begin + within * 60_000_000
    assert any(a.details["windows"] > 1 for a in told(what))
    # Not for as long as it is remembered.
    assert max(a.end for a in told(what)) <= begin + (len(SLOW) + 3) * 60_000_000


def test_chance_is_left_alone() -> None:
    assert told("nothing") == []

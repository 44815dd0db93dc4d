"""A service that is slow because it was asked for slow things, and one that got slower."""

import math
from collections.abc import Mapping
from random import Random

import msgspec
import pytest

from tests.engine.running import run
from vedette.config import Config
from vedette.detectors.statistical.latency import LatencySpike
from vedette.schema.anomaly import Anomaly, AnomalyType

MINUTES = 240
EXPORTS = 4.0


def line(minute: int, second: int, path: str, seconds: float) -> bytes:
    return msgspec.json.encode(
        {
            "start_time": f"2026-03-02T{8 + minute // 60:02}:{minute % 60:02}:{second:02}.000Z",
            "method": "GET",
            "path": path,
            "response_code": 200,
            "response_code_details": "via_upstream",
            "bytes_received": 0,
            "bytes_sent": 900,
            "duration": round(seconds * 1000),
            "client_ip": f"198.51.100.{second}",
            "service_name": "shop",
        }
    )


def spikes(exports: set[int], pages: Mapping[int, float]) -> list[Anomaly]:
    """Latency spikes of the service in four hours.

    Args:
        exports: Minutes in which three exports are asked for. pages: By minute, how many times slower pages are.
    """
    lines = []
    for minute in range(MINUTES):
        for second in range(20):
            usual = 0.04 + 0.002 * ((7 * second + minute) % 11)
            lines.append(line(minute, second, f"/page/{'abcd'[second % 4]}", usual * pages.get(minute, 1.0)))
        if minute in exports:
            lines += [line(minute, 30 + number, "/export.csv", EXPORTS) for number in range(3)]
    found = run([b"\n".join(lines) + b"\n"], "envoy-json", Config.model_validate({}))
    return [a for a in found.anomalies if a.type is AnomalyType.LATENCY_SPIKE and a.route is None]


def minutes(found: list[Anomaly]) -> set[int]:
    """Of the last windows that they are about."""
    return {a.end // 60_000_000 % 1440 - 481 for a in found}


def test_slow_things_are_news_once_and_carry_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LatencySpike, "SETTLED_US", 3_600_000_000)
    found = spikes({90, 91, 92, 130, 131, 132, 170, 171, 172}, {})
    assert minutes(found)
    assert minutes(found) <= {90, 91, 92}
    (route,) = found[0].contributions
    assert (route.dimension, route.value, route.share) == ("route", "/export.csv", 1.0)


def test_slow_things_are_no_news_while_everything_is_new() -> None:
    assert not spikes({90, 91, 92, 130, 131, 132, 170, 171, 172}, {})


def test_pages_that_got_slower_are_told_though_exports_run() -> None:
    found = spikes(set(range(90, MINUTES, 5)), {200: 60.0, 201: 60.0, 202: 60.0})
    assert {200, 201, 202} & minutes(found)
    told = next(a for a in found if 200 in minutes([a]) or 201 in minutes([a]))
    assert {c.value for c in told.contributions} >= {"/page/a", "/page/b", "/page/c", "/page/d"}
    # The parts make up the whole.
    assert 0.95 <= sum(c.share for c in told.contributions) <= 1.0 + 1e-9


def test_what_was_no_alarm_forgives_none() -> None:
    # Three lone slow minutes are no alarm each, so they don't make six in a row a habit.
    lone, spike = {100, 140, 180}, set(range(215, 221))
    scatter, lines = Random(7), []
    for minute in range(MINUTES):
        usual = 0.1 * math.exp(scatter.gauss(0.0, 0.2))
        seconds = 2.0 if minute in lone else 20 * usual if minute in spike else usual
        lines += [line(minute, second, "/page/a", seconds) for second in range(20)]
    found = run([b"\n".join(lines) + b"\n"], "envoy-json", Config.model_validate({}))
    slow = [a for a in found.anomalies if a.type is AnomalyType.LATENCY_SPIKE and a.route is None]
    assert minutes(slow) == spike - {min(spike)}

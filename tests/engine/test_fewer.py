"""Fewer requests of what comes steadily are told by many windows together; of a few visitors, all may leave."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests.engine.running import run
from vedette.detectors.statistical.volume import TrafficDrop
from vedette.explain.formulas import recompute
from vedette.explain.words import counterfactual, describe
from vedette.schema.anomaly import Anomaly, AnomalyType, Severity

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday."""
DAY = 1440
STOP = 27 * 60

Minute = Callable[[int, Random], list[tuple[str, str]]]
"""Clients and what they ask for in a minute."""


def drops(minutes: int, minute_of: Minute) -> list[Anomaly]:
    """What is told of missing requests."""

    def log() -> Iterator[bytes]:
        draw, text = Random(7), []
        for minute in range(minutes):
            stamp = f"{START + timedelta(minutes=minute):%d/%b/%Y:%H:%M}"
            for client, path in minute_of(minute, draw):
                text.append(
                    f'{client} - - [{stamp}:30 +0000] "POST {path} HTTP/1.1" 200 9 "-" "sensor/2.4"\n'
                )
            if (minute + 1) % DAY == 0 or minute + 1 == minutes:
                yield "".join(text).encode()
                text.clear()

    told = [a for a in run(log()).anomalies if a.type is AnomalyType.TRAFFIC_DROP]
    return sorted(told, key=lambda anomaly: anomaly.end)


def devices(minute: int, draw: Random) -> list[tuple[str, str]]:
    """Of 120 in three networks each reports every five minutes; one network is offline for an hour."""
    out = STOP <= minute < STOP + 60
    return [(f"10.60.{n % 3}.{n}", "/state") for n in range(minute % 5, 120, 5) if not (out and n % 3 == 0)]


def test_a_third_of_steady_devices_that_are_offline_is_told_and_can_be_recomputed() -> None:
    told = drops(STOP + 60, devices)
    assert {(a.detector, a.route, a.severity) for a in told} == {("volume.drop", None, Severity.MEDIUM)}
    first = told[0]
    assert 14 <= (first.end / 1e6 - START.timestamp()) / 60 - STOP <= 21
    assert first.start / 1e6 == START.timestamp() + 60 * STOP
    for anomaly in told:
        assert recompute(anomaly.formula) == pytest.approx(anomaly.details["surprise"], rel=1e-5)
        assert anomaly.formula.inputs["value"] == anomaly.observed <= anomaly.threshold
        assert anomaly.threshold <= 0.75 * (anomaly.expected.mid or 0.0)
        assert f"got {anomaly.observed:,.0f} requests in 20 windows" in describe(anomaly)
        assert counterfactual(anomaly) == f"Not stated above {anomaly.threshold:,.0f} requests."


def visits(minute: int, draw: Random) -> list[tuple[str, str]]:
    """About two visitors a minute who ask for twelve things each; for twelve minutes one in twenty gets through."""
    served = 0.05 if STOP <= minute < STOP + 12 else 1.0
    visitors = [draw.randrange(250) for _ in range(20) if draw.random() < 0.1]
    return [
        (f"198.51.100.{visitor}", f"/page-{n}")
        for visitor in visitors
        for n in range(12)
        if draw.random() < served
    ]


def test_ten_nearly_empty_minutes_are_told_where_one_is_nothing() -> None:
    """Every seventh minute is empty by chance: what is told is told by ten of them."""
    told = drops(STOP + 60, visits)
    assert {(a.detector, a.severity, a.details.get("windows")) for a in told} <= {
        ("volume.drop", severity, 10) for severity in (Severity.HIGH, Severity.CRITICAL)
    }
    assert 6 <= (told[0].end / 1e6 - START.timestamp()) / 60 - STOP <= 12
    for anomaly in told:
        assert recompute(anomaly.formula) == pytest.approx(anomaly.details["surprise"], rel=1e-5)
        assert 2.5 * anomaly.observed <= 2.5 * anomaly.threshold <= 1.001 * (anomaly.expected.mid or 0.0)
        assert f"got {anomaly.observed:,.0f} requests in 10 windows" in describe(anomaly)


def films(minute: int, draw: Random, begun: list[int]) -> list[tuple[str, str]]:
    """Films of 45 minutes, of which two or three are watched at a time, and a part every ten seconds."""
    if draw.random() < 2.5 / 45:
        begun.append(minute)
    return [
        (f"198.51.100.{number % 250}", "/part")
        for number, begin in enumerate(begun)
        if begin <= minute < begin + 45
        for _ in range(6)
    ]


def test_a_few_who_watch_films_may_all_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> list[Anomaly]:
        begun: list[int] = []
        return [
            a
            for a in drops(2 * DAY, lambda minute, draw: films(minute, draw, begun))
            if a.start / 1e6 > later
        ]

    later = START.timestamp() + DAY * 60
    assert not told()
    monkeypatch.setattr(TrafficDrop, "EBBS", 1000)
    assert told()

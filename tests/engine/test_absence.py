"""What always comes and does not is told; what has another name, or a log that is missing, is not."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests.engine.running import run
from vedette.config import Config
from vedette.explain.formulas import recompute
from vedette.explain.words import counterfactual, describe
from vedette.schema.anomaly import Anomaly, AnomalyType

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday."""
DAY = 1440
STOP = 26 * 60

Others = Callable[[int, Random], list[str]]
"""What else is asked for in a minute."""


def log(minutes: int, others: Others) -> Iterator[bytes]:
    """Some pages a minute, and others, in random order."""
    draw, text = Random(7), []
    for minute in range(minutes):
        stamp = f"{START + timedelta(minutes=minute):%d/%b/%Y:%H:%M}"
        pages = [draw.choice(("/", "/item", "/cart")) for _ in range(draw.randrange(3, 9))]
        for path in draw.sample(every := pages + others(minute, draw), len(every)):
            client = f"198.51.100.{draw.randrange(1, 250)}"
            text.append(f'{client} - - [{stamp}:30 +0000] "GET {path} HTTP/1.1" 200 900 "-" "Mozilla/5.0"\n')
        if (minute + 1) % DAY == 0 or minute + 1 == minutes:
            yield "".join(text).encode()
            text.clear()


def hooks(minute: int, draw: Random) -> list[str]:
    return ["/hook"] * draw.randrange(0, 5) if minute < STOP else []


def renamed(minute: int, draw: Random) -> list[str]:
    return ["/hook" if minute < STOP else "/v2/hook"] * draw.randrange(0, 5)


def by_day(minute: int, draw: Random) -> list[str]:
    return ["/hook"] * draw.randrange(0, 5) if 480 <= minute % DAY < 1200 else []


def drops(others: Others, minutes: int = STOP + 40) -> list[Anomaly]:
    told = [a for a in run(log(minutes, others)).anomalies if a.type is AnomalyType.TRAFFIC_DROP]
    return sorted(told, key=lambda anomaly: anomaly.end)


def test_a_steady_route_that_nobody_asks_for_any_more_is_told_and_can_be_recomputed() -> None:
    told = drops(hooks)
    assert {(a.detector, a.route) for a in told} == {("volume.absence", "/hook")}
    first = told[0]
    late = (first.end / 1e6 - START.timestamp()) / 60 - STOP
    assert 5 <= late <= 25
    assert first.start / 1e6 == START.timestamp() + 60 * STOP
    assert late == first.details["silent_windows"] == first.details["told_from_windows"]
    for anomaly in told:
        surprise = anomaly.details["surprise"]
        assert recompute(anomaly.formula) == pytest.approx(surprise)
        assert surprise >= anomaly.details["surprise_threshold"]
        inputs = anomaly.formula.inputs
        assert f"not a single request in {anomaly.details['silent_windows']} windows" in describe(anomaly)
        assert f"of the last {inputs['windows']:,.0f} windows" in describe(anomaly)
        assert counterfactual(anomaly) == "Not stated if there had been a single request."


def test_a_day_is_a_day_of_longer_windows_too() -> None:
    config = Config.model_validate({"windows": {"span_s": 300}}, strict=False)
    found = run(log(STOP + 60, hooks), config=config).anomalies
    told = [a for a in found if a.detector == "volume.absence"]
    assert {a.route for a in told} == {"/hook"}
    assert min(a.end for a in told) / 1e6 <= START.timestamp() + 60 * (STOP + 30)


def test_a_route_that_got_another_name_is_not_missing() -> None:
    assert not drops(renamed)


def test_a_route_that_is_asked_for_by_day_only_is_not_missed_in_the_evening() -> None:
    assert not drops(by_day, 3 * DAY)


def test_a_silence_is_told_for_an_hour_and_no_longer() -> None:
    told = drops(hooks, STOP + 200)
    assert 50 <= len(told) <= 62


def job(*nights: int) -> Others:
    """Forty requests within two minutes from four o'clock, in some nights."""

    def others(minute: int, _: Random) -> list[str]:
        due = minute % DAY in (240, 241) and minute // DAY in nights
        return ["/invoices"] * 20 if due else []

    return others


def test_a_nightly_job_that_did_not_run_is_told_an_hour_later() -> None:
    (told,) = drops(job(0, 1, 2), 4 * DAY)
    assert (told.detector, told.route) == ("volume.absence", "/invoices")
    assert told.start / 1e6 == START.timestamp() + 60 * (3 * DAY + 240)
    assert told.end - told.start == 61 * 60_000_000
    assert recompute(told.formula) == pytest.approx(told.formula.result)
    assert (
        "/invoices got not a single request in 61 minutes from when it should have: at this time of the day it "
        "came 3 times in a row, with 40 requests or more."
    ) in describe(told)


def test_a_job_that_runs_on_workdays_is_not_missed_at_the_weekend() -> None:
    assert not drops(job(0, 1, 2, 3, 4, 7, 8), 8 * DAY + 600)


def test_a_job_is_not_missed_where_nothing_of_the_log_is_there() -> None:
    whole = b"".join(log(4 * DAY, job(0, 1, 2, 3))).splitlines(keepends=True)
    gap = [f"05/Mar/2026:{hour:02}".encode() for hour in (3, 4, 5)]
    lines = [line for line in whole if not any(hour in line for hour in gap)]
    found = run(b"".join(lines[at : at + 5000]) for at in range(0, len(lines), 5000)).anomalies
    assert not [a for a in found if a.detector == "volume.absence"]

"""What is carried off so slowly that no minute shows it."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from tests.engine.running import run
from vedette.explain.formulas import recompute
from vedette.schema.anomaly import Anomaly, AnomalyType, Severity

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
HOURS = 52
NIGHT = 49 * 60
"""Minute in which it begins: one in the morning of the third day."""
LONG = 40
STRANGER, CLERK = "203.0.113.9", "10.20.0.3"

Line = tuple[int, str, int]
"""Second, client, bytes."""


def work(minute: int) -> list[Line]:
    """Eight people, and an export in ten minutes, of 100 kB in some hours and of 900 kB in others."""
    lines = [(7 * n, f"10.20.0.{(minute + n) % 8}", 4000 + 37 * ((minute * n) % 90)) for n in range(4)]
    if minute % 10 == 0:
        lines.append((50, f"10.20.0.{minute // 10 % 8}", 100_000 * (1 + minute // 60 * 5 % 9)))
    return lines


def devices(minute: int) -> list[Line]:
    """Eight devices whose reports are taken without a word."""
    return [(7 * n, f"10.20.0.{n}", 0) for n in range(8)]


def export(*clients: str) -> Callable[[int], list[Line]]:
    """Two megabytes a minute by each."""
    return lambda minute: [(6 * n + 1, client, 400_000) for client in clients for n in range(5)]


@cache
def found(
    *clients: str, nightly: bool = False, daily: Callable[[int], list[Line]] = work
) -> tuple[Anomaly, ...]:
    """What is told of the exports of the third day's night, or of the fourth's, too."""
    chunks, carry = [], export(*clients)
    for minute in range((HOURS + 24 * nightly) * 60):
        stamp = f"{BEGIN + timedelta(minutes=minute):%d/%b/%Y:%H:%M}"
        lines = daily(minute)
        if minute >= NIGHT and (minute - NIGHT) % 1440 < LONG:
            lines += carry(minute)
        chunks += [
            f'{client} - - [{stamp}:{second:02} +0000] "GET /{"export" if size > 10**5 else "page"} HTTP/1.1" 200 '
            f'{size} "-" "x/1.0"\n'
            for second, client, size in sorted(lines)
        ]
    anomalies = run(["".join(chunks).encode()]).anomalies
    return tuple(a for a in anomalies if a.type is AnomalyType.DATA_EXFILTRATION)


def test_a_stranger_s_exports_are_told_though_no_minute_has_much_of_them() -> None:
    told = found(STRANGER)
    assert {a.entity.value for a in told} == {STRANGER}
    assert {a.severity for a in told} == {Severity.HIGH}
    begun = (told[0].start / 1e6 - BEGIN.timestamp()) / 60
    assert NIGHT < begun < NIGHT + 10


def test_of_who_is_known_it_has_to_be_rarer_and_is_less_severe() -> None:
    stranger, known = (found(client)[0].details for client in (STRANGER, CLERK))
    seldom = -math.log10((stranger["hours_of_strangers"] + 1) / (stranger["hours_told"] + 2))
    assert known["surprise_threshold"] == pytest.approx(stranger["surprise_threshold"] + seldom)
    assert {a.severity for a in found(CLERK)} == {Severity.MEDIUM}


def test_where_several_take_as_much_nobody_is_told() -> None:
    assert not found("10.20.0.1", "10.20.0.2", CLERK, STRANGER)


def test_an_export_of_every_night_is_told_once() -> None:
    begun = [(a.start / 1e6 - BEGIN.timestamp()) / 86_400 for a in found(CLERK, nightly=True)]
    assert {int(day) for day in begun} == {2}


def test_where_nobody_ever_took_a_byte_the_first_who_takes_much_is_told() -> None:
    told = found(STRANGER, daily=devices)
    assert {a.entity.value for a in told} == {STRANGER}
    assert told[0].observed >= told[0].threshold == 10e6
    assert "usually takes 1 byte," in told[0].description
    assert "was a stranger" not in told[0].description


def test_nothing_is_told_of_work() -> None:
    assert not found()


def test_what_is_told_can_be_computed_again() -> None:
    for anomaly in found(STRANGER):
        assert recompute(anomaly.formula) == pytest.approx(anomaly.formula.result)
        assert anomaly.formula.result == anomaly.details["surprise"] >= anomaly.details["surprise_threshold"]
        assert anomaly.observed >= anomaly.threshold
        assert "was a stranger in 0 of" in anomaly.description

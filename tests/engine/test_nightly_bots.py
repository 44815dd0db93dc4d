"""A machine that reads a site every night is told the first night; what it did not do before is told again."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.engine.running import run
from vedette.detectors.statistical.bots import BotActivity
from vedette.schema.anomaly import AnomalyType
from vedette.schema.state import StateError

BEGIN = datetime(2026, 3, 2, 2, tzinfo=UTC)
JOB, OTHER = "192.0.2.40", "203.0.113.9"
USUAL, TWICE, MEDIUM = 60, 130, 360
"""Requests a minute; from 3,000 in ten minutes on it is medium."""


def night(day: int, client: str = JOB, a_minute: int = USUAL, minutes: int = 15, late: int = 0) -> bytes:
    """A night in which somebody reads page after page."""
    lines = []
    begin = BEGIN + timedelta(days=day)
    for minute in range(minutes):
        stamp = f"{begin + timedelta(minutes=minute + late):%d/%b/%Y:%H:%M}"
        for number in range(a_minute):
            second = 60 * number // a_minute
            lines.append(
                f'{client} - - [{stamp}:{second:02} +0000] "GET /{"abcdefghijkl"[number % 12]}/list HTTP/1.1" '
                '200 900 "-" "python-requests/2.32"\n'
            )
    return "".join(lines).encode()


def nights_told(*logs: bytes) -> list[int]:
    """The days with an undeclared bot."""
    told = [one for one in run(logs).anomalies if one.type is AnomalyType.BOT_ACTIVITY]
    return sorted({int(one.start / 1e6 - BEGIN.timestamp()) // 86_400 for one in told})


def test_the_same_on_a_second_night_is_told_once() -> None:
    assert nights_told(night(0), night(1, late=20), night(2)) == [0]


@pytest.mark.parametrize(
    "second",
    [
        night(1, a_minute=TWICE),
        night(1, minutes=60),
        night(1, client=OTHER),
        night(1).replace(b"/list", b"/list/more"),
        night(1, late=9 * 60),
    ],
    ids=["more", "longer", "another", "elsewhere", "at another time"],
)
def test_what_was_not_done_before_is_told_again(second: bytes) -> None:
    assert nights_told(night(0), second) == [0, 1]


def test_what_is_medium_is_told_every_night() -> None:
    assert nights_told(night(0, a_minute=MEDIUM), night(1, a_minute=MEDIUM)) == [0, 1]


def test_a_state_of_a_version_without_memory_is_taken_over_and_a_spoilt_one_refused() -> None:
    bots = BotActivity(declared_bot=1, browser=2)
    fresh = bots.to_state()
    bots.from_state(b"")
    assert bots.to_state() == fresh
    with pytest.raises(StateError):
        bots.from_state(b"\x91")

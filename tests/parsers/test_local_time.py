"""Times that a log's host wrote by its clock on the wall are those that were."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.config import Config
from vedette.engine.choosing import Chooser
from vedette.parsers.local_time import to_utc
from vedette.schema.chunk import Chunk

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("zone", "shown", "was"),
    [
        ("Europe/Berlin", "2026-01-15T12:00:00", "2026-01-15T11:00:00"),
        ("Europe/Berlin", "2026-07-15T12:00:00", "2026-07-15T10:00:00"),
        ("Europe/Berlin", "2026-03-29T01:59:59", "2026-03-29T00:59:59"),
        ("Europe/Berlin", "2026-03-29T03:00:00", "2026-03-29T01:00:00"),
        # Comes twice: the first is meant.
        ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00"),
        # Never was.
        ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00"),
        # Half an hour of summer time, and a half in the offset.
        ("Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04T14:45:00"),
        ("Australia/Lord_Howe", "2026-04-05T02:00:00", "2026-04-04T15:30:00"),
        ("Asia/Kolkata", "1969-12-31T23:59:59", "1969-12-31T18:29:59"),
    ],
)
def test_what_the_wall_shows_is_what_the_zone_says_of_that_day(zone: str, shown: str, was: str) -> None:
    times = np.array([micros(datetime.fromisoformat(shown + "+00:00"))])
    assert to_utc(times, zone).tolist() == [micros(datetime.fromisoformat(was + "+00:00"))]


@given(
    st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1))),  # noqa: DTZ001 - of a clock on a wall
    st.sampled_from(["America/New_York", "Africa/Casablanca"]),
)
def test_many_at_once_are_as_each_alone(moments: list[datetime], zone: str) -> None:
    shown = np.array([micros(moment.replace(tzinfo=UTC)) for moment in moments], dtype=np.int64)
    alone = [micros(moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)) for moment in moments]
    assert to_utc(shown, zone).tolist() == alone


def test_the_ends_of_the_calendar_are_read() -> None:
    ends = np.array([micros(datetime.min.replace(tzinfo=UTC)), micros(datetime.max.replace(tzinfo=UTC))])
    day = 86_400_000_000
    assert (np.abs(to_utc(ends, "America/New_York") - ends) < day).all()


@pytest.mark.parametrize(
    ("zone", "winter", "summer"),
    [("Europe/Berlin", 11, 10), ("+02:00", 10, 10), ("UTC", 12, 12), ("America/New_York", 17, 16)],
)
def test_a_log_without_zones_is_read_by_its_hosts_clock_of_that_day(
    zone: str, winter: int, summer: int
) -> None:
    config = Config.model_validate(
        {"input": {"log_format": '$remote_addr [$time_iso8601] "$request" $status', "timezone": zone}},
        strict=False,
    )
    lines = (
        b'192.0.2.1 [2026-01-15T12:00:00] "GET / HTTP/1.1" 200\n'
        b'192.0.2.1 [2026-07-15T12:00:00] "GET / HTTP/1.1" 200\n'
        b'192.0.2.1 [2026-07-15T12:00:00-03:00] "GET / HTTP/1.1" 200\n'
    )
    chunk = Chunk.of(lines, "web.log", 1)
    parsed = Chooser(config)(chunk).format.open("web.log").parse(chunk)
    hours = [(EPOCH + timedelta(microseconds=at)).hour for at in parsed.requests.time.tolist()]
    assert hours == [winter, summer, 15]

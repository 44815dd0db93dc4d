"""The wall clock that seasons follow."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.baselines.calendar import calendar, plain


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1e6)


def wall(reading: int) -> str:
    return datetime.fromtimestamp(reading / 1e6, UTC).strftime("%a %H:%M")


def test_utc_without_holidays_is_the_time_itself() -> None:
    assert calendar() is plain
    assert plain(us("2024-05-01T10:00")) == us("2024-05-01T10:00")


@pytest.mark.parametrize(
    ("zone", "utc", "local"),
    [
        ("+02:00", "2024-05-01T23:30", "Thu 01:30"),
        ("-09:30", "2024-05-01T00:00", "Tue 14:30"),
        ("Europe/Berlin", "2024-03-31T00:59", "Sun 01:59"),
        ("Europe/Berlin", "2024-03-31T01:00", "Sun 03:00"),
        ("Europe/Berlin", "2024-10-27T00:59", "Sun 02:59"),
        ("Europe/Berlin", "2024-10-27T01:00", "Sun 02:00"),
        ("Asia/Kathmandu", "2024-05-01T00:00", "Wed 05:45"),
        ("Australia/Lord_Howe", "2024-04-06T14:59", "Sun 01:59"),
        ("Australia/Lord_Howe", "2024-04-06T15:00", "Sun 01:30"),
    ],
)
def test_a_zone_reads_as_its_clocks_do_on_the_days_they_change_too(zone: str, utc: str, local: str) -> None:
    assert wall(calendar(zone)(us(utc))) == local


def test_a_holiday_reads_as_the_sunday_after_it_from_local_midnight_to_midnight() -> None:
    reading = calendar("Europe/Berlin", [date(2024, 12, 25)])
    assert wall(reading(us("2024-12-24T22:59"))) == "Tue 23:59"
    assert wall(reading(us("2024-12-24T23:00"))) == "Sun 00:00"
    assert wall(reading(us("2024-12-25T22:59"))) == "Sun 23:59"
    assert wall(reading(us("2024-12-25T23:00"))) == "Thu 00:00"


@given(
    time=st.datetimes(datetime(1995, 1, 1), datetime(2060, 1, 1)),  # noqa: DTZ001 - read as UTC below
    zone=st.sampled_from(["America/New_York", "Europe/London", "Asia/Tehran", "Pacific/Chatham"]),
)
def test_a_reading_is_the_zone_s_own(time: datetime, zone: str) -> None:
    from zoneinfo import ZoneInfo

    moment = time.replace(tzinfo=UTC)
    read = calendar(zone)(round(moment.timestamp()) * 1_000_000)
    local = datetime.fromtimestamp(round(moment.timestamp()), ZoneInfo(zone)).replace(tzinfo=UTC)
    assert read == round(local.timestamp() * 1e6)

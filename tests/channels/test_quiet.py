"""Quiet hours begin and end by the clock of their zone."""

from datetime import datetime
from typing import Any

import pytest

from tests.channels.made import alerts
from vedette.channels.quiet import quiet_until


def until(moment: str, **hours: Any) -> str | None:
    (quiet,) = alerts(quiet_hours=[{"start": "22:00", "end": "07:00"} | hours]).quiet_hours
    end = quiet_until(quiet, round(datetime.fromisoformat(moment).timestamp() * 1e6))
    return None if end is None else datetime.fromtimestamp(end / 1e6).astimezone().isoformat()


def same(text: str | None, moment: str) -> bool:
    return text is not None and datetime.fromisoformat(text) == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-05-01T21:59:59Z", None),
        ("2026-05-01T22:00:00Z", "2026-05-02T07:00Z"),
        ("2026-05-02T06:59:59Z", "2026-05-02T07:00Z"),
        ("2026-05-02T07:00:00Z", None),
    ],
)
def test_a_night_goes_over_midnight(moment: str, end: str | None) -> None:
    assert until(moment) is None if end is None else same(until(moment), end)


def test_days_name_the_day_on_which_it_begins() -> None:
    # 2026-05-01 is a Friday.
    assert until("2026-05-02T03:00Z", days=["Fri"])
    assert until("2026-05-01T03:00Z", days=["Fri"]) is None


def test_a_zone_decides() -> None:
    berlin = {"timezone": "Europe/Berlin"}
    assert until("2026-05-01T19:59Z", **berlin) is None
    assert same(until("2026-05-01T20:00Z", **berlin), "2026-05-02T05:00Z")
    assert same(until("2026-05-01T19:00Z", timezone="+03:00"), "2026-05-02T04:00Z")


def test_the_night_in_which_clocks_change_is_an_hour_shorter_or_longer() -> None:
    berlin = {"timezone": "Europe/Berlin"}
    assert same(until("2026-03-28T22:00Z", **berlin), "2026-03-29T05:00Z")
    assert same(until("2026-10-24T21:00Z", **berlin), "2026-10-25T06:00Z")


def test_an_end_that_clocks_skip_still_ends_it() -> None:
    skipped = {"timezone": "Europe/Berlin", "end": "02:30"}
    assert same(until("2026-03-29T00:00Z", **skipped), "2026-03-29T01:30Z")
    assert until("2026-03-29T01:30Z", **skipped) is None


def test_equal_times_are_a_whole_day() -> None:
    assert same(until("2026-05-01T12:00Z", start="09:00", end="09:00"), "2026-05-02T09:00Z")

"""Weeks of minutes: what the hour of day and of week come to know."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from vedette.baselines.calendar import calendar
from vedette.baselines.counts import CountBank
from vedette.baselines.judgement import Judgement
from vedette.baselines.locations import LogBank

MINUTE = 60_000_000
BERLIN = ZoneInfo("Europe/Berlin")
HOLIDAY = date(2024, 4, 10)
BEGIN = int(datetime(2024, 3, 4, tzinfo=UTC).timestamp())
TIME = np.arange(BEGIN, BEGIN + 42 * 86_400, 60, dtype=np.int64)
LOCAL = [datetime.fromtimestamp(int(t), BERLIN) for t in TIME]
Floats = NDArray[np.float64]


def usual(sunday: float) -> Floats:
    """Requests a minute of a site in Berlin, busiest at noon; Sundays and the holiday differ."""
    hour = np.array([t.hour + t.minute / 60 for t in LOCAL])
    free = np.array([t.weekday() == 6 or t.date() == HOLIDAY for t in LOCAL])
    return (300 - 270 * np.cos(2 * np.pi * hour / 24)) * np.where(free, sunday, 1.0)


def follow(value: Floats, zone: str = "Europe/Berlin", holidays: tuple[date, ...] = ()) -> Judgement:
    bank = CountBank()
    bank.calendar = calendar(zone, holidays)
    return bank.follow(value, TIME * 1_000_000)


def counts(mean: Floats) -> Floats:
    return np.random.default_rng(1).poisson(mean).astype(np.float64)


def on(day: date) -> NDArray[np.intp]:
    return np.flatnonzero([t.date() == day for t in LOCAL])


def miss(judged: Judgement, mean: Floats, day: date) -> float:
    """By what factor the expectation was wrong in most minutes of a day."""
    rows = on(day)
    return float(np.exp(np.quantile(np.abs(np.log(judged.expected_mid[rows] / mean[rows])), 0.9)))


def test_no_expectation_runs_away_where_sundays_are_a_fifth_of_weekdays() -> None:
    mean = usual(0.2)
    judged = follow(counts(mean))
    assert np.nanmax(judged.expected_mid[judged.ready]) < 2 * mean.max()


def test_sundays_are_known_from_the_fifth_on() -> None:
    mean = usual(0.2)
    judged = follow(counts(mean))
    assert miss(judged, mean, date(2024, 3, 10)) > 3
    assert miss(judged, mean, date(2024, 4, 7)) < 1.3
    assert miss(judged, mean, date(2024, 4, 14)) < 1.3


def test_the_clock_of_a_zone_is_followed_on_the_day_it_changes() -> None:
    mean = usual(1.0)
    value = counts(mean)
    monday = date(2024, 4, 1)
    assert miss(follow(value), mean, monday) < 1.1
    assert miss(follow(value, "UTC"), mean, monday) > miss(follow(value), mean, monday)


def test_a_configured_holiday_is_expected_to_be_a_sunday() -> None:
    mean = usual(0.2)
    value = counts(mean)
    rows = on(HOLIDAY)[:720]
    surprised, prepared = follow(value), follow(value, holidays=(HOLIDAY,))
    assert np.median(surprised.log10_p_low[rows]) > 6
    assert np.median(prepared.log10_p_low[rows]) < 3


@pytest.mark.parametrize("factor", [5.0, 0.2])
def test_a_level_that_is_held_is_the_new_normal_after_half_a_day_and_stays_so(factor: float) -> None:
    mean = usual(1.0)
    mean[20 * 1440 :] *= factor
    judged = follow(counts(mean))
    error = np.abs(np.log(judged.expected_mid / mean))
    assert np.median(error[20 * 1440 : 20 * 1440 + 600]) > 1
    assert error[20 * 1440 + 780 :].max() < 0.5


def test_latency_that_is_higher_on_sundays_is_known_from_the_fifth_on() -> None:
    mean = usual(3.0) / 1000
    value = mean * np.exp(np.random.default_rng(2).normal(0, 0.1, len(mean)))
    bank = LogBank()
    bank.calendar = calendar("Europe/Berlin")
    judged = bank.follow(value, TIME * 1_000_000)
    assert miss(judged, mean, date(2024, 4, 7)) < 1.4


def wave(low: float) -> Floats:
    """Requests a minute that jump at nine and at five, every day."""
    return low * np.where([9 <= t.hour < 17 for t in LOCAL], 5.0, 1.0)


def off(judged: Judgement, mean: Floats, first: int) -> NDArray[np.bool_]:
    """Minutes from a day on whose expectation is wrong by half or more."""
    rows = slice(first * 1440, None)
    found: NDArray[np.bool_] = np.abs(np.log(judged.expected_mid[rows] / mean[rows])) > np.log(1.5)
    return found


@pytest.mark.parametrize(("low", "known"), [(4.0, 7), (60.0, 21)])
def test_a_rhythm_that_jumps_at_full_hours_is_foreseen_to_the_minute(low: float, known: int) -> None:
    mean = wave(low)
    judged = follow(counts(mean))
    assert off(judged, mean, 0)[: 3 * 1440].mean() > 0.01
    assert off(judged, mean, known).mean() < 0.001


def test_a_smooth_day_is_followed_no_worse_for_it() -> None:
    mean = usual(1.0)
    judged = follow(counts(mean))
    assert all(miss(judged, mean, date(2024, 3, day)) < 1.1 for day in (14, 19, 23))

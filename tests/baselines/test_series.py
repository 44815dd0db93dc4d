"""A series' scores: what holds for any series, and what the list of hard cases asks for."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from vedette.baselines.calendar import calendar
from vedette.baselines.formulas import recompute
from vedette.baselines.series import Kind, Scored, SeriesBaseline

MINUTE = 60_000_000
MONDAY = 1_772_409_600_000_000
"""2026-03-02, a Monday, at midnight UTC."""
DAY = 1440

ANY_VALUE = st.floats(allow_nan=True, allow_infinity=True, width=64)
TAME = st.floats(-1e6, 1e6, allow_subnormal=False)


def times(n: int, step: int = MINUTE) -> np.ndarray:
    return MONDAY + np.arange(n, dtype=np.int64) * step


def follow(value: np.ndarray, kind: Kind = Kind.GAUGE, **rest: object) -> Scored:
    return SeriesBaseline(kind, **rest).follow(times(len(value)), np.asarray(value, dtype=float))


def episodes(scored: Scored, since: int = 0) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(scored.is_anomaly.astype(int), prepend=0, append=0)).reshape(-1, 2)
    return [(int(a), int(b)) for a, b in edges if b > since]


def same(one: Scored, other: Scored) -> None:
    for name in Scored.__slots__:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def daily(days: int, seed: int = 3, spread: float = 5.0) -> np.ndarray:
    n = days * DAY
    swing = 50 * np.sin(2 * np.pi * np.arange(n) / DAY)
    return 100 + swing + np.random.default_rng(seed).normal(0, spread, n)


@settings(max_examples=40, deadline=None)
@given(
    value=arrays.arrays(np.float64, st.integers(0, 150), elements=ANY_VALUE),
    kind=st.sampled_from(Kind),
)
def test_scores_are_numbers_below_one_whatever_the_values(value, kind):
    scored = follow(value, kind)
    assert ((scored.score >= 0.0) & (scored.score < 1.0)).all()
    assert not (scored.is_anomaly & ~scored.ready).any()
    assert not scored.ready[~np.isfinite(value)].any()
    assert np.isfinite(scored.expected[scored.ready]).all()
    assert (scored.score[~scored.ready] == 0.0).all()


@settings(max_examples=30, deadline=None)
@given(
    value=arrays.arrays(np.float64, 160, elements=st.one_of(TAME, st.just(float("nan")))),
    cuts=st.lists(st.integers(0, 160), max_size=6),
    kind=st.sampled_from([Kind.GAUGE, Kind.COUNT, Kind.LATENCY]),
)
def test_no_point_is_judged_by_later_ones_and_any_cutting_gives_the_same(value, cuts, kind):
    whole = follow(value, kind)
    baseline = SeriesBaseline(kind)
    parts = [
        baseline.follow(times(160)[a:b], value[a:b])
        for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), 160], strict=True)
    ]
    same(
        whole,
        Scored(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in Scored.__slots__}),
    )
    for cut in cuts:
        prefix = follow(value[:cut], kind)
        same(prefix, Scored(**{name: getattr(whole, name)[:cut] for name in Scored.__slots__}))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), above=st.lists(st.floats(1.0, 1e9), min_size=2, max_size=6, unique=True))
def test_further_beyond_all_seen_scores_higher_without_end(seed, above):
    value = np.random.default_rng(seed).normal(50, 5, 200)
    told = []
    for excess in sorted(above):
        scored = follow(np.append(value, value.max() + excess))
        told.append(scored.score[-1])
    assert all(a <= b for a, b in itertools.pairwise(told))
    far = [follow(np.append(value, 10.0**k)).score[-1] for k in (4, 8, 16, 64, 99)]
    assert all(a < b < 1.0 for a, b in itertools.pairwise(far))


def test_every_surprise_can_be_recomputed():
    rng = np.random.default_rng(5)
    for kind, value in (
        (Kind.GAUGE, rng.normal(0, 1, 300)),
        (Kind.COUNT, rng.poisson(4, 300).astype(float)),
        (Kind.LATENCY, np.exp(rng.normal(-2, 0.4, 300))),
    ):
        value[-1] = 12.0
        baseline = SeriesBaseline(kind)
        scored = baseline.follow(times(300), value)
        for at in (100, 299):
            formula = baseline.formula_of(scored, at, float(value[at]))
            assert recompute(formula.name, formula.inputs) == pytest.approx(scored.surprise[at], rel=1e-6)
    total = np.full(300, 400.0)
    share = rng.binomial(400, 0.02, 300) / 400
    share[-1] = 0.2
    baseline = SeriesBaseline(Kind.RATIO)
    scored = baseline.follow(times(300), share, total)
    formula = baseline.formula_of(scored, 299, 0.2, 400.0)
    assert formula.name == "ratio_high"
    assert formula.inputs["value"] == 80.0
    assert recompute(formula.name, formula.inputs) == pytest.approx(scored.surprise[299], rel=1e-6)
    assert scored.is_anomaly[299]


def test_few_points_are_not_judged():
    scored = follow(np.full(29, 5.0))
    assert not scored.ready.any()
    assert np.isnan(scored.expected).all()


def test_a_share_of_few_is_no_evidence_and_of_many_is():
    share = np.random.default_rng(1).binomial(1000, 0.02, 400) / 1000
    few, many = share.copy(), share.copy()
    few[-1] = many[-1] = 1 / 3
    small = np.full(400, 1000.0)
    small[-1] = 3.0
    assert not SeriesBaseline(Kind.RATIO).follow(times(400), few, small).is_anomaly[-1]
    assert SeriesBaseline(Kind.RATIO).follow(times(400), many, np.full(400, 1000.0)).is_anomaly[-1]


def test_the_hour_of_day_is_used_after_three_days():
    scored = follow(daily(6))
    error = np.abs(scored.expected - (100 + 50 * np.sin(2 * np.pi * np.arange(6 * DAY) / DAY)))
    assert error[5 * DAY :].mean() < 0.6 * error[DAY : 2 * DAY].mean()


def test_a_shift_of_level_is_told_and_becomes_normal_after_twelve_hours():
    value = daily(9)
    value[5 * DAY :] += 150
    scored = follow(value)
    assert scored.is_anomaly[5 * DAY : 5 * DAY + 600].all()
    assert not scored.is_anomaly[5 * DAY + 14 * 60 : 5 * DAY + 15 * 60].any()
    assert np.abs(scored.expected - value)[6 * DAY :].mean() < 10


def test_slow_growth_is_no_more_alarming_than_none():
    value = daily(10)
    grown = value * np.exp(np.linspace(0, np.log(1.5), len(value)))
    assert len(episodes(follow(grown), DAY)) <= 2.5 * len(episodes(follow(value), DAY)) + 3


def test_a_hole_in_the_series_is_no_anomaly():
    value, at = daily(8), times(8 * DAY)
    there = np.ones(len(value), dtype=bool)
    there[5 * DAY : 5 * DAY + 36 * 60] = False
    scored = SeriesBaseline().follow(at[there], value[there])
    assert not scored.is_anomaly[5 * DAY : 5 * DAY + 20].any()


def test_missing_values_are_passed_over():
    value = daily(6)
    value[np.random.default_rng(1).random(len(value)) < 0.3] = np.nan
    value[5 * DAY + 300 : 5 * DAY + 310] = 400.0
    scored = follow(value)
    assert scored.is_anomaly[5 * DAY + 301]


def test_a_request_a_minute_and_less():
    quiet = np.random.default_rng(2).poisson(0.02, 8 * DAY).astype(float)
    burst = quiet.copy()
    burst[7 * DAY : 7 * DAY + 10] = 5.0
    assert len(episodes(follow(quiet, Kind.COUNT), DAY)) <= 2 * 7
    scored = follow(burst, Kind.COUNT)
    assert scored.is_anomaly[7 * DAY + 1]
    assert scored.score[7 * DAY : 7 * DAY + 3].max() > 0.7


def test_what_comes_every_hour_stops_being_news():
    value = daily(8)
    value[::60] += 400
    scored = follow(value)
    first, last = scored.is_anomaly[:DAY:60], scored.is_anomaly[-3 * DAY :: 60]
    assert first.any()
    assert last.mean() < 0.05


def test_a_burst_does_not_become_the_norm():
    value = daily(6)
    calm = follow(value)
    value[5 * DAY : 5 * DAY + 30] *= 10
    scored = follow(value)
    after = slice(5 * DAY + 31, 5 * DAY + 91)
    assert scored.is_anomaly[5 * DAY]
    assert np.abs(scored.expected - calm.expected)[after].max() < 10
    width, before = scored.upper - scored.lower, calm.upper - calm.lower
    assert width[after].mean() < 1.3 * before[after].mean()


def test_growth_of_five_percent_an_hour_is_found():
    value = daily(8)
    begun = 4 * DAY
    hours = np.arange(len(value) - begun) / 60
    value[begun:] += 5.0 * (1.05**hours - 1.0)
    scored = follow(value)
    # Before what was added is as large as the daily swing itself.
    doubled = begun + int(60 * np.log(100 / 5 + 1) / np.log(1.05))
    assert scored.is_anomaly[begun:doubled].any()
    strongest = scored.score[begun + DAY :].max()
    assert strongest > 0.55


def test_an_attack_from_the_first_minute_is_told_when_it_ends():
    value = daily(3)
    value[:360] += 400
    scored = follow(value)
    assert not scored.ready[:30].any()
    assert scored.is_anomaly[361]


def test_summer_time_moves_the_hours_of_a_zone():
    """Clocks in Berlin went forward on 29 March 2026."""
    zone = calendar("Europe/Berlin")
    at = times(30 * DAY)
    hours = np.array([zone(int(moment)) for moment in at[::60]]).repeat(60) // MINUTE
    local = (hours + np.arange(len(at)) % 60) % DAY
    value = 100 + 80 * np.sin(2 * np.pi * local / DAY) + np.random.default_rng(1).normal(0, 4, len(at))
    error = {}
    for name in ("UTC", "Europe/Berlin"):
        scored = SeriesBaseline(calendar=calendar(name)).follow(at, value)
        error[name] = np.abs(scored.expected - value)[27 * DAY + 300 : 29 * DAY].mean()
    assert error["Europe/Berlin"] < 0.85 * error["UTC"]


def test_times_that_repeat_or_fall_do_not_stop_it():
    at = times(300)
    at[100:120] = at[100]
    at[200:210] -= 3_600_000_000
    scored = SeriesBaseline().follow(at, np.random.default_rng(1).normal(0, 1, 300))
    assert scored.ready[30:].all()


def hourly(weeks: int, spread: float, seed: int = 11) -> np.ndarray:
    """Values once an hour that swing twice a day, once a day and once a week."""
    at = np.arange(weeks * 168)
    swings = [a * np.sin(2 * np.pi * at / p + p) for a, p in ((20, 12), (30, 24), (15, 168))]
    return 100 + np.sum(swings, axis=0) + np.random.default_rng(seed).normal(0, spread, len(at))


@pytest.mark.parametrize("minute", [0, 17])
def test_a_rhythm_of_hourly_values_is_followed_as_closely_as_they_scatter(minute):
    """A value at the begin of an hour is what that hour's cell holds: nothing lies between it and the next."""
    value = hourly(8, spread=1.0)
    moments = times(len(value), 60 * MINUTE) + minute * MINUTE
    error = np.abs(value - SeriesBaseline().follow(moments, value).expected)[4 * 168 :]
    # Two thirds of a normal law's values are within its spread.
    assert np.quantile(error, 0.66) < 1.5


def test_an_hour_after_a_wild_one_is_judged_by_itself_and_so_is_the_next_day():
    value = hourly(6, spread=1.0)
    first = 900
    value[[first, first + 30]] += 40
    scored = SeriesBaseline().follow(times(len(value), 60 * MINUTE), value)
    assert (scored.score[[first, first + 30]] > 0.5).all()
    calm = np.delete(scored.score[first : first + 60], [0, 30])
    assert np.sort(calm)[-5] < 0.2

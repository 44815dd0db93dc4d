"""Series are foreseen, with bands that hold as much of what comes as they say."""

import numpy as np
import pytest

from vedette.baselines import bank
from vedette.baselines.calendar import calendar
from vedette.baselines.forecast import Forecaster
from vedette.baselines.reach import COVERAGE, PARTS, Reach, unlearned, widened
from vedette.baselines.series import Kind, SeriesBaseline
from vedette.kernels.baselines.baseline import foresee_series

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * 60
START = 1_772_409_600_000_000


def times(n: int) -> np.ndarray:
    return START + MINUTE * np.arange(n, dtype=np.int64)


def rhythm(n: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 100 + 40 * np.sin(np.arange(n) * 2 * np.pi / DAY) + rng.normal(0, 4, n)


def followed(value: np.ndarray, kind: Kind = Kind.GAUGE, horizon: int = HOUR) -> Forecaster:
    made = Forecaster(SeriesBaseline(kind), horizon)
    made.follow(times(len(value)), value)
    return made


def test_a_pause_longer_than_the_horizon_asks_kernels_for_no_other_types(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def foresee(*arguments: object) -> None:
        asked.append([str(each.dtype) for each in arguments if isinstance(each, np.ndarray)])
        foresee_series(*arguments)

    monkeypatch.setattr(bank, "foresee_series", foresee)
    made = Forecaster(SeriesBaseline(Kind.GAUGE, calendar=calendar("+02:00")), HOUR)
    pause = np.concatenate([times(400), times(400) + 800 * MINUTE])
    made.follow(pause, rhythm(800))
    assert len(asked) > 10
    assert all(types == asked[0] for types in asked)


def test_a_daily_rhythm_is_foreseen_an_hour_ahead() -> None:
    value = rhythm(8 * DAY + 60)
    found = followed(value[: 8 * DAY]).forecast()
    assert found is not None
    assert found.time.tolist() == times(8 * DAY + 60)[-60:].tolist()
    came = value[-60:]
    assert np.abs(found.expected - came).mean() < 8
    assert np.mean((found.lower <= came) & (came <= found.upper)) > 0.85
    assert (found.lower < found.expected).all()
    assert (found.expected < found.upper).all()


@pytest.mark.parametrize("kind", [Kind.GAUGE, Kind.COUNT, Kind.LATENCY])
def test_bands_hold_what_they_say_of_a_level_that_wanders(kind: Kind) -> None:
    rng = np.random.default_rng(7)
    level = 200 * np.exp(0.2 * np.cumsum(rng.normal(0, 0.02, 20 * DAY)) - 0.0)
    value = np.round(rng.normal(level, 0.03 * level))
    held = followed(value, kind).reach.held
    assert held.forecasts == 20 * 24 - 1
    assert held.inside / held.points == pytest.approx(COVERAGE, abs=0.025)


def test_scores_are_those_without_forecasts() -> None:
    value = rhythm(DAY)
    plain = SeriesBaseline().follow(times(DAY), value)
    seen = Forecaster(SeriesBaseline(), HOUR).follow(times(DAY), value)
    for name in ("score", "expected", "lower", "upper", "is_anomaly"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(seen, name))


def test_the_same_is_foreseen_however_a_series_is_cut_at_spans() -> None:
    value, at = rhythm(2 * DAY), times(2 * DAY)
    pieces = Forecaster(SeriesBaseline(), HOUR)
    for begin in range(0, 2 * DAY, 120):
        pieces.follow(at[begin : begin + 120], value[begin : begin + 120])
    whole, parted = followed(value).forecast(), pieces.forecast()
    assert whole is not None
    assert parted is not None
    np.testing.assert_array_equal(whole.lower, parted.lower)
    np.testing.assert_array_equal(whole.upper, parted.upper)


def test_nothing_is_foreseen_of_a_series_that_has_just_begun() -> None:
    assert followed(rhythm(20)).forecast() is None
    assert Forecaster(SeriesBaseline(), HOUR).forecast() is None


@pytest.mark.parametrize("horizon", [MINUTE // 2, 30_000 * HOUR])
def test_a_horizon_without_points_or_with_too_many_is_refused(horizon: int) -> None:
    with pytest.raises(ValueError, match="must be 1 to 10000"):
        followed(rhythm(200), horizon=horizon).forecast()


def test_shares_stay_shares() -> None:
    rng = np.random.default_rng(3)
    n = np.full(2 * DAY, 50.0)
    made = Forecaster(SeriesBaseline(Kind.RATIO), HOUR)
    made.follow(times(2 * DAY), rng.binomial(50, 0.01, 2 * DAY) / n, n)
    found = made.forecast()
    assert found is not None
    assert 0.0 <= found.lower.min() < found.upper.max() < 0.2


def test_a_pause_of_a_day_is_no_forecast_that_failed() -> None:
    value = rhythm(600)
    at = times(600)
    at[300:] += DAY * MINUTE
    made = Forecaster(SeriesBaseline(), HOUR)
    made.follow(at, value)
    assert made.reach.held.forecasts == 8


def test_a_reach_grows_where_more_is_outside_and_never_shrinks_further_ahead() -> None:
    reach, ahead = Reach(), np.arange(1, 61) / 60
    low, middle, high = np.full(60, -1.0), np.zeros(60), np.ones(60)
    came = np.where(ahead > 0.5, 5.0, 0.0)
    for _ in range(200):
        reach.learn(ahead, low, middle, high, came)
    assert reach.reach[:2, 1].max() < 0.5
    assert 4.0 < reach.reach[2, 1] < 10.0
    assert (np.diff(reach.reach, axis=0) >= 0.0).all()
    assert reach.reach.shape == unlearned().shape == (PARTS, 2)


def test_a_band_is_widened_side_by_side() -> None:
    ahead = np.array([0.1, 1.0])
    below, above = widened(ahead, np.array([8.0, 8.0]), np.array([10.0, 10.0]), np.array([11.0, 11.0]),
                           np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [3.0, 4.0]]))  # fmt: skip
    assert below.tolist() == [8.0, 4.0]
    assert above.tolist() == [12.0, 14.0]

"""Normal traffic keeps the promised probabilities; what is not normal is seen."""

import numpy as np
import pytest

from tests.baselines.traffic import MINUTE, START, Step, exceedances, negative_binomial, walk
from vedette.baselines.bank_settings import BankSettings
from vedette.baselines.counts import CountBank
from vedette.baselines.judgement import Season
from vedette.baselines.locations import LogBank, quantile_sampling
from vedette.baselines.ratios import RatioBank
from vedette.kernels.baselines.baseline_judge import influence


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.mark.parametrize(
    ("mean", "dispersion"), [(50.0, 0.1), (50.0, 1e-4), (1.0, 0.1), (0.1, 0.1), (2000.0, 0.02), (20.0, 1.0)]
)
def test_stationary_counts_exceed_no_more_often_than_promised(rng, mean, dispersion):
    steps = [Step(negative_binomial(rng, np.full(250, mean), dispersion)) for _ in range(300)]
    judgements = walk(CountBank(), steps)[60:]
    assert exceedances(judgements, 2.0) < 1.6
    assert exceedances(judgements, 3.0) < 2.5
    assert exceedances(judgements, 3.0, low=True) < 2.5


@pytest.mark.parametrize(
    ("requests", "share", "correlation"),
    [(3, 0.02, 1e-4), (50, 0.01, 1e-3), (1000, 0.01, 1e-3), (50, 0.3, 0.02), (20_000, 0.02, 1e-4)],
)
def test_error_ratios_exceed_no_more_often_than_promised(rng, requests, share, correlation):
    strength = 1 / correlation - 1

    def step():
        n = rng.poisson(requests, 150)
        errors = rng.binomial(n, rng.beta(share * strength, (1 - share) * strength, 150))
        return Step(errors.astype(float), n.astype(float))

    judgements = walk(RatioBank(), [step() for _ in range(250)])[60:]
    assert exceedances(judgements, 2.0) < 1.5
    assert exceedances(judgements, 3.0) < 2.5


@pytest.mark.parametrize("requests", [3, 20, 300])
def test_latency_quantiles_exceed_no_more_often_than_promised_however_few_requests(rng, requests):
    def step():
        n = np.maximum(rng.poisson(requests, 40), 1)
        p95 = [np.quantile(rng.lognormal(-2 + rng.normal(0, 0.1), 0.8, size), 0.95) for size in n]
        return Step(np.array(p95), n.astype(float))

    judgements = walk(LogBank(sampling=quantile_sampling(0.95)), [step() for _ in range(200)])[60:]
    assert exceedances(judgements, 2.0) < 1.5
    assert exceedances(judgements, 2.0, low=True) < 1.5


def daily(number: int) -> float:
    return float(100.0 * np.exp(1.1 * np.sin(2 * np.pi * number / 1440)))


def test_the_daily_ramp_of_a_service_never_seen_before_does_not_alarm(rng):
    steps = [Step(negative_binomial(rng, np.full(40, daily(w)), 0.02)) for w in range(1440)]
    judgements = walk(CountBank(), steps)[60:]
    assert exceedances(judgements, 2.0) < 1.5
    assert exceedances(judgements, 3.0) < 2.5


def test_the_hour_of_the_day_is_used_from_the_fourth_day_where_it_helps(rng):
    settings = BankSettings(window_us=10 * MINUTE, slow=90.0, fast=12.0)
    bank = CountBank(settings)
    for number in range(5 * 144):
        slots = np.arange(20, dtype=np.int32)
        time = START + number * 10 * MINUTE
        value = negative_binomial(rng, np.full(20, daily(10 * number)), 0.02)
        judgement = bank.judge(slots, value, None, time)
        bank.update(slots, value, None, time, judgement.weight)
        if number < 3 * 144:
            assert (judgement.season == Season.NONE).all()
    assert (judgement.season == Season.DAY).mean() > 0.8


def test_flat_traffic_earns_no_season(rng):
    bank = CountBank(BankSettings(window_us=10 * MINUTE))
    for number in range(5 * 144):
        slots = np.arange(20, dtype=np.int32)
        time = START + number * 10 * MINUTE
        value = negative_binomial(rng, np.full(20, 50.0), 0.1)
        judgement = bank.judge(slots, value, None, time)
        bank.update(slots, value, None, time, judgement.weight)
    assert (judgement.season == Season.NONE).mean() > 0.8


def judged_alone(bank, value, exposure, number):
    slots = np.arange(len(value), dtype=np.int32)
    return bank.judge(slots, value, exposure, START + number * MINUTE)


def test_three_times_the_traffic_is_beyond_one_in_a_million(rng):
    bank = CountBank()
    walk(bank, [Step(negative_binomial(rng, np.full(50, 200.0), 0.02)) for _ in range(120)])
    judgement = judged_alone(bank, negative_binomial(rng, np.full(50, 600.0), 0.02), None, 120)
    assert np.median(judgement.log10_p_high) > 6.0
    assert not (judgement.log10_p_low > 1.0).any()


def test_a_service_that_falls_silent_is_beyond_one_in_a_million(rng):
    bank = CountBank()
    walk(bank, [Step(negative_binomial(rng, np.full(50, 60.0), 0.02)) for _ in range(120)])
    assert (judged_alone(bank, np.zeros(50), None, 120).log10_p_low > 6.0).all()


def test_eight_percent_errors_instead_of_one_are_beyond_one_in_a_million(rng):
    bank, n = RatioBank(), np.full(50, 500.0)
    walk(bank, [Step(rng.binomial(500, 0.01, 50).astype(float), n) for _ in range(120)])
    judgement = judged_alone(bank, rng.binomial(500, 0.08, 50).astype(float), n, 120)
    assert np.median(judgement.log10_p_high) > 6.0


def test_twice_the_latency_is_beyond_one_in_ten_thousand(rng):
    bank, n = LogBank(sampling=quantile_sampling(0.95)), np.full(50, 2000.0)
    walk(bank, [Step(rng.lognormal(-2, 0.1, 50), n) for _ in range(120)])
    judgement = judged_alone(bank, rng.lognormal(-2 + np.log(2), 0.1, 50), n, 120)
    assert np.median(judgement.log10_p_high) > 4.0


def test_one_error_in_three_requests_is_not_an_alarm(rng):
    bank = RatioBank()
    walk(bank, [Step(np.zeros(1), np.full(1, 3.0)) for _ in range(60)])
    assert judged_alone(bank, np.ones(1), np.full(1, 3.0), 60).log10_p_high[0] < 3.0


def test_the_p95_of_five_requests_says_less_than_that_of_five_thousand(rng):
    bank = LogBank(sampling=quantile_sampling(0.95))
    walk(bank, [Step(rng.lognormal(-2, 0.1, 2), np.full(2, 5000.0)) for _ in range(60)])
    judgement = judged_alone(bank, np.exp([-1.0, -1.0]), np.array([5.0, 5000.0]), 60)
    assert judgement.log10_p_high[0] < 1.0
    assert judgement.log10_p_high[1] > 5.0


def test_surprises_far_beyond_300_are_told_apart():
    bank = CountBank()
    walk(bank, [Step(np.array([50.0 + number % 7])) for number in range(100)])
    ten, twenty = (judged_alone(bank, np.array([v]), None, 100).log10_p_high[0] for v in (2e4, 4e4))
    assert 300 < ten < twenty < np.inf


def test_an_hour_of_five_times_the_traffic_raises_the_baseline_by_less_than_a_quarter(rng):
    bank = CountBank()
    calm = [Step(negative_binomial(rng, np.full(40, 100.0), 0.02)) for _ in range(240)]
    burst = [Step(negative_binomial(rng, np.full(40, 500.0), 0.02)) for _ in range(60)]
    walk(bank, calm)
    during = walk(bank, burst, first=240)
    after = judged_alone(bank, np.full(40, 100.0), None, 300)
    assert all(np.median(j.log10_p_high) > 5.0 for j in during)
    assert np.median(after.expected_mid) < 125.0


def test_an_hour_of_errors_leaves_the_error_baseline_low(rng):
    bank, n = RatioBank(), np.full(40, 500.0)
    walk(bank, [Step(rng.binomial(500, 0.01, 40).astype(float), n) for _ in range(240)])
    walk(bank, [Step(rng.binomial(500, 0.2, 40).astype(float), n) for _ in range(60)], first=240)
    assert np.median(judged_alone(bank, np.zeros(40), n, 300).expected_mid) < 0.03


def test_a_level_held_for_as_long_as_the_old_one_was_known_becomes_normal(rng):
    bank = CountBank()
    walk(bank, [Step(negative_binomial(rng, np.full(20, 100.0), 0.02)) for _ in range(120)])
    after = walk(
        bank, [Step(negative_binomial(rng, np.full(20, 1500.0), 0.02)) for _ in range(180)], first=120
    )
    assert np.median(after[60].log10_p_high) > 5.0
    assert np.median(after[-1].log10_p_high) < 2.0
    assert np.median(after[-1].expected_mid) == pytest.approx(1500.0, rel=0.15)


def test_absent_windows_are_zeros_but_a_log_that_is_missing_is_not():
    absent, missing = CountBank(), CountBank()
    slot, other, five = np.zeros(1, dtype=np.int32), np.ones(1, dtype=np.int32), np.full(1, 5.0)
    for number in range(60):
        for bank in (absent, missing):
            bank.update(slot, five, None, START + number * MINUTE)
    for number in range(60, 120):
        absent.update(other, five, None, START + number * MINUTE)
    at = START + 120 * MINUTE
    assert absent.judge(slot, five, None, at).expected_mid[0] < 3.0
    assert missing.judge(slot, five, None, at).expected_mid[0] == pytest.approx(5.0, abs=0.1)


def test_absence_in_closed_form_is_what_zeros_one_by_one_would_give():
    lazy, busy = CountBank(), CountBank()
    slots = np.array([0, 1], dtype=np.int32)
    rng = np.random.default_rng(2)
    for number in range(400):
        time, seen = START + number * MINUTE, number == 0 or rng.random() < 0.2
        value = np.array([float(seen), 9.0])
        busy.update(slots, value, None, time)
        present = slice(0, 2) if seen else slice(1, 2)
        lazy.update(slots[present], value[present], None, time)
    at = START + 400 * MINUTE
    left, right = (b.judge(slots[:1], np.ones(1) * 3, None, at) for b in (lazy, busy))
    assert left.sample_count[0] == right.sample_count[0] == 400
    assert left.expected_mid[0] == pytest.approx(right.expected_mid[0], rel=1e-6)
    assert left.log10_p_high[0] == pytest.approx(right.log10_p_high[0], abs=0.15)


def test_a_young_route_borrows_its_services_error_ratio(rng):
    bank = RatioBank()
    bank.set_parents(np.array([1], dtype=np.int32), np.array([0], dtype=np.int32))
    service, route = np.zeros(1, dtype=np.int32), np.ones(1, dtype=np.int32)
    for number in range(60):
        time = START + number * MINUTE
        bank.update(service, rng.binomial(1000, 0.2, 1).astype(float), np.full(1, 1000.0), time)
        if number >= 40:
            bank.update(route, np.ones(1), np.full(1, 5.0), time)
    judgement = bank.judge(route, np.ones(1), np.full(1, 5.0), START + 60 * MINUTE)
    assert judgement.parent[0]
    assert judgement.ready[0]
    assert judgement.expected_mid[0] == pytest.approx(0.2, abs=0.02)


def test_a_young_route_without_a_ready_parent_is_not_judged():
    bank = CountBank()
    bank.set_parents(np.array([1], dtype=np.int32), np.array([0], dtype=np.int32))
    slots = np.array([0, 1], dtype=np.int32)
    for number in range(20):
        bank.update(slots, np.ones(2), None, START + number * MINUTE)
    assert not bank.judge(slots, np.ones(2), None, START + 20 * MINUTE).ready.any()


def test_parents_in_a_circle_end():
    bank = CountBank()
    bank.set_parents(np.array([0, 1], dtype=np.int32), np.array([1, 0], dtype=np.int32))
    assert not judged_alone(bank, np.ones(2), None, 0).ready.any()


def test_a_rare_window_teaches_little_but_never_nothing():
    weight = [influence(surprise) for surprise in (0.0, 2.5, 4.5, 300.0)]
    np.testing.assert_allclose(weight, [1.0, 1.0, 0.1, 0.02])

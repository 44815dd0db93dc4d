"""A budget of false alarms becomes thresholds, and says what was spent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.baselines.budget import Budget, ZScore
from vedette.baselines.seen_tails import MOST_PEAKS

MINUTE = 60_000_000
WEEK = 7 * 24 * 60


def surprises(rng, tests: int, stretch: float = 1.0) -> np.ndarray:
    """-log10 of uniform p-values; stretched, they exceed more often than they say."""
    return -np.log10(rng.random(tests)) * stretch


def test_before_anything_is_seen_the_threshold_is_what_the_budget_allows():
    budget = Budget(1.0, window_us=MINUTE, detectors=4, agreement=1.0)
    assert budget.threshold("errors") == pytest.approx(np.log10(4 * WEEK))


def test_more_tests_share_the_same_budget():
    budget = Budget(1.0, window_us=MINUTE, detectors=1, agreement=1.0)
    for _ in range(10):
        budget.observe("errors", np.zeros(100))
    assert budget.threshold("errors") == pytest.approx(np.log10(100 * WEEK))


def test_tests_that_have_begun_share_in_the_budget_before_they_are_observed():
    """Else the first of a thousand sessions would be judged as if it were the only one."""
    budget, knowing = (Budget(1.0, window_us=MINUTE, detectors=1) for _ in range(2))
    knowing.observe("sessions", np.zeros(1000))
    assert budget.threshold("sessions", 1000.0) == pytest.approx(knowing.threshold("sessions"))
    assert budget.threshold("sessions", 1000.0) > budget.threshold("sessions") + 2.9
    # What was observed is never taken back.
    assert knowing.threshold("sessions", 3.0) == knowing.threshold("sessions")


def test_a_larger_budget_and_more_services_allow_more():
    small, large = Budget(1.0, window_us=MINUTE), Budget(10.0, window_us=MINUTE)
    many = Budget(1.0, window_us=MINUTE, services=10)
    assert small.threshold("x") - large.threshold("x") == pytest.approx(1.0)
    assert small.threshold("x") - many.threshold("x") == pytest.approx(1.0)


def test_normal_tests_exceed_as_often_as_promised():
    rng = np.random.default_rng(5)
    budget = Budget(100.0, window_us=MINUTE, detectors=1, agreement=1.0)
    for _ in range(WEEK):
        budget.observe("errors", surprises(rng, 20))
    spent = budget.spent("errors")
    assert spent.tests == 20 * WEEK
    assert spent.promised == pytest.approx(100.0, rel=0.01)
    assert 60 < spent.over < 140


def test_a_tail_heavier_than_promised_raises_the_threshold_until_the_promise_holds():
    rng = np.random.default_rng(6)
    budget = Budget(100.0, window_us=MINUTE, detectors=1, agreement=1.0)
    for _ in range(2000):
        budget.observe("errors", surprises(rng, 20, stretch=1.5))
    reason = budget.explain("errors")
    assert reason.corrected
    fresh = surprises(rng, 1_000_000, stretch=1.5)
    assert (fresh > reason.promised).mean() > 4 * reason.p
    assert (fresh > reason.threshold).mean() < 2.5 * reason.p


@given(st.lists(st.lists(st.floats(0, 400), max_size=30), max_size=40))
def test_the_threshold_is_never_laxer_than_promised_nor_beyond_reach(windows):
    budget = Budget(1.0, window_us=MINUTE)
    for window in windows:
        budget.observe("errors", np.array(window, dtype=np.float64))
        reason = budget.explain("errors")
        assert reason.promised <= reason.threshold <= 2.5 * reason.promised


def test_a_long_attack_does_not_hide_the_next_one():
    rng = np.random.default_rng(7)
    budget = Budget(1.0, window_us=MINUTE)
    for _ in range(500):
        budget.observe("errors", surprises(rng, 20))
    for _ in range(60):
        budget.observe("errors", np.append(surprises(rng, 19), 80.0))
    assert budget.threshold("errors") < 20.0


def test_the_order_of_entities_does_not_matter():
    rng = np.random.default_rng(8)
    left, right = Budget(1.0, window_us=MINUTE), Budget(1.0, window_us=MINUTE)
    for _ in range(100):
        window = surprises(rng, 200)
        left.observe("errors", window)
        right.observe("errors", rng.permutation(window))
    assert left.to_state() == right.to_state()


def test_restored_from_its_state_a_budget_has_the_same_future_and_bounded_memory():
    rng = np.random.default_rng(9)
    budget = Budget(1.0, window_us=MINUTE)
    for _ in range(400):
        budget.observe("errors", surprises(rng, 300, stretch=1.3))
    assert budget.explain("errors").peaks == MOST_PEAKS
    restored = Budget(1.0, window_us=MINUTE)
    restored.from_state(budget.to_state())
    window = surprises(rng, 300)
    for each in (budget, restored):
        each.observe("errors", window)
    assert restored.explain("errors") == budget.explain("errors")
    assert restored.spent("errors") == budget.spent("errors")


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x81\xa1x\x01"])
def test_a_damaged_state_is_refused(content):
    with pytest.raises(ValueError, match="budget state is damaged"):
        Budget(1.0, window_us=MINUTE).from_state(content)


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(ValueError, match="false_alarms_per_week = 0: must be positive"):
        Budget(0, window_us=MINUTE)


def test_plain_z_scores_stay_where_they_are():
    mode = ZScore(3.0)
    mode.observe("errors", np.full(1000, 50.0))
    assert mode.threshold("errors") == pytest.approx(-np.log10(0.0013498980316301), abs=1e-9)

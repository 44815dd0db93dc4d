"""The surprises of each service are held to their own past, and borrow from what is typical of the others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.baselines.budget import Budget
from vedette.baselines.seen_tails import ANYBODY, FEWEST_PEAKS, MOST_PEAKS, PEAK_LEVEL, SeenTails

MINUTE = 60_000_000
SERVICES = np.arange(1, 13, dtype=np.int32)
NOISY = 12


def week(rng: np.random.Generator, noisy: float, honest: float = 1.0, windows: int = 3000) -> Budget:
    """A budget that has seen twelve services, the last of them with heavier surprises."""
    budget = Budget(1.0, window_us=MINUTE, services=len(SERVICES))
    stretch = np.where(SERVICES == NOISY, noisy, honest)
    for _ in range(windows):
        budget.observe("errors", -np.log10(rng.random(len(SERVICES))) * stretch, SERVICES)
    return budget


def test_one_noisy_service_does_not_raise_the_thresholds_of_the_others():
    budget = week(np.random.default_rng(1), 3.0)
    promised = budget.least("errors")
    assert budget.threshold("errors", owner=NOISY) > 2 * promised
    for quiet in range(1, 12):
        assert budget.threshold("errors", owner=quiet) < 1.4 * promised
    (line,) = budget.account(lambda slot: f"s{slot}")
    assert line.threshold == line.raised["s12"] > promised
    assert line.corrected


def test_a_service_that_nothing_is_known_of_yet_is_taken_for_one_like_the_others():
    calm, wild = (week(np.random.default_rng(2), stretch, stretch) for stretch in (1.0, 2.5))
    assert calm.threshold("errors", owner=99) < 1.4 * calm.least("errors")
    assert wild.threshold("errors", owner=99) > 1.5 * wild.least("errors")


def test_thresholds_keep_their_promise_for_each_service():
    rng = np.random.default_rng(3)
    budget = week(rng, 2.0, 1.0, windows=20_000)
    p = budget.explain("errors").p
    for owner, stretch in ((1, 1.0), (NOISY, 2.0)):
        fresh = -np.log10(rng.random(4_000_000)) * stretch
        assert (fresh > budget.threshold("errors", owner=owner)).mean() < 3 * p


def test_before_there_are_peaks_enough_or_where_no_services_are_told_apart_nothing_is_borrowed():
    tails = SeenTails()
    tails.observe(np.array([3.0] * (FEWEST_PEAKS - 1)), np.arange(FEWEST_PEAKS - 1, dtype=np.int32), 6.0)
    assert tails.of(0) is None
    alone = SeenTails()
    alone.observe(np.array([3.0] * (FEWEST_PEAKS - 1)), None, 6.0)
    assert alone.of(ANYBODY) is None
    alone.observe(np.array([3.0]), None, 6.0)
    assert alone.of(ANYBODY) is not None


windows = st.lists(
    st.lists(
        st.tuples(st.integers(0, 5), st.floats(0, 40)), min_size=1, max_size=12, unique_by=lambda t: t[0]
    ),
    max_size=60,
)


@given(windows)
def test_neither_the_order_of_rows_nor_a_restart_changes_what_is_known(rows):
    straight, turned = SeenTails(), SeenTails()
    for window in rows:
        owner = np.array([o for o, _ in window], dtype=np.int32)
        surprise = np.array([s for _, s in window])
        straight.observe(surprise, owner, 6.0)
        turned = SeenTails.of_rows(turned.rows())
        turned.observe(surprise[::-1], owner[::-1], 6.0)
    assert turned.rows() == straight.rows()
    assert [turned.of(owner) for owner in range(7)] == [straight.of(owner) for owner in range(7)]


def test_the_latest_peaks_are_kept_with_the_tests_that_they_come_from():
    tails = SeenTails()
    for _ in range(40):
        tails.observe(np.append(np.full(50, 3.0), np.zeros(950)), np.full(1000, 2, dtype=np.int32), 6.0)
    ((owner, tests, peaks),) = tails.rows()
    assert (owner, len(peaks)) == (2, MOST_PEAKS)
    assert len(peaks) / tests == pytest.approx(0.05, rel=0.01)


@pytest.mark.parametrize(
    "row",
    [
        (-2, 1.0, []),
        (1 << 30, 1.0, []),
        (0, float("nan"), []),
        (0, 0.0, []),
        (0, 5.0, [PEAK_LEVEL]),
        (0, 5.0, [float("inf")]),
        (0, 5.0, [3.0] * (MOST_PEAKS + 1)),
    ],
)
def test_rows_that_cannot_be_are_refused(row):
    with pytest.raises(ValueError, match="of service"):
        SeenTails.of_rows([row])

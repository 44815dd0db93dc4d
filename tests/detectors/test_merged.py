"""Ratios of sparse windows are judged together, by what was expected before the first of them."""

import numpy as np
import pytest
from tests.baselines.traffic import MINUTE, START

from vedette.baselines.counts import CountBank
from vedette.baselines.formulas import recompute
from vedette.baselines.ratios import RatioBank
from vedette.detectors.statistical.merged import RecentRatios
from vedette.detectors.view import Judged
from vedette.kernels.windows.recent_ratios import MOST_WINDOWS, REACH

SLOTS = np.array([3, 1], dtype=np.int32)


class Log:
    """Windows of two entities: judged, merged, learned."""

    def __init__(self, enough: int = 20, least: int = 5) -> None:
        self.bank, self.recent, self.number = RatioBank(), RecentRatios(enough, least), 0

    def window(self, errors: tuple[float, float], requests: tuple[float, float]):
        count, exposure = np.array(errors), np.array(requests)
        time = START + self.number * MINUTE
        judgement = self.bank.judge(SLOTS, count, exposure, time)
        with np.errstate(invalid="ignore"):
            own = Judged(SLOTS, count / exposure, judgement)
        merged = self.recent.merge(self.number, own)
        self.bank.update(SLOTS, count, exposure, time, judgement.weight)
        self.number += 1
        return own, merged


@pytest.fixture
def log() -> Log:
    log = Log()
    for _ in range(60):
        log.window((0.0, 1.0), (6.0, 100.0))
    return log


def test_a_window_of_many_requests_and_many_hits_is_judged_alone(log):
    expected = log.recent._ring[1, MOST_WINDOWS - 2, 3]
    _, merged = log.window((2.0, 7.0), (6.0, 100.0))
    assert (merged.windows[1], merged.hit[1]) == (1, 1)
    assert (merged.count[1], merged.exposure[1], merged.largest[1]) == (7.0, 100.0, 7.0)
    assert merged.judged.formula(1, high=True).inputs["mean"] == expected


def test_a_window_of_many_requests_and_none_of_them_hit_is_judged_as_its_own(log):
    own, merged = log.window((0.0, 0.0), (6.0, 100.0))
    assert (merged.windows[1], merged.exposure[1]) == (1, 100.0)
    assert merged.judged.judgement.centre[1] == own.judgement.centre[1]


def test_few_requests_are_judged_together_by_what_was_expected_before_any_that_is_remembered(log):
    expected = []
    for _ in range(MOST_WINDOWS):
        own, merged = log.window((3.0, 1.0), (6.0, 100.0))
        expected.append(own.judgement.centre[0])
    assert (merged.windows[0], merged.hit[0]) == (MOST_WINDOWS, MOST_WINDOWS)
    assert (merged.count[0], merged.exposure[0], merged.largest[0]) == (60.0, 120.0, 3.0)
    assert merged.judged.value[0] == 0.5
    formula = merged.judged.formula(0, high=True)
    # Twenty windows ago: the baseline has got used to it since.
    assert formula.inputs["mean"] == expected[0]
    assert own.judgement.centre[0] > 2 * expected[0]
    assert recompute(formula.name, formula.inputs) == pytest.approx(formula.result, rel=1e-5)


def test_few_hits_are_judged_together_until_they_are_enough(log):
    _, merged = log.window((0.0, 2.0), (6.0, 100.0))
    # One in each window before.
    assert (merged.count[1], merged.exposure[1], merged.windows[1]) == (5.0, 400.0, 4)
    for _ in range(3):
        log.window((0.0, 0.0), (6.0, 100.0))
    _, merged = log.window((0.0, 3.0), (6.0, 100.0))
    # Twenty windows with a hit in nearly each say more than the last five hits.
    assert (merged.count[1], merged.exposure[1], merged.windows[1]) == (20.0, 2000.0, MOST_WINDOWS)
    assert merged.largest[1] == 3.0


def test_windows_with_enough_hits_do_not_make_later_ones_surprising(log):
    for _ in range(4):
        log.window((0.0, 40.0), (6.0, 100.0))
    for _ in range(6):
        log.window((0.0, 0.0), (6.0, 100.0))
    _, merged = log.window((0.0, 1.0), (6.0, 100.0))
    assert merged.windows[1] < MOST_WINDOWS
    assert merged.count[1] < 45.0


def test_for_the_sake_of_requests_five_windows_are_enough(log):
    log.recent.enough = 10_000.0
    for _ in range(6):
        _, merged = log.window((3.0, 3.0), (6.0, 100.0))
    assert merged.exposure.tolist() == [30.0, 500.0]


def test_no_more_than_twenty_windows_of_the_last_hour_are_judged_together(log):
    log.recent.least = 10_000.0
    assert log.window((1.0, 1.0), (6.0, 100.0))[1].exposure.tolist() == [120.0, 2000.0]
    log.number += REACH - 12
    # What was eleven windows before the gap is an hour ago.
    assert log.window((1.0, 1.0), (6.0, 100.0))[1].exposure.tolist() == [72.0, 1200.0]
    log.number += REACH
    assert log.window((1.0, 1.0), (6.0, 100.0))[1].windows.tolist() == [1, 1]


def test_a_window_without_requests_is_not_judged(log):
    _, merged = log.window((0.0, 1.0), (0.0, 100.0))
    assert not merged.judged.ready[0]
    assert merged.windows[0] == 1


def test_what_is_no_ratio_is_refused():
    bank, slot, one = CountBank(), np.zeros(1, dtype=np.int32), np.ones(1)
    with pytest.raises(ValueError, match="requests that they are among"):
        RecentRatios(20, 5).merge(0, Judged(slot, one, bank.judge(slot, one, None, START)))

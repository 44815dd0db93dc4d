"""Ratios of sparse windows are judged together, by what was expected before the first of them."""

import numpy as np
import pytest
from tests.baselines.traffic import MINUTE, START

from vedette.baselines.counts import CountBank
from vedette.baselines.formulas import recompute
from vedette.baselines.ratios import RatioBank
from vedette.detectors.statistical.merged import RecentRatios
from vedette.detectors.view import Judged

SLOTS = np.array([3, 1], dtype=np.int32)


class Log:
    """Windows of two entities: judged, merged, learned."""

    def __init__(self, enough: int = 20) -> None:
        self.bank, self.recent, self.number = RatioBank(), RecentRatios(enough), 0

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
    for _ in range(40):
        log.window((0.0, 1.0), (6.0, 100.0))
    return log


def test_a_window_of_many_requests_is_judged_alone(log):
    own, merged = log.window((2.0, 3.0), (6.0, 100.0))
    assert merged.windows[1] == 1
    assert (merged.count[1], merged.exposure[1]) == (3.0, 100.0)
    assert merged.judged.judgement.log10_p_high[1] == own.judgement.log10_p_high[1]


def test_sparse_windows_are_judged_together_by_the_expectation_before_the_first(log):
    first, _ = log.window((3.0, 1.0), (6.0, 100.0))
    for _ in range(2):
        log.window((3.0, 1.0), (6.0, 100.0))
    _, merged = log.window((4.0, 1.0), (6.0, 100.0))
    assert merged.windows[0] == 4
    assert (merged.count[0], merged.exposure[0]) == (13.0, 24.0)
    assert merged.judged.value[0] == pytest.approx(13 / 24)
    formula = merged.judged.formula(0, high=True)
    assert formula.inputs["mean"] == first.judgement.centre[0]
    assert recompute(formula.name, formula.inputs) == pytest.approx(formula.result, rel=1e-5)


def test_no_more_than_five_windows_are_judged_together_and_none_from_before(log):
    log.recent.enough = 1000.0
    assert log.window((1.0, 1.0), (6.0, 100.0))[1].exposure.tolist() == [30.0, 500.0]
    log.number += 3
    # The window before the gap is the fifth, and the only other one.
    assert log.window((1.0, 1.0), (6.0, 100.0))[1].exposure.tolist() == [12.0, 200.0]
    log.number += 4
    assert log.window((1.0, 1.0), (6.0, 100.0))[1].windows.tolist() == [1, 1]


def test_a_window_without_requests_is_not_judged(log):
    _, merged = log.window((0.0, 1.0), (0.0, 100.0))
    assert not merged.judged.ready[0]
    assert merged.windows[0] == 1


def test_what_is_no_ratio_is_refused():
    bank, slot, one = CountBank(), np.zeros(1, dtype=np.int32), np.ones(1)
    with pytest.raises(ValueError, match="requests that they are among"):
        RecentRatios(20).merge(0, Judged(slot, one, bank.judge(slot, one, None, START)))

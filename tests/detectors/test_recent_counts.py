"""Counts of several windows are judged together, by how far such sums were off in the last day."""

import numpy as np
import pytest
from tests.baselines.traffic import MINUTE, START

from vedette.baselines.counts import CountBank
from vedette.baselines.formulas import recompute
from vedette.detectors.statistical.recent_counts import RecentCounts
from vedette.detectors.view import Judged
from vedette.kernels.windows.recent_counts import REACH, TOGETHER
from vedette.schema.state import StateError, decode, encode

SLOTS = np.array([4, 1], dtype=np.int32)
ROWS = np.array([0, 1], dtype=np.intp)
NOBODY = np.zeros(2)
MISSING = (0.6, 0.25)
DAY = 1440 + 30 + REACH + 10


class Log:
    """Windows of two entities: one is asked by devices, the other by people, who come in bursts."""

    def __init__(self) -> None:
        self.bank, self.recent, self.number = CountBank(), RecentCounts(MISSING), 0
        self.draw = np.random.default_rng(5)

    def window(self, part: float = 1.0, alone: np.ndarray = NOBODY):
        devices = 30.0 + (self.number % 5) + (90.0 if self.number % 60 == 0 else 0.0)
        people = float(self.draw.poisson(15.0 * self.draw.poisson(2.0)))
        value = np.rint(part * np.array([devices, people]))
        time = START + self.number * MINUTE
        own = Judged(SLOTS, value, self.bank.judge(SLOTS, value, None, time))
        summed = self.recent.merge(self.number, own, ROWS, alone)
        self.bank.update(SLOTS, value, None, time, own.judgement.weight)
        self.number += 1
        return own, summed


@pytest.fixture(scope="module")
def day() -> bytes:
    """The states of a bank and of what is remembered, after a day."""
    log = Log()
    for _ in range(DAY):
        log.window()
    return encode([log.bank.to_state(), log.recent.to_state()])


@pytest.fixture
def log(day) -> Log:
    log = Log()
    bank, recent = decode(day, list[bytes], "a day")
    log.bank.from_state(bank)
    log.recent.from_state(recent)
    log.number = DAY
    return log


def test_a_third_less_of_what_is_steady_is_told_by_the_sum_of_twenty_windows_and_can_be_recomputed(log):
    for _ in range(TOGETHER):
        own, summed = log.window(0.67)
    assert own.surprise_low[0] < 3.0
    assert summed.judged.surprise_low[0] > 8.0
    assert (summed.windows[0], summed.since[0]) == (TOGETHER, TOGETHER)
    formula = summed.judged.formula(0, high=False)
    assert formula.inputs["value"] == summed.judged.value[0] == TOGETHER * summed.each.value[0]
    assert recompute(formula.name, formula.inputs) == pytest.approx(formula.result, rel=1e-5)


def test_it_says_since_when_there_is_less(log):
    for _ in range(TOGETHER - 3):
        _, summed = log.window(0.6)
    assert summed.windows[0] == TOGETHER
    assert summed.since[0] == TOGETHER - 3


def test_a_third_less_of_what_comes_in_bursts_is_no_surprise(log):
    for _ in range(TOGETHER):
        _, summed = log.window(0.67)
    assert summed.judged.surprise_low[1] < 4.0


def test_ten_windows_of_what_comes_in_bursts_are_told_that_are_nearly_empty(log):
    for _ in range(10):
        own, summed = log.window(0.05)
    assert own.surprise_low[1] < 4.0
    assert summed.judged.surprise_low[1] > 8.0
    assert summed.windows[1] == 10


def test_less_than_a_quarter_missing_is_not_judged_so(log):
    for _ in range(TOGETHER):
        own, summed = log.window(0.8)
    assert summed.windows[0] == 1
    assert summed.judged.surprise_low[0] == own.surprise_low[0]


def test_what_one_client_may_make_is_no_drop_of_a_service(log):
    for _ in range(TOGETHER):
        _, summed = log.window(0.67, np.array([12.0, 12.0]))
    assert summed.windows[0] == 1


def test_a_burst_that_is_over_is_not_what_was_usual(log):
    for _ in range(TOGETHER + 5):
        log.window(3.0)
    for _ in range(TOGETHER):
        _, summed = log.window()
        assert summed.windows[0] == 1


def test_nothing_is_judged_so_in_the_first_day_or_soon_after_a_gap(log):
    young = Log()
    for _ in range(DAY - 200):
        young.window()
    for _ in range(TOGETHER):
        assert young.window(0.5)[1].windows[0] == 1
    log.number += 1
    for _ in range(REACH - 1):
        assert log.window(0.67)[1].windows[0] == 1


def test_a_restart_changes_nothing(log):
    other = RecentCounts(MISSING)
    other.from_state(log.recent.to_state())
    assert other.to_state() == log.recent.to_state()
    for _ in range(TOGETHER):
        own, summed = log.window(0.6)
        again = other.merge(log.number - 1, own, ROWS, NOBODY)
    assert again.judged.judgement.table.tobytes() == summed.judged.judgement.table.tobytes()


@pytest.mark.parametrize("content", [b"", b"x", encode([]), encode([1, 2])])
def test_damaged_memory_is_refused(content: bytes) -> None:
    with pytest.raises(StateError):
        RecentCounts(MISSING).from_state(content)


def test_memory_that_gives_two_slots_one_place_is_refused(log):
    log.recent._places[[1, 4]] = 1
    with pytest.raises(StateError):
        RecentCounts(MISSING).from_state(log.recent.to_state())

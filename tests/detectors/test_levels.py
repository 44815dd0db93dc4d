"""Latencies of several windows are judged together, by what was expected before the first of them."""

import numpy as np
import pytest
from tests.baselines.traffic import MINUTE, START

from vedette.baselines.formulas import recompute
from vedette.baselines.locations import LogBank, quantile_sampling
from vedette.detectors.statistical.levels import RecentLevels
from vedette.detectors.view import Judged
from vedette.kernels.windows.recent_levels import MOST_WINDOWS
from vedette.schema.state import StateError, encode, pack

SLOTS = np.array([3, 1], dtype=np.int32)
SAMPLING = quantile_sampling(0.95)


class Log:
    """Windows of two entities, one with few requests: judged, merged, learned."""

    def __init__(self) -> None:
        self.bank, self.number = LogBank(sampling=SAMPLING), 0
        self.recent = RecentLevels(100, SAMPLING)
        self.draw = np.random.default_rng(3)

    def window(self, few: float = 0.2, many: float = 0.2):
        value = np.array([few, many]) * np.exp(self.draw.normal(0.0, [0.2, 0.05]))
        exposure = np.array([3.0, 400.0])
        time = START + self.number * MINUTE
        judgement = self.bank.judge(SLOTS, value, exposure, time)
        own = Judged(SLOTS, value, judgement, exposure)
        levels = self.recent.merge(self.number, own)
        self.bank.update(SLOTS, value, exposure, time, judgement.weight)
        self.number += 1
        return own, levels


@pytest.fixture
def log() -> Log:
    log = Log()
    for _ in range(200):
        log.window()
    return log


def test_few_requests_are_averaged_with_those_of_windows_before(log):
    for _ in range(12):
        own, levels = log.window(few=1.2)
    assert levels.windows[0] == MOST_WINDOWS
    assert levels.exposure[0] == 3.0 * MOST_WINDOWS
    assert levels.slow[0] == 12
    assert levels.judged.surprise_high[0] > 4.0 > own.surprise_high[0]
    formula = levels.judged.formula(0, high=True)
    assert recompute(formula.name, formula.inputs) == pytest.approx(formula.result, rel=1e-5)
    assert levels.judged.value[0] == formula.inputs["value"]


def test_what_creeps_is_held_against_what_was_expected_before(log):
    for step in range(30):
        own, levels = log.window(many=0.2 * (1.0 + step / 30))
    assert levels.windows[1] == 1
    assert levels.judged.expected_mid[1] < own.expected_mid[1]
    assert levels.judged.surprise_high[1] > own.surprise_high[1]


def test_the_largest_of_few_requests_is_no_faster_than_that_of_many():
    """A service is asked sixty times a minute by day, and twice at night: three times as slow is told at night, too."""
    bank, recent, draw, slot = (
        LogBank(sampling=SAMPLING),
        RecentLevels(100, SAMPLING),
        np.random.default_rng(4),
        SLOTS[:1],
    )
    found = []
    for number in range(1440):
        requests, slow = (60, 1.0) if number < 720 else (2, 3.0 if number >= 1420 else 1.0)
        value = np.array(
            [np.quantile(slow * np.exp(draw.normal(0.0, 0.3, requests)), 0.95, method="inverted_cdf")]
        )
        exposure, time = np.array([float(requests)]), START + number * MINUTE
        judgement = bank.judge(slot, value, exposure, time)
        levels = recent.merge(number, Judged(slot, value, judgement, exposure))
        bank.update(slot, value, exposure, time, judgement.weight)
        found.append(float(levels.judged.surprise_high[0]))
    assert max(found[100:1420]) < 4.0
    assert max(found[1420:]) > 6.0


def test_what_an_earlier_version_remembered_is_taken_over(log):
    ring, errors = log.recent._ring, log.recent._errors
    other = RecentLevels(100, SAMPLING)
    other.from_state(encode([pack(ring), pack(np.ascontiguousarray(errors[:, :2]))]))
    assert other._ring.tobytes() == ring.tobytes()
    assert other._errors[:, :2].tobytes() == errors[:, :2].tobytes()
    assert not other._errors[:, 2:].any()


def test_what_is_over_is_judged_by_itself(log):
    for _ in range(12):
        log.window(few=1.2)
    own, levels = log.window()
    assert levels.windows[0] == 1
    assert levels.judged.surprise_high[0] == own.surprise_high[0]


def test_a_restart_changes_nothing(log):
    other = RecentLevels(100, SAMPLING)
    other.from_state(log.recent.to_state())
    assert other.to_state() == log.recent.to_state()
    own, levels = log.window(few=1.2)
    again = other.merge(log.number - 1, own)
    assert again.judged.judgement.table.tobytes() == levels.judged.judgement.table.tobytes()


@pytest.mark.parametrize("content", [b"", b"x", encode([]), encode([1, 2])])
def test_damaged_memory_is_refused(content: bytes) -> None:
    with pytest.raises(StateError):
        RecentLevels(100, SAMPLING).from_state(content)

"""When surprises become an alarm."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.baselines.traffic import MINUTE, START

from vedette.baselines.budget import ZScore
from vedette.baselines.counts import CountBank
from vedette.detectors.statistical.banded import Gated
from vedette.detectors.statistical.gate import MEMORY, OVERWHELMING, Gate
from vedette.detectors.view import Judged

ONE = np.zeros(1, dtype=np.int32)


def windows(gate: Gate, *surprises: float) -> list[bool]:
    return [bool(gate.decide(ONE, np.array([s]), 4.0)) for s in surprises]


def test_two_of_three_windows_must_agree():
    assert windows(Gate(), 5.0, 5.0) == [False, True]
    assert windows(Gate(), 5.0, 0.0, 5.0) == [False, False, True]
    assert windows(Gate(), 5.0, 0.0, 0.0, 5.0) == [False, False, False, False]


def test_an_overwhelming_window_alarms_alone_where_it_may():
    assert windows(Gate(), 4.0 * OVERWHELMING) == [True]
    slots = np.arange(2, dtype=np.int32)
    assert Gate().decide(slots, np.full(2, 9.0), 4.0, np.array([False, True])) == [1]


def test_a_window_in_which_an_entity_was_not_judged_does_not_count():
    gate = Gate()
    gate.decide(ONE, np.array([5.0]), 4.0)
    for _ in range(9):
        gate.decide(ONE + 1, np.array([0.0]), 4.0)
    assert gate.decide(ONE, np.array([5.0]), 4.0) == [0]


def test_calm_returns_when_the_last_surprise_is_out_of_sight():
    gate = Gate()
    assert gate.calm
    windows(gate, 5.0, *[0.0] * (MEMORY - 1))
    assert not gate.calm
    windows(gate, 0.0)
    assert gate.calm


@given(st.lists(st.lists(st.sampled_from([0.0, 3.0, 5.0, 9.0, np.nan]), min_size=3, max_size=3), max_size=12))
def test_each_entity_alarms_by_its_own_windows_alone(history):
    together, slots = Gate(), np.array([7, 2, 900], dtype=np.int32)
    alone = [Gate() for _ in slots]
    for surprises in history:
        expected = [
            row
            for row, gate in enumerate(alone)
            if gate.decide(slots[row : row + 1], np.array([surprises[row]]), 4.0)
        ]
        assert together.decide(slots, np.array(surprises), 4.0) == expected


def judged(bank: CountBank, value: float, number: int) -> Judged:
    time = START + number * MINUTE
    judgement = bank.judge(ONE, np.array([value]), None, time)
    bank.update(ONE, np.array([value]), None, time, judgement.weight)
    return Judged(ONE, np.array([value]), judgement)


def test_what_is_worth_an_alarm_is_asked_only_when_something_is_surprising():
    bank, gated, asked = CountBank(), Gated("volume", ZScore(4.0), high=True), []

    def worth() -> np.ndarray:
        asked.append(True)
        return np.ones(1, dtype=bool)

    view = SimpleNamespace(owners=lambda slots: slots)
    for number in range(60):
        assert gated.alarms(view, judged(bank, 20.0 + number % 5, number), worth) == []
    assert not asked
    alarms = [gated.alarms(view, judged(bank, 46.0, 60 + number), worth) for number in range(2)]
    assert [len(found) for found in alarms] == [0, 1]
    assert len(asked) == 2

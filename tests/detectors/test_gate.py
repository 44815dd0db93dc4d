"""When surprises become an alarm."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.baselines.traffic import MINUTE, START

from vedette.baselines.budget import Budget, ZScore
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

    view = SimpleNamespace(owners=lambda slots: slots, start=START)
    for number in range(60):
        assert gated.alarms(view, judged(bank, 20.0 + number % 5, number), worth) == []
    assert not asked
    alarms = [gated.alarms(view, judged(bank, 46.0, 60 + number), worth) for number in range(2)]
    assert [len(found) for found in alarms] == [0, 1]
    assert len(asked) == 2


def test_a_job_on_every_hour_does_not_raise_the_threshold_for_what_comes_between():
    """Of two weeks with a surprise of 4 to 5 on every hour, the budget learns but the first hours'."""
    by_the_clock = Budget(1.0, window_us=MINUTE)
    gated = Gated("jobs", by_the_clock, high=True)
    at_random = Budget(1.0, window_us=MINUTE)
    other = Gated("noise", at_random, high=True)
    random = np.random.default_rng(3)
    noise = set(random.choice(14 * 1440, 14 * 24, replace=False).tolist())
    for minute in range(14 * 1440):
        view = SimpleNamespace(owners=lambda slots: slots, start=START + minute * MINUTE)
        for one, surprising in ((gated, minute % 60 == 0), (other, minute in noise)):
            surprise = np.array([4.5 + 0.5 * np.sin(minute) if surprising else 0.3])
            fake = SimpleNamespace(slot=ONE, surprise_high=surprise, ready=np.ones(1, dtype=bool))
            one.alarms(view, fake, lambda: np.zeros(1, dtype=bool))
    promised = by_the_clock.explain("jobs").promised
    assert by_the_clock.threshold("jobs", owner=0) == promised
    assert at_random.threshold("noise", owner=0) > 1.2 * promised

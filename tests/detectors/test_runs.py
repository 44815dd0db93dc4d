"""A run of surprising windows is one event for the budget."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.baselines.budget import Budget
from vedette.baselines.seen_tails import PEAK_LEVEL
from vedette.detectors.statistical.runs import CALM, Runs
from vedette.schema.state import StateError, encode

SLOT = np.zeros(1, dtype=np.int32)
VALUES = st.lists(st.floats(0.0, 9.0), max_size=60)


def observed(runs: Runs, values: list[float]) -> list[float]:
    return [float(runs.tests(SLOT, np.array([value]))[0]) for value in values]


@given(VALUES)
def test_each_run_is_observed_once_at_its_highest(values: list[float]) -> None:
    """Over every series: as many tests, and peaks are the highest of runs without `CALM` calm windows in them."""
    expected, highest, calm = [], 0.0, 0
    for value in values:
        if value > PEAK_LEVEL:
            highest, calm = max(highest, value), 0
        elif highest:
            calm += 1
            if calm == CALM:
                expected.append(highest)
                highest = 0.0
    seen = observed(Runs(), values)
    assert len(seen) == len(values)
    assert [peak for peak in seen if peak > PEAK_LEVEL] == expected


@given(VALUES, VALUES)
def test_a_restart_in_a_run_changes_nothing(before: list[float], after: list[float]) -> None:
    whole, first, second = Runs(), Runs(), Runs()
    told = observed(first, before)
    second.from_state(first.to_state())
    assert observed(whole, before + after) == told + observed(second, after)


def test_slots_run_by_themselves_and_one_that_is_not_there_goes_on() -> None:
    runs = Runs()
    both = np.array([3, 7], dtype=np.int32)
    assert runs.tests(both, np.array([5.0, 1.0])).tolist() == [0.0, 1.0]
    assert runs.tests(both, np.array([6.0, 4.0])).tolist() == [0.0, 0.0]
    for _ in range(CALM - 1):
        assert runs.tests(both[:1], np.array([0.5])).tolist() == [0.5]
    assert runs.tests(both[:1], np.array([0.5])).tolist() == [6.0]
    assert runs.going
    assert runs.tests(both, np.array([0.5, 3.0])).tolist() == [0.5, 0.0]
    told = [runs.tests(both[1:], np.array([0.1])).tolist() for _ in range(CALM)]
    assert told == [[0.1]] * (CALM - 1) + [[4.0]]
    assert Runs().to_state() == runs.to_state()


def test_two_long_events_do_not_raise_the_threshold_above_the_third() -> None:
    """Of forty windows each; window by window they would."""
    series = ([0.3] * 200 + [6.0] * 40) * 3
    by_run, by_window = (Budget(1.0, window_us=60_000_000) for _ in range(2))
    runs = Runs()
    for value in series[:-40]:
        by_run.observe("x", runs.tests(SLOT, np.array([value])))
        by_window.observe("x", np.array([value]))
    assert by_run.threshold("x") < 6.0 < by_window.threshold("x")


def test_runs_of_earlier_versions_go_on() -> None:
    runs = Runs()
    runs.from_state(encode([(0, 5.0)]))
    assert observed(runs, [1.0] * CALM) == [1.0] * (CALM - 1) + [5.0]


@pytest.mark.parametrize("content", [b"", b"x", encode([(-1, 5.0)]), encode([(0, 1.0)])])
def test_damaged_memory_is_refused(content: bytes) -> None:
    with pytest.raises(StateError):
        Runs().from_state(content)

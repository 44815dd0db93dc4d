"""What is counted of routes that are asked for around the clock."""

import numpy as np
import pytest

from vedette.detectors.statistical.appointments import Appointments
from vedette.detectors.statistical.steady import Steady
from vedette.schema.spans import DAY_US, HOUR_US, MINUTE_US
from vedette.schema.state import StateError

NOBODY, ONE, TWO = (np.array(slots, dtype=np.int32) for slots in ([], [3], [3, 5]))


def counts(slots: np.ndarray) -> np.ndarray:
    return np.full(len(slots), 4.0)


def learned(memory: Steady, *windows: np.ndarray) -> None:
    for slots in windows:
        memory.learn(slots, counts(slots))


def silent(memory: Steady, least: float = 5.0) -> list[int]:
    return memory.silent(least, known=100, times=3, missing=20).tolist()


def test_a_silence_counts_once_it_is_three_times_as_long_as_any_before():
    memory = Steady()
    learned(memory, *[TWO] * 200, ONE, ONE, *[TWO] * 100)
    lengths = []
    for _ in range(12):
        learned(memory, ONE)
        lengths.append(silent(memory))
    assert lengths == [[]] * 8 + [[5]] * 4
    assert memory.gone(5) == 12
    empty, windows, longest = memory.usual(5)
    assert (round(empty, 1), longest) == (1.9, 2)
    assert 270 < windows < 303
    assert memory.known(5) == 302


def test_a_silence_that_was_told_does_not_become_usual_and_one_that_was_not_does():
    told, untold = Steady(), Steady()
    for memory in (told, untold):
        learned(memory, *[TWO] * 300, *[ONE] * 20)
    told.tell(5)
    for memory in (told, untold):
        learned(memory, TWO)
    assert (told.usual(5)[2], untold.usual(5)[2]) == (0, 20)


def test_requests_of_a_new_route_are_known_and_a_forgotten_one_is_new():
    memory = Steady()
    learned(memory, *[TWO] * 300, *[ONE] * 10)
    new = np.array([3, 7], dtype=np.int32)
    learned(memory, *[new] * 5)
    assert memory.of_new(5, np.array([3, 5, 7, 900]), 0) == pytest.approx(20, rel=0.01)
    memory.forget(5)
    assert silent(memory) == []


def run_at(memory: Appointments, *times: int, requests: float = 12.0) -> None:
    for time in times:
        memory.learn(ONE, np.array([requests]), time)


def nightly() -> Appointments:
    return Appointments(nights=3, hours=24, least=10)


def heard(memory: Appointments, since: int, until: int) -> list[int]:
    """What is missed while another route is asked for all the time."""
    missed = []
    for time in range(since, until, MINUTE_US):
        memory.learn(np.array([5], dtype=np.int32), np.ones(1), time)
        missed += memory.missed(time + MINUTE_US).tolist()
    return missed


MONDAY = 1_772_409_600_000_000
"""2026-03-02 00:00 UTC."""


@pytest.mark.parametrize(("requests", "late", "missed"), [(12.0, 0, [3]), (9.0, 0, []), (12.0, 12, [])])
def test_a_job_is_missed_if_it_was_there_at_the_same_time_and_large_enough(
    requests: float, late: int, missed: list[int]
):
    memory = nightly()
    run_at(memory, MONDAY, MONDAY + DAY_US, requests=requests)
    run_at(memory, MONDAY + 2 * DAY_US + late * MINUTE_US, requests=requests)
    assert heard(memory, MONDAY + 3 * DAY_US - HOUR_US, MONDAY + 3 * DAY_US + 2 * HOUR_US) == missed


def test_a_job_that_a_clock_put_forward_is_waited_for():
    memory = nightly()
    run_at(memory, *(MONDAY + day * DAY_US for day in range(3)))
    assert heard(memory, MONDAY + 3 * DAY_US - HOUR_US, MONDAY + 3 * DAY_US + HOUR_US) == []
    run_at(memory, MONDAY + 3 * DAY_US + HOUR_US)
    assert heard(memory, MONDAY + 3 * DAY_US + HOUR_US, MONDAY + 3 * DAY_US + 3 * HOUR_US) == []


def test_an_hourly_job_is_missed_after_a_day_of_it():
    for hours, missed in ((23, []), (24, [3])):
        memory = nightly()
        last = MONDAY
        for hour in range(hours):
            last = MONDAY + hour * HOUR_US
            run_at(memory, last)
            assert heard(memory, last + MINUTE_US, last + HOUR_US) == []
        assert heard(memory, last + HOUR_US, last + 2 * HOUR_US) == missed
        if missed:
            assert memory.runs(3) == (24, HOUR_US, 12)


def test_memories_go_on_from_their_states_and_damaged_ones_are_refused():
    steady, again = Steady(), Steady()
    learned(steady, *[TWO] * 150, *[ONE] * 6)
    again.from_state(steady.to_state())
    assert silent(again) == silent(steady) == [5]
    assert again.to_state() == steady.to_state()
    jobs, later = nightly(), nightly()
    run_at(jobs, MONDAY, MONDAY + DAY_US)
    later.from_state(jobs.to_state())
    assert later.to_state() == jobs.to_state()
    for memory in (Steady(), nightly()):
        for bad in (b"", b"nonsense", memory.to_state()[:-1]):
            with pytest.raises(StateError):
                memory.from_state(bad)

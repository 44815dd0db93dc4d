"""What is remembered of the half-hours of yesterday."""

import numpy as np
import pytest

from vedette.detectors.statistical.yesterday import HALF_HOUR, Yesterday
from vedette.schema.spans import DAY_US, MINUTE_US
from vedette.schema.state import StateError

BEGIN = 20_000 * DAY_US
TWO = np.array([3, 70], dtype=np.int32)


def learned(minutes: range) -> Yesterday:
    """Of slot 3, the hour of the day in each minute; of slot 70, twice as many."""
    memory = Yesterday()
    for minute in minutes:
        hour = minute // 60 % 24
        memory.learn(BEGIN + minute * MINUTE_US, TWO, np.array([hour, 2.0 * hour]))
    return memory


def test_a_day_later_each_half_hour_s_mean_is_known():
    memory = learned(range(1440))
    tomorrow = BEGIN + DAY_US + 9 * 2 * HALF_HOUR + MINUTE_US
    assert memory.means(3, tomorrow).tolist() == [9.0]
    assert memory.means(70, tomorrow, around=1).tolist() == [16.0, 18.0, 18.0]
    assert memory.means(3, tomorrow + DAY_US).tolist() == []


def test_as_many_is_half_of_the_most_and_as_few_twice_what_came_then():
    memory, nine = learned(range(1440)), BEGIN + DAY_US + 18 * HALF_HOUR
    assert [memory.as_many(3, nine, value) for value in (18.0, 18.1)] == [True, False]
    assert [memory.as_few(3, nine, value) for value in (4.5, 4.4)] == [True, False]
    assert [memory.was_quiet(3, nine, least) for least in (8.0, 8.1)] == [False, True]
    unknown = nine + 3 * DAY_US
    assert not memory.as_many(3, unknown, 1.0)
    assert not memory.as_few(3, unknown, 99.0)
    assert not memory.was_quiet(3, unknown, 9.0)


def test_an_entity_that_was_not_there_had_nothing_and_a_time_before_the_log_is_not_known():
    memory = learned(range(600, 1440))
    tomorrow = BEGIN + DAY_US
    assert memory.means(5, tomorrow + 22 * HALF_HOUR).tolist() == [0.0]
    assert memory.means(9999, tomorrow + 22 * HALF_HOUR).tolist() == [0.0]
    assert memory.means(3, tomorrow).tolist() == []


def test_what_is_two_days_old_is_forgotten_also_over_a_gap():
    memory = learned(range(1440))
    memory.learn(BEGIN + 2 * DAY_US + 20 * HALF_HOUR, TWO, np.ones(2))
    assert memory.means(3, BEGIN + DAY_US + 18 * HALF_HOUR).tolist() == []
    assert memory.means(3, BEGIN + DAY_US + 42 * HALF_HOUR).tolist() == [21.0]
    memory.learn(BEGIN + 9 * DAY_US, TWO, np.ones(2))
    assert memory.means(3, BEGIN + 9 * DAY_US, around=47).tolist() == []
    assert memory.means(3, BEGIN + 10 * DAY_US).tolist() == [1.0]


def test_restored_it_goes_on_as_before():
    memory, restored = learned(range(700)), Yesterday()
    restored.from_state(memory.to_state())
    for each in (memory, restored):
        each.learn(BEGIN + 700 * MINUTE_US, TWO, np.full(2, 50.0))
    assert restored.to_state() == memory.to_state()
    with pytest.raises(StateError):
        restored.from_state(b"\x93\x00\xc0\xc0")

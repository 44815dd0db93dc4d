"""How often an entity fell as low is counted in runs of half-hours, over two days."""

import numpy as np
import pytest

from vedette.detectors.statistical.ebbs import Ebbs
from vedette.detectors.statistical.yesterday import HALF_HOUR
from vedette.schema.spans import DAY_US, MINUTE_US
from vedette.schema.state import StateError

BEGIN = 20_000 * DAY_US
TWO = np.array([3, 70], dtype=np.int32)


def learned(least: list[float]) -> Ebbs:
    """Half-hours whose least window is as given, of slot 70 one more."""
    memory = Ebbs()
    for number, low in enumerate(least):
        for minute in range(30):
            value = low if minute == 7 else 50.0
            memory.learn(BEGIN + number * HALF_HOUR + minute * MINUTE_US, TWO, np.array([value, value + 1.0]))
    return memory


def test_runs_of_half_hours_are_counted_but_for_the_last_ones():
    memory = learned([0.0, 0.0, 9.0, 0.0, 9.0, 2.0, 9.0, 0.0, 0.0])
    now = BEGIN + 8 * HALF_HOUR
    assert [memory.times(3, now, value) for value in (0.0, 1.9, 2.0, 9.0)] == [2, 2, 3, 1]
    assert [memory.times(70, now, value) for value in (0.0, 1.0)] == [0, 2]
    assert memory.times(71, now, 99.0) == 0


def test_what_is_two_days_ago_is_forgotten():
    memory = learned([0.0, 9.0, 9.0])
    assert memory.times(3, BEGIN + 3 * HALF_HOUR, 0.0) == 1
    for number in range(3, 98):
        memory.learn(BEGIN + number * HALF_HOUR, TWO, np.array([9.0, 9.0]))
    assert memory.times(3, BEGIN + 97 * HALF_HOUR, 0.0) == 0
    assert memory.times(3, BEGIN + 300 * HALF_HOUR, 9.0) == 0


def test_a_restart_changes_nothing():
    memory, other = learned([0.0, 9.0, 3.0]), Ebbs()
    other.from_state(memory.to_state())
    assert other.to_state() == memory.to_state()
    assert other.times(3, BEGIN + 4 * HALF_HOUR, 3.0) == 2


@pytest.mark.parametrize("content", [b"", b"x"])
def test_damaged_memory_is_refused(content: bytes) -> None:
    with pytest.raises(StateError):
        Ebbs().from_state(content)

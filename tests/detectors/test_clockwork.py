"""Surprises that come by the clock are told from those that come at random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.detectors.statistical.clockwork import MOST, Clockwork
from vedette.schema.spans import HOUR_US, MINUTE_US
from vedette.schema.state import StateError

MONDAY = 1_772_409_600_000_000


def regular(clock: Clockwork, *minutes: int) -> list[bool]:
    return [clock.regular(7, MONDAY + minute * MINUTE_US) for minute in minutes]


def test_a_job_on_the_hour_is_known_from_the_fourth_hour_on_and_all_of_its_minutes_are():
    hours = [minute for hour in range(30) for minute in (60 * hour, 60 * hour + 1)]
    assert regular(Clockwork(), *hours) == [False] * 6 + [True] * 54


def test_a_nightly_job_is_known_the_third_night():
    nights = [day * 1440 + 120 + late for day, late in enumerate((0, 5, -4, 2, 0))]
    assert regular(Clockwork(), *nights) == [False, False, True, True, True]


def test_an_hourly_job_does_not_excuse_what_comes_between():
    clock = Clockwork()
    regular(clock, *(60 * hour for hour in range(48)))
    assert regular(clock, 48 * 60 + 25) == [False]


@pytest.mark.parametrize("daily", [1, 5, 20, 100])
def test_what_comes_at_random_is_mostly_not_taken_for_a_clock(daily: int):
    random = np.random.default_rng(5)
    taken = []
    for _ in range(20):
        minutes = np.unique(random.integers(0, 21 * 1440, 21 * daily))
        taken.append(np.mean(regular(Clockwork(), *minutes.tolist())))
    assert np.mean(taken) < 0.1


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 3)), max_size=300).map(sorted), st.data())
def test_a_memory_goes_on_from_its_state(found: list[tuple[int, int]], data: st.DataObject):
    whole, parted, cut = Clockwork(), Clockwork(), data.draw(st.integers(0, len(found)))
    for place, (minute, slot) in enumerate(found):
        if place == cut:
            kept, parted = parted.to_state(), Clockwork()
            parted.from_state(kept)
        assert whole.regular(slot, MONDAY + minute * MINUTE_US) == parted.regular(
            slot, MONDAY + minute * MINUTE_US
        )
    assert whole.to_state() == parted.to_state()


def test_the_memory_is_bounded():
    clock = Clockwork()
    for minute in range(400):
        clock.regular(0, MONDAY + minute * HOUR_US)
    size = len(clock.to_state())
    for slot in range(3 * MOST):
        clock.regular(slot, MONDAY + 400 * HOUR_US)
    assert size < 192 * 20 + 20
    assert len(clock.to_state()) < MOST * 30
    # The one that was surprising longest ago is the first to be forgotten.
    assert not clock.regular(0, MONDAY + 401 * HOUR_US)


def test_damaged_states_are_refused():
    for bad in (b"", b"nonsense"):
        with pytest.raises(StateError):
            Clockwork().from_state(bad)

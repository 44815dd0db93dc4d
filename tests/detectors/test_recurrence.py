"""Bursts that come by the clock are expected, others are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.detectors.statistical.recurrence import Recurrence
from vedette.schema.spans import DAY_US, HOUR_US, MINUTE_US, WEEK_US
from vedette.schema.state import StateError

MONDAY = 1_772_409_600_000_000
TWO = MONDAY + 2 * HOUR_US


def told(memory: Recurrence, *bursts: tuple[int, float]) -> list[bool]:
    """Which bursts of one entity are not expected: (time, height)."""
    return [not memory.expects(1, time, height) for time, height in bursts]


def test_what_came_last_night_at_this_time_is_expected_and_an_hour_later_is_not():
    nights = [(TWO + day * DAY_US + late * MINUTE_US, 100.0) for day, late in enumerate((0, 4, -3, 6))]
    assert told(Recurrence(), *nights) == [True, False, False, False]
    assert told(Recurrence(), nights[0], (TWO + DAY_US + HOUR_US, 100.0)) == [True, True]


def test_a_job_on_the_hour_is_expected_the_second_time_where_it_is_as_high_and_to_the_minute():
    hours = [(TWO + hour * HOUR_US, 100.0 + hour) for hour in range(30)]
    assert told(Recurrence(), *hours) == [True] + [False] * 29
    between = (TWO + 3 * HOUR_US + 20 * MINUTE_US, 100.0)
    assert told(Recurrence(times=None), *hours[:4], between)[-1]


@pytest.mark.parametrize(("late", "height"), [(2, 100.0), (-2, 100.0), (0, 130.0), (0, 75.0)])
def test_a_job_about_the_hour_is_expected_the_third_time(late: int, height: float):
    hours = [(TWO, 100.0), (TWO + HOUR_US + late * MINUTE_US, height), (TWO + 2 * HOUR_US, 100.0)]
    assert told(Recurrence(), *hours) == [True, True, False]


def test_hours_do_not_count_where_they_are_not_to():
    hours = [(TWO + hour * HOUR_US, 100.0) for hour in range(24)]
    assert all(told(Recurrence(times=None, hours=None), *hours))


def test_a_long_burst_hides_nothing_that_begins_within_its_time_the_next_day():
    memory = Recurrence()
    assert all(told(memory, *((TWO + minute * MINUTE_US, 100.0) for minute in range(180))))
    assert told(memory, (TWO + DAY_US + HOUR_US, 100.0)) == [True]


@pytest.mark.parametrize(
    ("days", "expected"),
    [(7, True), (9, False), (14, False), (28, True), (30, True), (33, False), (35, True)],
)
def test_weeks_and_months_are_known_by_their_day(days: int, expected: bool):
    assert told(Recurrence(), (TWO, 50.0), (TWO + days * DAY_US, 50.0)) == [True, not expected]


def test_more_than_twice_as_much_is_told_though_it_comes_on_time():
    assert told(Recurrence(), (TWO, 100.0), (TWO + DAY_US, 199.0)) == [True, False]
    assert told(Recurrence(), (TWO, 100.0), (TWO + DAY_US, 201.0)) == [True, True]


@given(st.floats(1.02, 1.9), st.integers(2, 40))
def test_what_grows_from_night_to_night_never_gets_beyond_twice_of_what_was_told(growth: float, nights: int):
    memory, last_told = Recurrence(), 0.0
    for night in range(nights):
        height = 100.0 * growth**night
        if memory.expects(1, TWO + night * DAY_US, height):
            assert height <= 2.0 * last_told * (1 + 1e-9)
        else:
            last_told = height


def test_one_burst_of_many_windows_is_one_episode_and_all_of_it_is_told():
    memory = Recurrence()
    first = [(TWO + minute * MINUTE_US, 100.0) for minute in range(60)]
    assert all(told(memory, *first))
    # The next night it is expected for as long, give or take ten minutes.
    again = told(
        memory, *((time + DAY_US, height) for time, height in first), (TWO + DAY_US + 75 * MINUTE_US, 100.0)
    )
    assert again == [False] * 60 + [True]


def test_three_times_a_week_at_whatever_times_are_normal_unless_only_the_clock_counts():
    bursts = [(TWO, 9.0), (TWO + 31 * HOUR_US, 9.0), (TWO + 59 * HOUR_US, 9.0), (TWO + 80 * HOUR_US, 9.0)]
    assert told(Recurrence(), *bursts) == [True, True, True, False]
    assert told(Recurrence(times=None), *bursts) == [True] * 4
    late = (TWO + 59 * HOUR_US + WEEK_US + HOUR_US, 9.0)
    assert told(Recurrence(), *bursts[:3], late)[-1]


def test_another_client_at_the_same_time_is_another_burst():
    memory = Recurrence()
    assert not memory.expects(1, TWO, 100.0, "job")
    assert not memory.expects(1, TWO + DAY_US, 100.0, "thief")
    assert memory.expects(1, TWO + DAY_US + MINUTE_US, 100.0, "job")
    assert not memory.expects(2, TWO + DAY_US, 100.0, "job")


def test_what_comes_too_low_to_alarm_is_not_forgotten_and_does_not_move():
    memory = Recurrence()
    assert told(memory, (TWO, 100.0)) == [True]
    for day in range(1, 12):
        # Noise, ever earlier: within ten minutes of the first night's time it is taken for the job.
        assert memory.expects(1, TWO + day * DAY_US - day * MINUTE_US, 60.0, alarms=False) is (day <= 10)
    assert told(memory, (TWO + 12 * DAY_US, 110.0)) == [False]


def faint(memory: Recurrence, *times: int) -> list[bool]:
    """Whether bursts of one entity that nearly alarm are expected."""
    return [memory.expects(1, time, 100.0, alarms=False) for time in times]


def test_what_nearly_alarmed_at_this_time_of_two_days_is_expected():
    memory = Recurrence()
    assert faint(memory, TWO, TWO + DAY_US) == [False, False]
    assert told(memory, (TWO + 2 * DAY_US, 100.0), (TWO + 2 * DAY_US + 80 * MINUTE_US, 100.0)) == [
        False,
        True,
    ]
    once = Recurrence()
    assert faint(once, TWO, TWO + MINUTE_US) == [False, False]
    assert told(once, (TWO + DAY_US, 100.0)) == [True]


def test_a_job_on_the_hour_that_alarms_now_and_then_is_told_once():
    memory = Recurrence()
    alarming = (True, False, False, True, False, True, True)
    expected = [
        memory.expects(1, TWO + hour * HOUR_US, 100.0, alarms=alarms) for hour, alarms in enumerate(alarming)
    ]
    assert [alarms and not known for alarms, known in zip(alarming, expected, strict=True)] == [True] + [
        False
    ] * 6


def test_what_is_smoothed_may_be_seen_for_longer():
    for after, expected in ((0, False), (10 * MINUTE_US, True)):
        memory = Recurrence(after=after)
        assert told(memory, (TWO, 1.0), (TWO + DAY_US, 1.0), (TWO + DAY_US + 15 * MINUTE_US, 1.0)) == [
            True,
            False,
            not expected,
        ]


def test_what_nearly_alarmed_three_times_on_the_hour_is_expected():
    for times, expected in ((2, False), (3, True)):
        memory = Recurrence()
        faint(memory, *(TWO + hour * HOUR_US for hour in range(times)))
        assert told(memory, (TWO + times * HOUR_US, 100.0)) == [not expected]
        assert told(memory, (TWO + times * HOUR_US + 40 * MINUTE_US, 100.0)) == [True]


def test_what_nearly_alarms_at_whatever_times_makes_nothing_expected_and_no_other_burst_forgotten():
    memory = Recurrence()
    assert told(memory, (TWO, 100.0)) == [True]
    # Every 47 minutes: neither on the hour nor at a time of the day.
    faint(memory, *(TWO + n * 47 * MINUTE_US for n in range(1, 29)))
    assert told(memory, (TWO + DAY_US + 2 * MINUTE_US, 100.0)) == [False]
    faint(memory, *(TWO + DAY_US + n * 47 * MINUTE_US for n in range(1, 180)))
    assert told(memory, (TWO + 7 * DAY_US, 100.0)) == [False]


def test_a_burst_does_not_begin_with_the_noise_before_it():
    memory = Recurrence()
    faint(memory, TWO - 25 * MINUTE_US)
    assert told(memory, (TWO, 100.0), (TWO + DAY_US, 100.0)) == [True, False]


def test_a_hundred_bursts_that_nearly_alarm_make_room_for_one_that_does():
    memory = Recurrence()
    faint(memory, *(TWO + n * 47 * MINUTE_US for n in range(100)))
    assert told(memory, (TWO + 5 * DAY_US, 100.0), (TWO + 6 * DAY_US, 100.0)) == [True, False]


bursts = st.lists(
    st.tuples(
        st.integers(0, 3 * 24 * 60), st.floats(1, 1e12), st.sampled_from(["", "a", "b"]), st.booleans()
    ),
    max_size=300,
).map(sorted)


@given(bursts, st.data())
def test_a_memory_goes_on_from_its_state_and_stays_small(
    found: list[tuple[int, float, str]], data: st.DataObject
):
    whole, cut = Recurrence(), data.draw(st.integers(0, len(found)))
    answers, parted = [], Recurrence()
    for place, (minute, height, who, alarms) in enumerate(found):
        if place == cut:
            kept, parted = parted.to_state(), Recurrence()
            parted.from_state(kept)
        answers.append(whole.expects(3, TWO + minute * MINUTE_US, height, who, alarms=alarms))
        assert parted.expects(3, TWO + minute * MINUTE_US, height, who, alarms=alarms) == answers[-1]
    assert parted.to_state() == whole.to_state()
    assert len(whole.to_state()) < 96 * 50 + 20


def test_damaged_states_are_refused():
    for bad in (b"", b"nonsense", Recurrence().to_state()[:-1] + b"\x01"):
        with pytest.raises(StateError):
            Recurrence().from_state(bad)

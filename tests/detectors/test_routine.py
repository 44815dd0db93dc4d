"""What a client does night after night is its routine, whatever the minute; more of it, or something else, is not."""

import pytest

from vedette.detectors.statistical.routine import MOST, Routine
from vedette.schema.spans import DAY_US, HOUR_US, MINUTE_US, WEEK_US
from vedette.schema.state import StateError

MONDAY = 1_772_409_600_000_000
ONE = MONDAY + HOUR_US
JOB, SHOP = "192.0.2.40", 1


def burst(
    memory: Routine, begin: int, minutes: int = 10, amount: float = 700.0, routes: int = 1, who: str = JOB
) -> list[bool]:
    """Whether each minute of a burst was expected."""
    return [
        memory.expects(SHOP, who, begin + minute * MINUTE_US, amount, routes) for minute in range(minutes)
    ]


@pytest.mark.parametrize("later", [-100, 0, 7, 95])
def test_a_second_night_is_expected_at_whatever_minute(later: int) -> None:
    memory = Routine()
    assert not any(burst(memory, ONE))
    assert all(burst(memory, ONE + DAY_US + later * MINUTE_US))


def test_what_goes_on_for_more_than_twice_as_long_is_told_from_then_on() -> None:
    memory = Routine()
    burst(memory, ONE, 10)
    assert burst(memory, ONE + DAY_US, 30) == [True] * 20 + [False] * 10


@pytest.mark.parametrize("change", [{"amount": 1500.0, "minutes": 2}, {"routes": 3}, {"who": "203.0.113.9"}])
def test_more_at_once_or_something_else_or_somebody_else_is_not_expected(
    change: dict[str, int | float | str],
) -> None:
    memory = Routine()
    burst(memory, ONE)
    assert not any(burst(memory, ONE + DAY_US, **change))  # type: ignore[arg-type]


def test_at_another_time_of_the_day_it_takes_three_times() -> None:
    memory = Routine()
    told = [not any(burst(memory, ONE + time * HOUR_US)) for time in (0, 5, 10, 15)]
    assert told == [True, True, True, False]


def test_what_was_not_done_for_a_week_is_forgotten() -> None:
    memory = Routine()
    burst(memory, ONE)
    assert not any(burst(memory, ONE + WEEK_US + DAY_US))


def test_a_client_beyond_the_most_takes_the_place_of_one_not_met_for_longest() -> None:
    memory = Routine()
    burst(memory, ONE)
    for number in range(MOST):
        burst(memory, ONE + HOUR_US, 1, who=f"10.0.{number // 250}.{number % 250}")
    assert not any(burst(memory, ONE + DAY_US))
    assert not memory.has_met(SHOP, JOB)


def test_what_is_remembered_is_kept() -> None:
    memory, again = Routine(), Routine()
    burst(memory, ONE, amount=700)
    again.from_state(memory.to_state())
    assert again.to_state() == memory.to_state()
    assert all(burst(again, ONE + DAY_US))
    with pytest.raises(StateError):
        again.from_state(b"\0\x01")

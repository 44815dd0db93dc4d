"""What several clients did before is a custom; what one did, or many at once, is none."""

import pytest

from vedette.detectors.statistical.customary import MOST, OTHERS, Customary
from vedette.schema.spans import DAY_US, HOUR_US, MINUTE_US, WEEK_US
from vedette.schema.state import StateError

MONDAY = 1_772_409_600_000_000
SHOP, OTHER = 1, 2
MUCH = 20e6


def builders(memory: Customary, number: int = OTHERS, apart: int = HOUR_US) -> list[bool]:
    """Whether what so many machines take, one after the other, is allowed."""
    return [memory.allows(SHOP, f"10.9.0.{n}", MONDAY + n * apart, MUCH) for n in range(number)]


def test_what_three_others_took_is_a_custom_of_the_fourth_and_of_the_first_again() -> None:
    memory = Customary()
    assert builders(memory, OTHERS + 2) == [False] * OTHERS + [True, True]
    assert memory.allows(SHOP, "10.9.0.0", MONDAY + 6 * HOUR_US, MUCH)


def test_one_client_alone_makes_no_custom_however_often() -> None:
    memory = Customary()
    assert not any(memory.allows(SHOP, "10.9.0.1", MONDAY + n * HOUR_US, MUCH) for n in range(50))


def test_what_a_client_did_itself_counts_as_anothers_where_that_is_no_harm() -> None:
    memory = Customary(own=True)
    builders(memory, OTHERS - 1)
    later = MONDAY + DAY_US
    assert not memory.allows(SHOP, "10.9.0.77", later, MUCH)
    assert memory.allows(SHOP, "10.9.0.77", later + HOUR_US, MUCH)
    assert not Customary(own=True).allows(SHOP, "10.9.0.77", later, MUCH)


def test_what_begins_together_is_done_together() -> None:
    assert not any(builders(Customary(), 20, MINUTE_US))


@pytest.mark.parametrize(
    ("slot", "later", "height"),
    [(OTHER, DAY_US, MUCH), (SHOP, DAY_US, 2.1 * MUCH), (SHOP, WEEK_US + DAY_US, MUCH)],
    ids=["elsewhere", "more", "long ago"],
)
def test_elsewhere_or_for_more_or_after_a_week_it_is_none(slot: int, later: int, height: float) -> None:
    memory = Customary()
    builders(memory)
    assert not memory.allows(slot, "10.9.0.77", MONDAY + later, height)


def test_what_grows_is_told_again_once_it_has_doubled() -> None:
    memory = Customary()
    builders(memory)
    grown = [memory.allows(SHOP, "10.9.0.77", MONDAY + DAY_US + n * HOUR_US, MUCH * 1.2**n) for n in range(6)]
    assert grown == [True] * 4 + [False] * 2


def test_of_many_those_that_did_so_longest_ago_are_forgotten() -> None:
    memory = Customary()
    builders(memory)
    for n in range(MOST):
        memory.allows(SHOP, f"198.51.100.{n}", MONDAY + DAY_US, 1.0)
    assert not memory.allows(SHOP, "10.9.0.77", MONDAY + DAY_US + HOUR_US, MUCH)


def test_what_is_remembered_is_kept() -> None:
    memory, again = Customary(), Customary()
    builders(memory)
    again.from_state(memory.to_state())
    assert again.to_state() == memory.to_state()
    assert again.allows(SHOP, "10.9.0.77", MONDAY + DAY_US, MUCH)
    with pytest.raises(StateError):
        again.from_state(b"\0\x01")

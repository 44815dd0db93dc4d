"""A service looks at fewer requests while it falls behind, and at all again once it has caught up."""

from vedette.live.overload import LEAST, Overload

SECOND = 1_000_000


def look(overload: Overload, *steps: tuple[int, int, int]) -> list[float]:
    """The share after each look: (seconds, seconds behind, bytes waiting)."""
    return [overload.look(now * SECOND, behind * SECOND, waiting) for now, behind, waiting in steps]


def test_who_is_behind_and_catching_up_is_not_overloaded() -> None:
    overload = Overload(60 * SECOND)
    assert look(overload, (0, 90_000, 1), (10, 80_000, 1), (20, 70_000, 1)) == [1.0, 1.0, 1.0]


def test_who_falls_further_behind_looks_at_half_and_half_again() -> None:
    overload = Overload(60 * SECOND)
    assert look(overload, (0, 61, 1), (10, 70, 1), (20, 80, 1)) == [1.0, 0.5, 0.25]


def test_the_share_has_a_floor() -> None:
    overload = Overload(60 * SECOND)
    assert look(overload, *((10 * n, 100 + n, 1) for n in range(20)))[-1] == LEAST


def test_who_has_caught_up_looks_at_all_again_slowly() -> None:
    overload = Overload(60 * SECOND)
    look(overload, (0, 61, 1), (10, 70, 1))
    assert look(overload, (20, 3, 0), (30, 2, 0), (40, 2, 0)) == [0.5, 1.0, 1.0]


def test_nothing_changes_between_two_looks() -> None:
    overload = Overload(60 * SECOND)
    look(overload, (0, 61, 1))
    assert look(overload, (5, 600, 1)) == [1.0]

import pytest

from vedette.report.moments import length

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (0.25, "0.25 s"),
        (59, "59 s"),
        (60, "1 min"),
        (90, "1 min 30 s"),
        (119.7, "2 min"),
        (600, "10 min"),
        (3570, "59 min 30 s"),
        (3599.8, "1 h"),
        (59.7, "1 min"),
        (7200, "2 h"),
        (8100, "2 h 15 min"),
        (86400, "1 d"),
        (100_000, "1 d 4 h"),
        (86400 * 1500, "1,500 d"),
    ],
)
def test_a_length_is_told_in_at_most_two_units(seconds: float, told: str) -> None:
    assert length(int(seconds * SECOND)) == told

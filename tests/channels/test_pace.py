"""How often a channel is told."""

from hypothesis import given
from hypothesis import strategies as st

from vedette.channels.pace import FIRST_PAUSE, LONGEST_PAUSE, next_free, patience, pause
from vedette.schema.spans import HOUR_US, SECOND_US


@given(tries=st.integers(1, 1000), key=st.text(max_size=20), seed=st.integers())
def test_a_pause_is_between_half_and_all_of_the_doubled_one(tries: int, key: str, seed: int) -> None:
    nominal = min(FIRST_PAUSE * 2 ** min(tries - 1, 60), LONGEST_PAUSE)
    assert nominal / 2 <= pause(tries, key, seed) <= nominal


def test_pauses_of_different_messages_differ_and_those_of_one_do_not() -> None:
    assert len({pause(5, str(n), 0) for n in range(100)}) > 90
    assert len({pause(5, "m", 0) for _ in range(10)}) == 1
    assert pause(5, "m", 0) != pause(5, "m", 1)


def test_patience_is_the_sum_of_the_longest_pauses() -> None:
    assert patience(3) == (5 + 10 + 20) * SECOND_US
    assert patience(30) - patience(29) == LONGEST_PAUSE


@given(
    per_hour=st.integers(1, 40),
    wishes=st.lists(st.integers(0, 3 * HOUR_US), min_size=1, max_size=200),
)
def test_no_hour_has_more_messages_than_allowed_and_none_waits_longer_than_an_hour(
    per_hour: int, wishes: list[int]
) -> None:
    sent: list[int] = []
    clock = 0
    for wish in sorted(wishes):
        clock = max(clock, wish)
        free = next_free(sent, per_hour, clock)
        assert clock <= free <= clock + HOUR_US
        clock = free
        assert next_free(sent, per_hour, clock) == clock
        sent.append(clock)
    for at in sent:
        assert sum(at - HOUR_US < other <= at for other in sent) <= per_hour


def test_a_storm_does_not_use_up_the_hour_at_once() -> None:
    sent = [n * SECOND_US for n in range(15)]
    assert next_free(sent[:14], 30, 20 * SECOND_US) == 20 * SECOND_US
    # 15 of 30 are gone: the next after 2 h / 30 = 4 min, not after an hour.
    assert next_free(sent, 30, 20 * SECOND_US) == 14 * SECOND_US + 240 * SECOND_US

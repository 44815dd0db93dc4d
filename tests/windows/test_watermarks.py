"""How far event time is when several sources feed one engine."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.schema.state import StateError
from vedette.windows.watermarks import Watermarks, WatermarkSettings, WrongClock

SECOND = 1_000_000
NOW = 1_767_340_800 * SECOND
LATENESS = 10 * SECOND
SETTINGS = WatermarkSettings(idle_after=30 * SECOND, grace=60 * SECOND, skew=120 * SECOND, jump=3600 * SECOND)
BELIEVED = 8
"""Rows far ahead of event time, one after another, that are believed; see `mark_late`."""


def marks(*sources: str) -> Watermarks:
    """Watermarks that wait for sources from now on."""
    found = Watermarks(SETTINGS)
    for source in sources:
        found.add(source, LATENESS, NOW)
    return found


def begin(watermarks: Watermarks, source: str, time: int, at: int = NOW, *, caught_up: bool = True) -> None:
    """Bring enough lines of a time for it to be believed."""
    watermarks.heard(source, np.full(BELIEVED, time, dtype=np.int64), at, caught_up=caught_up)


def test_nothing_is_known_before_every_source_has_brought_something() -> None:
    watermarks = marks("a", "b")
    assert watermarks.time(NOW) is None
    begin(watermarks, "a", NOW)
    assert watermarks.time(NOW) is None
    begin(watermarks, "b", NOW - 5 * SECOND)
    assert watermarks.time(NOW) == NOW - 5 * SECOND - LATENESS


def test_each_source_has_its_own_lateness() -> None:
    watermarks = marks("prompt")
    watermarks.add("tardy", 600 * SECOND, NOW)
    for source in ("prompt", "tardy"):
        begin(watermarks, source, NOW)
    assert watermarks.time(NOW) == NOW - 600 * SECOND
    watermarks.add("tardy", 20 * SECOND, NOW)
    assert watermarks.time(NOW) == NOW - 20 * SECOND


def test_a_source_that_falls_silent_is_not_waited_for_for_ever() -> None:
    watermarks = marks("a", "b")
    for source in ("a", "b"):
        begin(watermarks, source, NOW)
    later = NOW + 29 * SECOND
    begin(watermarks, "a", later, later)
    assert watermarks.time(later) == NOW - LATENESS
    assert watermarks.idle(later) == []
    later = NOW + 30 * SECOND
    begin(watermarks, "a", later, later)
    assert watermarks.time(later) == later - LATENESS
    assert watermarks.idle(later) == ["b"]


def test_a_source_that_cannot_be_read_but_has_more_is_waited_for() -> None:
    watermarks = marks("a", "b")
    for source in ("a", "b"):
        begin(watermarks, source, NOW)
    for step in range(1, 10):
        later = NOW + 20 * step * SECOND
        begin(watermarks, "a", later, later)
        watermarks.waits("b", later)
        assert watermarks.time(later) == NOW - LATENESS


def test_while_all_are_silent_event_time_follows_the_callers_clock() -> None:
    watermarks = marks("a", "b")
    begin(watermarks, "a", NOW)
    later = NOW + 3600 * SECOND
    assert watermarks.time(later) == later - SETTINGS.grace
    # What comes then goes on from there.
    begin(watermarks, "a", later + SECOND, later + SECOND)
    assert watermarks.time(later + SECOND) == later + SECOND - LATENESS


def test_a_source_that_has_ended_is_not_waited_for() -> None:
    watermarks = marks("a", "b")
    begin(watermarks, "a", NOW)
    watermarks.remove("b")
    assert watermarks.time(NOW) == NOW - LATENESS


def test_one_line_from_the_future_moves_nothing() -> None:
    watermarks = marks("a")
    begin(watermarks, "a", NOW)
    watermarks.heard("a", np.array([NOW + 86_400 * SECOND, NOW + SECOND], dtype=np.int64), NOW + SECOND)
    assert watermarks.time(NOW + SECOND) == NOW + SECOND - LATENESS


def test_a_slow_clock_is_named_once_it_has_kept_coming_and_holds_up_nobody() -> None:
    watermarks = marks("right", "slow")
    later = NOW + 30 * SECOND
    for at in (NOW, later):
        begin(watermarks, "right", at, at)
        begin(watermarks, "slow", at - 300 * SECOND, at)
        assert watermarks.wrong_clocks(at) == ([WrongClock("slow", -300 * SECOND)] if at == later else [])
        assert watermarks.time(at) == at - LATENESS


def test_a_fast_clock_is_named_and_is_right_for_itself() -> None:
    watermarks = marks("fast")
    later = NOW + 30 * SECOND
    for at in (NOW, later):
        begin(watermarks, "fast", at + 300 * SECOND, at)
    assert watermarks.wrong_clocks(later) == [WrongClock("fast", 300 * SECOND)]
    assert watermarks.time(later) == later + 300 * SECOND - LATENESS


def test_where_all_clocks_are_slow_they_are_followed() -> None:
    watermarks = marks("a", "b")
    later = NOW + 30 * SECOND
    for at in (NOW, later):
        for source in ("a", "b"):
            begin(watermarks, source, at - 3600 * SECOND, at)
    assert [wrong.source for wrong in watermarks.wrong_clocks(later)] == ["a", "b"]
    assert watermarks.time(later) == later - 3600 * SECOND - LATENESS


def test_an_old_log_that_was_read_to_its_end_has_no_clock() -> None:
    watermarks = marks("old")
    begin(watermarks, "old", NOW - 86_400 * SECOND)
    assert watermarks.wrong_clocks(NOW + SECOND) == []
    assert watermarks.wrong_clocks(NOW + 3600 * SECOND) == []


def test_a_source_that_catches_up_has_no_wrong_clock() -> None:
    watermarks = marks("a")
    later = NOW + 30 * SECOND
    for at in (NOW, later):
        begin(watermarks, "a", at - 7200 * SECOND, at, caught_up=False)
    assert watermarks.wrong_clocks(later) == []
    for at in (later, later + 30 * SECOND):
        begin(watermarks, "a", at - SECOND, at)
    assert watermarks.wrong_clocks(later + 30 * SECOND) == []


def test_one_delayed_delivery_is_no_wrong_clock() -> None:
    watermarks = marks("a")
    begin(watermarks, "a", NOW)
    later = NOW + 200 * SECOND
    begin(watermarks, "a", NOW + SECOND, later)
    assert watermarks.wrong_clocks(later) == []


events = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.integers(-200, 200),
        st.integers(0, 40),
        st.sampled_from(["lines", "nothing", "waits", "none"]),
    ),
    max_size=40,
)


def play(watermarks: Watermarks, told: list[tuple[str, int, int, str]], at: int) -> list[int | None]:
    """Tell what happened, one after another; event time after each."""
    found = []
    for source, offset, step, what in told:
        at += step * SECOND
        if what == "lines":
            begin(watermarks, source, at + offset * SECOND, at)
        elif what == "nothing":
            watermarks.heard(source, np.zeros(0, dtype=np.int64), at)
        elif what == "waits":
            watermarks.waits(source, at)
        found.append(watermarks.time(at))
    return found


@given(events)
def test_event_time_never_goes_back(told: list[tuple[str, int, int, str]]) -> None:
    found = [time for time in play(marks("a", "b", "c"), told, NOW) if time is not None]
    assert found == sorted(found)


@given(events)
def test_it_never_passes_the_newest_line_or_the_clock(told: list[tuple[str, int, int, str]]) -> None:
    at, newest = NOW, NOW
    watermarks = marks("a", "b", "c")
    for event in told:
        at += event[2] * SECOND
        newest = max(newest, at + event[1] * SECOND if event[3] == "lines" else 0)
        (time,) = play(watermarks, [event], at - event[2] * SECOND)
        assert time is None or time <= max(newest - LATENESS, at - SETTINGS.grace)


@given(events, events)
def test_restored_it_goes_on_as_if_undisturbed(
    before: list[tuple[str, int, int, str]], after: list[tuple[str, int, int, str]]
) -> None:
    straight, second = marks("a", "b", "c"), Watermarks(SETTINGS)
    play(straight, before, NOW)
    later = NOW + sum(step for _, _, step, _ in before) * SECOND
    second.from_state(straight.to_state())
    assert play(second, after, later) == play(straight, after, later)
    assert second.to_state() == straight.to_state()


def test_a_damaged_state_is_refused() -> None:
    with pytest.raises(StateError, match="watermarks"):
        Watermarks().from_state(marks("a").to_state()[:-3])


def test_how_far_event_time_is_after_each_line_is_what_it_is_told_alone() -> None:
    times = [NOW + step * SECOND for step in (0, 30, 20, 9_000, 60, *range(9_000, 9_010), 400, 9_050)]
    for others in ((), ("b",)):
        whole, alone = marks("a", *others), marks("a", *others)
        for watermarks in (whole, alone):
            for other in others:
                begin(watermarks, other, NOW + 3_000 * SECOND)
            begin(watermarks, "a", NOW)
        reached = np.empty(len(times), dtype=np.int64)
        late = whole.heard("a", np.array(times, dtype=np.int64), NOW, reached=reached)
        for time, was_late, was in zip(times, late.tolist(), reached.tolist(), strict=True):
            assert alone.heard("a", np.array([time], dtype=np.int64), NOW).tolist() == [was_late]
            assert alone.time(NOW) == was
        assert whole.time(NOW) == alone.time(NOW)

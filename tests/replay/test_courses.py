"""A log that ends while others go on is told, and that nobody can tell it from a service that is down."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vedette.replay.courses import Course, ended_early
from vedette.schema.spans import HOUR_US, MINUTE_US, SECOND_US

START = 1_772_409_600 * SECOND_US
"""2026-03-02T00:00Z."""


def course(name: str, *minutes: float) -> Course:
    made = Course(name)
    made.follow(name, np.array([START + int(each * MINUTE_US) for each in minutes], dtype=np.int64))
    return made


def steady(name: str, begin: int, end: int) -> Course:
    return course(name, *np.arange(begin, end, 0.25))


def told(*courses: Course, until: int | None = None) -> list[str]:
    return [text.partition(":")[0] for text in ended_early(courses, until)]


def test_a_log_that_ends_an_hour_before_another_is_told_with_when_and_both_readings():
    (said,) = ended_early([steady("a.log", 0, 60), steady("b.log", 0, 120)], None)
    assert said.startswith("a.log ends 2026-03-02 00:59:45 UTC, 1 h before others")
    assert "is no drop" in said
    assert said.endswith("a service that is down looks the same")


def test_a_log_by_itself_and_logs_that_end_together_are_not_told():
    assert told(steady("a.log", 0, 60)) == []
    assert told(steady("a.log", 0, 60), steady("b.log", 0, 61)) == []


def test_a_silence_like_one_before_it_tells_nothing():
    quiet = course("quiet.log", *np.arange(0, 10, 0.25), *np.arange(40, 60, 0.25))
    assert told(quiet, steady("b.log", 0, 100)) == []
    assert told(quiet, steady("b.log", 0, 130)) == ["quiet.log ends 2026-03-02 00"]


def test_one_that_begins_where_another_ends_goes_on_for_it():
    days = [steady(f"{day}.log", 60 * day, 60 * day + 60) for day in range(5)]
    assert told(*days) == []
    assert told(days[0], days[1], steady("other.log", 0, 300)) == ["1.log ends 2026-03-02 01"]


def test_what_ends_after_the_time_that_was_asked_for_is_not_told():
    logs = steady("a.log", 0, 60), steady("b.log", 0, 120)
    assert told(*logs, until=START + 61 * MINUTE_US) == []
    assert told(*logs, until=START + 90 * MINUTE_US) == ["a.log ends 2026-03-02 00"]


def test_a_spoilt_time_is_not_believed():
    spoilt = course("b.log", *np.arange(0, 30, 0.25), 60 * 24 * 365 * 900, *np.arange(30, 60, 0.25))
    assert told(steady("a.log", 0, 60), spoilt) == []


@given(
    st.lists(st.integers(0, 3 * HOUR_US), min_size=1, max_size=60),
    st.lists(st.integers(0, 60), max_size=4),
)
def test_a_course_depends_on_no_batch(offsets: list[int], cuts: list[int]):
    times = np.array([START + each for each in offsets], dtype=np.int64)
    whole, parts = Course("a"), Course("a")
    whole.follow("a", times)
    edges = sorted({0, len(times), *(cut for cut in cuts if cut < len(times))})
    for begin, end in itertools.pairwise(edges):
        parts.follow("a", times[begin:end])
    assert parts == whole

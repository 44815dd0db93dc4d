"""Flows that ended are remembered until their windows are over, each once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vedette.schema.flows import FLOW_COLUMNS, Ended, Flow
from vedette.windows.ended_flows import EndedFlows
from vedette.windows.flow_survey import Survey, by_window

SPAN = 10


def survey(*ends: int) -> Survey:
    """Flows that end at some times, microseconds."""
    table = np.zeros((len(ends), FLOW_COLUMNS), dtype=np.int64)
    table[:, Flow.END] = ends
    return Survey.of(table, SPAN)


@given(st.lists(st.integers(0, 1 << 40) | st.integers(0, 60), min_size=1))
def test_rows_are_told_by_their_windows_in_order(numbers: list[int]) -> None:
    told = [(one, pick.tolist()) for one, pick in by_window(np.array(numbers, dtype=np.int64))]
    assert [one for one, _ in told] == sorted(set(numbers))
    for one, pick in told:
        assert pick == [row for row, number in enumerate(numbers) if number == one]


def test_nothing_is_of_no_window() -> None:
    assert list(by_window(np.zeros(0, dtype=np.int64))) == []


@given(st.lists(st.lists(st.integers(0, 99), min_size=1), max_size=5), st.integers(-1, 9))
def test_each_is_handed_out_with_the_first_window_that_is_open(batches: list[list[int]], closed: int) -> None:
    flows, again = EndedFlows(), EndedFlows()
    for ends in batches:
        flows.add(survey(*ends), None, None if closed < 0 else closed)
    again.restore(flows.rows)
    for one in (flows, again):
        taken = [(number, end) for number in range(11) for end in one.take(number)[:, Ended.END].tolist()]
        expected = [(max(end // SPAN, closed + 1), end) for ends in batches for end in ends]
        assert sorted(taken) == sorted(expected)
        assert not len(one.take(99))


def test_one_that_is_too_late_for_its_window_counts_in_the_first_it_is_in_time_for() -> None:
    flows = EndedFlows()
    flows.add(survey(5, 25), np.array([3, 1]), None)
    assert [len(flows.take(number)) for number in range(4)] == [0, 0, 1, 1]

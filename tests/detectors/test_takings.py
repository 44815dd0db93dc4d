"""What clients take in an hour, and what the largest takers of hours usually take."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.detectors.statistical.hourly_takers import HOURS, READY, HourlyTakers
from vedette.detectors.statistical.takings import COUNTED, MOST, PART, PARTS, Takings
from vedette.explain.formulas import recompute
from vedette.schema.spans import MINUTE_US
from vedette.schema.state import StateError
from vedette.windows.layout import CLIENT_COLUMNS, Client
from vedette.windows.summary import ClientRows

START = 1_772_409_600_000_000
Taken = dict[tuple[int, int], int]


def window(taken: Taken) -> ClientRows:
    """Bytes by (service, client)."""
    keys = sorted(taken)
    sums = np.zeros((len(keys), CLIENT_COLUMNS), dtype=np.int64)
    sums[:, Client.BYTES_OUT] = [taken[key] for key in keys]
    service = np.array([service for service, _ in keys], dtype=np.int32)
    low = np.array([client for _, client in keys], dtype=np.uint64)
    return ClientRows(service, np.zeros(len(keys), dtype=np.uint64), low, sums)


def told(memory: Takings, minute: int, taken: Taken) -> dict[tuple[int, int], float]:
    rows = window(taken)
    counted, sums = memory.add(START + minute * MINUTE_US, rows)
    found = zip(rows.service[counted].tolist(), rows.low[counted].tolist(), sums.tolist(), strict=True)
    return {(service, client): much for service, client, much in found}


_windows = st.lists(
    st.tuples(
        st.integers(0, 25),
        st.dictionaries(st.tuples(st.integers(0, 2), st.integers(1, 9)), st.integers(0, 1000)),
    ),
    max_size=30,
)


@given(_windows)
def test_sums_are_those_of_the_last_twelve_parts(windows: list[tuple[int, Taken]]) -> None:
    memory, minute, before = Takings(), 0, list[tuple[int, Taken]]()
    for passed, taken in windows:
        minute += passed + 1
        part = (START + minute * MINUTE_US) // PART
        before = [(at, one) for at, one in before if at > part - PARTS] + [(part, taken)]
        expected = {
            key: float(sum(one.get(key, 0) for _, one in before)) for key, much in taken.items() if much
        }
        assert told(memory, minute, taken) == expected


def test_of_many_clients_those_count_that_take_most_of_their_service() -> None:
    taken = {(service, client): client for service in (0, 3) for client in range(1, 101)}
    found = told(Takings(), 0, taken)
    assert sorted(found) == [(s, c) for s in (0, 3) for c in range(101 - COUNTED, 101)]


def test_where_there_is_no_room_those_go_that_took_least_and_are_counted() -> None:
    memory = Takings()
    told(memory, 0, {(0, 10**9): 10**6})
    for number in range(MOST // (2 * COUNTED) + 2):
        told(memory, 1, {(s, number * COUNTED + c + 1): 5 for s in (0, 1) for c in range(COUNTED)})
    assert memory.left_out > MOST // 2
    assert told(memory, 2, {(0, 10**9): 1}) == {(0, 10**9): 10**6 + 1}
    assert memory.largest(0, 2).tolist() == [10**6 + 1, 5]


def test_takings_are_kept() -> None:
    memory, again = Takings(), Takings()
    told(memory, 0, {(0, 1): 5, (1, 1): 7})
    again.from_state(memory.to_state())
    assert again.to_state() == memory.to_state()
    assert told(again, 9, {(0, 1): 1}) == {(0, 1): 6}
    with pytest.raises(StateError):
        again.from_state(b"\0\x01")


def _takers(*hours: float, new: bool | None = False) -> HourlyTakers:
    memory = HourlyTakers()
    for much in hours:
        memory.learn(0, much, new)
    return memory


def test_a_tail_s_arithmetic_can_be_done_again_and_turned_round() -> None:
    tail = _takers(*(1e6 * 1.1**hour for hour in range(40))).tail(0)
    for taken in (2e8, 1e9):
        formula = tail.formula(taken)
        assert recompute(formula) == pytest.approx(formula.result)
        assert tail.critical(formula.result) == pytest.approx(taken)
    assert (tail.hours, tail.rank) == (40, 10)
    assert tail.high == pytest.approx(1e6 * 1.1**29)


def test_fewer_hours_make_less_certain() -> None:
    few, many = (_takers(*(1e6, 2e6, 3e6, 4e6) * times).tail(0) for times in (6, 40))
    assert few.formula(1e8).result < many.formula(1e8).result


def test_nothing_is_said_of_a_service_known_for_less_than_a_day() -> None:
    memory = _takers(*[1e6] * (READY - 1))
    services = np.array([0, 7], dtype=np.int32)
    assert memory.ready(services).tolist() == [False, False]
    memory.learn(0, 1e6, False)
    assert memory.ready(services).tolist() == [True, False]


def test_how_often_strangers_took_most_counts_hours_in_which_it_was_known() -> None:
    memory = _takers(*[1e6] * 24, new=None)
    for hour in range(12):
        memory.learn(0, 1e6, hour == 0)
    tail = memory.tail(0)
    assert (tail.told, tail.new) == (12, 1)
    assert tail.by_a_stranger == pytest.approx(-np.log10(2 / 14))


def test_the_last_week_s_hours_are_kept() -> None:
    memory, again = _takers(*[1e9] * 30, *[1e6] * HOURS), HourlyTakers()
    assert memory.tail(0).high == pytest.approx(1e6)
    again.from_state(memory.to_state())
    assert again.tail(0) == memory.tail(0)
    with pytest.raises(StateError):
        again.from_state(b"\0\x01")

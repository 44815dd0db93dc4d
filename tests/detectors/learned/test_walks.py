"""However much of a session is known when, each of its requests is judged by the same ones before it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.detectors.learned.rings import KEPT
from vedette.detectors.learned.tokens import BEGIN
from vedette.detectors.learned.trails import PER_CLIENT
from vedette.detectors.learned.walkers import Walkers, WalkersState
from vedette.detectors.learned.walks import PART, STRIDE, WINDOW, Chunks, chunks, highest, session_starts
from vedette.schema.state import StateError, decode, encode

LENGTHS = st.lists(st.integers(1, PER_CLIENT), min_size=1, max_size=5)


def told(windows: Chunks) -> list[tuple[int, ...]]:
    """Of each judged request: all that the model sees before it, and the request."""
    return [
        (*windows.inputs[r, : c + 1].tolist(), int(windows.targets[r, c]))
        for r, c in zip(windows.row.tolist(), windows.column.tolist(), strict=True)
    ]


def whole(token: np.ndarray) -> Chunks:
    one = np.zeros(1, dtype=np.int64)
    return chunks(token, one, one, one, np.array([len(token)]))


@given(LENGTHS)
def test_a_session_in_pieces_is_judged_as_the_whole_is(lengths: list[int]) -> None:
    token = np.arange(3, 3 + sum(lengths))
    walkers, seen, at = Walkers(), [], 0
    for window, length in enumerate(lengths):
        part, count = token[at : at + length], np.array([length])
        place = walkers.find(np.array([5], np.uint64), window)
        seen += told(walkers.windows_on(place, part, count))
        walkers.add(place, window, part, count, np.zeros(length))
        at += length
    assert seen == told(whole(token))


@given(st.lists(st.dictionaries(st.integers(1, 4), st.integers(1, PER_CLIENT), min_size=1), max_size=4))
def test_a_model_that_looks_at_one_request_sees_what_others_see_last(asked: list[dict[int, int]]) -> None:
    walkers, at = Walkers(), 3
    for window, each in enumerate(asked):
        count = np.array(list(each.values()))
        token = np.arange(at, at + int(count.sum()))
        place = walkers.find(np.array(list(each), np.uint64), window)
        far, near = (walkers.windows_on(place, token, count, depth) for depth in (WINDOW, 1))
        assert told(near) == [row[-2:] for row in told(far)]
        walkers.add(place, window, token, count, np.zeros(len(token)))
        at += len(token)


@given(st.integers(1, 150))
def test_every_request_is_judged_once_by_what_came_right_before_it(length: int) -> None:
    token = np.arange(3, 3 + length)
    seen = told(whole(token))
    assert [row[-1] for row in seen] == token.tolist()
    for place, row in enumerate(seen):
        before = [BEGIN, *token.tolist()][: place + 1]
        assert row[:-1] == tuple(before[-len(row) + 1 :])
        assert len(row) - 1 >= min(place + 1, STRIDE)
        assert len(row) - 1 <= WINDOW


@given(LENGTHS, st.integers(0, 2**32 - 1))
def test_the_scores_that_are_stated_live_are_those_that_were_calibrated(
    lengths: list[int], seed: int
) -> None:
    excess = np.random.default_rng(seed).normal(size=sum(lengths))
    walkers, most, at = Walkers(), -np.inf, 0
    for window, length in enumerate(lengths):
        place = walkers.find(np.array([5], np.uint64), window)
        token = np.full(length, 4)
        step = walkers.add(place, window, token, np.array([length]), excess[at : at + length])
        assert step.past.tolist()[-1] == at + length
        assert ((step.count >= 1) & (step.count <= PART)).all()
        most, at = max(most, float(step.score.max())), at + length
    windows = np.repeat(np.arange(len(lengths)), lengths)
    assert most == pytest.approx(float(highest(np.array([0]), windows, excess)[0]), abs=1e-9)


def test_sessions_end_when_a_client_was_quiet() -> None:
    client = np.array([1, 1, 1, 2, 2], np.uint64)
    assert session_starts(client, np.array([0, 11, 23, 23, 24])).tolist() == [0, 2, 3]
    assert session_starts(client[:0], np.zeros(0, np.int64)).tolist() == []


def some(count: int, window: int = 0) -> Walkers:
    walkers = Walkers()
    place = walkers.find(np.arange(1, count + 1, dtype=np.uint64), window)
    each = np.full(count, 2)
    walkers.add(place, window, np.arange(2 * count) % 50 + 3, each, np.linspace(0, 1, 2 * count))
    return walkers


def test_sessions_are_bounded_and_those_quiet_for_longest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette.detectors.learned.walkers.MOST", 10)
    walkers = some(8)
    place = walkers.find(np.array([3, 20, 21, 22, 23], np.uint64), 1)
    assert len(walkers.key) == 10
    assert walkers.forgotten == 2
    assert walkers.key[place].tolist() == [3, 20, 21, 22, 23]
    assert walkers.length[place].tolist() == [2, 0, 0, 0, 0]


def test_they_survive_as_bytes_and_end() -> None:
    walkers = some(4)
    again = Walkers()
    again.from_state(decode(encode(walkers.to_state()), WalkersState, "sessions"))
    assert encode(again.to_state()) == encode(walkers.to_state())
    assert len(again.end(11)) == 0
    assert len(again.end(12)) == 4
    assert len(again.key) == 0


def test_sessions_count_when_they_begin_and_a_restart_keeps_the_count() -> None:
    walkers = some(4)
    assert walkers.begun.pace == 4.0
    # Two that go on, one that is new, and services of one window share it.
    walkers.find(np.array([2, 3, 9], np.uint64), 1)
    walkers.find(np.array([20, 21], np.uint64), 1)
    assert walkers.begun.pace == 3.5
    again = Walkers()
    again.from_state(decode(encode(walkers.to_state()), WalkersState, "sessions"))
    assert again.begun.pace == 3.5
    for one in (walkers, again):
        one.find(np.array([30], np.uint64), 2)
    assert again.begun.pace == walkers.begun.pace == pytest.approx(8 / 3)


def test_damaged_bytes_are_refused() -> None:
    from msgspec.structs import replace

    from vedette.schema.state import pack

    state = some(3).to_state()
    for wrong in (
        replace(state, key=pack(np.array([3, 2, 1], np.uint64))),
        replace(state, numbers=pack(np.full((2, 3), np.nan))),
        replace(state, token=pack(np.full((3, KEPT), -1, np.int16))),
    ):
        with pytest.raises(StateError):
            Walkers().from_state(wrong)

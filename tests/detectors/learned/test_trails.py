"""What clients asked for in a window is the same however it came together, and bounded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.detectors.learned import trails
from vedette.detectors.learned.sequence_sample import SequenceSample
from vedette.detectors.learned.trails import Trails
from vedette.schema.state import StateError

ROWS = st.lists(
    st.tuples(st.integers(1, 6), st.integers(0, 9), st.integers(0, 3), st.integers(0, 99)),
    max_size=80,
    unique_by=lambda row: row[2:],
)


def columns(rows: list[tuple[int, int, int, int]]) -> trails._Rows:
    made = np.array(rows, dtype=np.int64).reshape(-1, 4)
    client, time, source, line = made.T
    return client.astype(np.uint64), time, source.astype(np.uint64), line, line * 8


@given(ROWS, st.randoms(use_true_random=False), st.integers(1, 7))
def test_any_batching_leaves_the_same(rows: list[tuple[int, int, int, int]], draw: object, each: int) -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr(trails, "PER_CLIENT", 5)
    patch.setattr(trails, "PER_WINDOW", 12)
    try:
        once = trails._Open()
        once.add(columns(rows))
        once.settle()
        draw.shuffle(mixed := list(rows))  # type: ignore[attr-defined]
        parts = trails._Open()
        for start in range(0, len(mixed), each):
            parts.add(columns(mixed[start : start + each]))
        if not mixed:
            parts.add(columns([]))
        parts.settle()
    finally:
        patch.undo()
    assert [c.tolist() for c in parts.parts[0]] == [c.tolist() for c in once.parts[0]]
    assert parts.held <= 12
    assert parts.taken == once.taken == len(rows)


def test_it_survives_as_bytes() -> None:
    held = Trails()
    held._open[7] = trails._Open()
    held._open[7].add(columns([(2, 1, 0, 1), (1, 5, 0, 2), (2, 0, 0, 3)]))
    again = Trails()
    again.from_state(held.to_state())
    assert again.to_state() == held.to_state()
    again.close(7)
    assert again.trail.client.tolist() == [1, 2]
    first, count = again.trail.of(np.array([2, 3, 1, 0], np.uint64))
    assert count.tolist() == [2, 0, 1, 0]
    assert (first[0], first[2]) == (1, 0)
    assert again.trail.code[again.trail.which].tolist() == [16, 24, 8]
    with pytest.raises(StateError):
        Trails().from_state(held.to_state()[:-3])


def test_a_sample_keeps_whole_clients_and_is_bounded() -> None:
    draw = np.random.default_rng(1)
    rows = [(int(c), w) for w in range(30) for c in np.sort(draw.integers(1, 200, 12)).tolist()]
    made = SequenceSample(most=100)
    for window in range(30):
        client = np.array([c for c, w in rows if w == window], dtype=np.uint64)
        wanted = made.wants(client)
        made.add(client[wanted], window, np.zeros(int(wanted.sum()), np.int64), ["GET /"])
    made.settle()
    kept = set(made.client.tolist())
    assert 0 < len(made) <= 100
    assert len(made) == sum(c in kept for c, _ in rows)
    made.drop(made.client[:1])
    assert int(min(kept)) not in made.client.tolist()


def test_too_many_different_requests_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette.detectors.learned.sequence_sample.MOST_TEXTS", 2)
    made = SequenceSample()
    made.add(np.array([1, 1, 1], np.uint64), 0, np.array([2, 0, 1]), ["b", "c", "a"])
    made.settle()
    assert made.texts == ["a", "b"]
    assert made.token.tolist() == [0, 1, -1]
    again = SequenceSample()
    again.from_state(made.to_state())
    assert again.to_state() == made.to_state()
    with pytest.raises(StateError):
        SequenceSample().from_state(made.to_state()[:-5])

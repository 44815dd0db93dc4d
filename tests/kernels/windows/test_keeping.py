"""Choosing rows to keep, and copying their text."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernels.windows.keeping import copy_texts, largest_of_each


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([0.5, 1.0, 2.0, np.inf]), st.booleans()), max_size=40
    ),
    st.integers(1, 4),
)
def test_the_largest_of_each_slot_are_chosen_and_of_equals_the_first(
    drawn: list[tuple[int, float, bool]], most: int
) -> None:
    rows = np.array([row for row, (_, _, chosen) in enumerate(drawn) if chosen], dtype=np.int64)
    slot = np.array([drawn[row][0] for row in rows], dtype=np.int32)
    value = np.array([value if chosen else np.nan for _, value, chosen in drawn])
    out = np.full((4, most), -1, dtype=np.int64)
    largest_of_each(rows, slot, value, out)
    for number in range(4):
        own = [int(row) for row, of in zip(rows, slot, strict=True) if of == number]
        assert [row for row in out[number].tolist() if row >= 0] == sorted(own, key=lambda r: -value[r])[
            :most
        ]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 100)), max_size=10))
def test_texts_are_copied_one_after_the_other(spans: list[tuple[int, int]]) -> None:
    buffer = np.arange(160, dtype=np.uint8)
    start = np.array([start for start, _ in spans], dtype=np.int64)
    length = np.array([length for _, length in spans], dtype=np.int64)
    out = np.full(int(length.sum()), 255, dtype=np.uint8)
    copy_texts(buffer, start, length, out)
    assert out.tolist() == [byte for start, length in spans for byte in range(start, start + length)]

"""What goes from one process to another arrives as it was."""

import mmap
import os
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from vedette.replay.crossing import Crossing, read_frame, write_frame

KINDS = st.sampled_from(["u1", "u2", "i4", "i8", "u8", "f4", "f8", "?"])


@given(
    st.lists(
        arrays.arrays(KINDS, arrays.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=40)),
        max_size=8,
    ),
    st.integers(0, 2000),
)
def test_arrays_arrive_whether_they_fit_into_the_slot_or_not(
    given: list[NDArray[np.generic]], room: int
) -> None:
    crossing = Crossing(2, max(1, room))
    for slot in (1, 0):
        found = crossing.unpack(crossing.pack({"arrays": given, "text": "x"}, slot))
        assert found["text"] == "x"
        for before, after in zip(given, found["arrays"], strict=True):
            # Kernels know element types by identity.
            assert after.dtype is np.dtype(before.dtype.str)
            assert after.flags.c_contiguous
            np.testing.assert_array_equal(before, after)


def test_an_array_that_both_see_is_not_copied() -> None:
    memory = mmap.mmap(-1, 4096)
    lines = np.frombuffer(memory, dtype=np.uint8)
    crossing = Crossing(1, 64, [memory])
    whole, part = crossing.unpack(crossing.pack((lines, lines[100:200]), 0))
    lines[150] = 7
    assert (whole[150], part[50], len(part)) == (7, 7, 100)


def test_a_view_that_is_not_contiguous_arrives_as_its_elements() -> None:
    crossing = Crossing(1, 4096)
    columns = np.arange(20, dtype=np.int64).reshape(4, 5)[:, 1]
    np.testing.assert_array_equal(crossing.unpack(crossing.pack(columns, 0)), [1, 6, 11, 16])


@dataclass(slots=True)
class _Pair:
    one: NDArray[np.int64]
    other: NDArray[np.int64]


def test_an_array_held_twice_is_still_one() -> None:
    crossing = Crossing(1, 4096)
    column = np.arange(5, dtype=np.int64)
    found = crossing.unpack(crossing.pack(_Pair(column, column), 0))
    assert found.one is found.other


@pytest.mark.parametrize("size", [0, 1, 300_000])
def test_frames_are_read_as_they_were_written(size: int) -> None:
    source, sink = os.pipe()
    content = bytes(range(256)) * (size // 256 + 1)
    if os.fork() == 0:
        write_frame(sink, content[:size])
        write_frame(sink, b"last")
        os._exit(0)
    os.close(sink)
    assert [read_frame(source) for _ in range(3)] == [content[:size], b"last", None]
    os.close(source)
    os.wait()

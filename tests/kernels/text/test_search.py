"""Searches find what Python's own find."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import kernel
from vedette.kernels.text.search import find, find2
from vedette.schema.chunk import Chunk


@kernel
def first(buffer: Bytes, at: int, limit: int, byte: int) -> int:
    return find(buffer, at, limit, byte)


@kernel
def first_of_two(buffer: Bytes, at: int, limit: int, byte: int, other: int) -> int:
    return find2(buffer, at, limit, byte, other)


few = st.lists(st.integers(0, 3) | st.integers(254, 255), max_size=700).map(bytes)
spots = st.integers(0, 700)


@given(text=few, at=spots, limit=spots, byte=st.integers(0, 4))
def test_a_byte_is_found_where_it_first_stands_and_the_limit_is_the_answer_if_it_does_not(
    text: bytes, at: int, limit: int, byte: int
) -> None:
    limit = min(limit, len(text))
    found = text.find(byte, at, limit)
    assert first(Chunk.of(text).buffer, at, limit, byte) == (limit if found < 0 else found)


@given(text=few, at=spots, limit=spots, byte=st.integers(0, 4), other=st.integers(0, 255))
def test_of_two_bytes_the_earlier_is_found(text: bytes, at: int, limit: int, byte: int, other: int) -> None:
    limit = min(limit, len(text))
    found = [place for place in (text.find(byte, at, limit), text.find(other, at, limit)) if place >= 0]
    assert first_of_two(Chunk.of(text).buffer, at, limit, byte, other) == min(found, default=limit)


def test_a_search_ends_before_what_stands_behind_its_limit() -> None:
    buffer = np.full(96, ord("x"), dtype=np.uint8)
    buffer[40] = ord("y")
    assert first(buffer, 0, 40, ord("y")) == 40
    assert first(buffer, 0, 33, ord("y")) == 33

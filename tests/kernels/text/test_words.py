"""Bytes that are read a word at a time say what they say one by one."""

from hypothesis import given
from hypothesis import strategies as st

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import kernel
from vedette.kernels.text.words import few_digits
from vedette.schema.chunk import Chunk


@kernel
def number(buffer: Bytes, at: int, length: int) -> int:
    return few_digits(buffer, at, length)


near_digits = st.sampled_from(b"0123456789/:-. \x00\x7f\x80\xb0\xb9\xff")


@given(
    before=st.binary(max_size=3),
    text=st.text("0123456789", min_size=1, max_size=8).map(str.encode)
    | st.lists(near_digits, min_size=1, max_size=8).map(bytes),
    after=st.binary(max_size=9),
)
def test_up_to_eight_digits_are_their_number_and_anything_else_is_none(
    before: bytes, text: bytes, after: bytes
) -> None:
    wanted = int(text) if text.isdigit() else -1
    assert number(Chunk.of(before + text + after).buffer, len(before), len(text)) == wanted

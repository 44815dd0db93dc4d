"""A prefetch asks for memory, and changes nothing."""

import numpy as np

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import kernel
from vedette.kernels.prefetch import prefetch, prefetch_row, prefetch_text


@kernel
def _ask(numbers: Ints, rows: Ints, far: int) -> int:
    total = 0
    for at in range(numbers.shape[0]):
        prefetch(numbers, at + 1)
        prefetch(numbers, at - far)
        prefetch_row(rows, at + far, 1)
        total += numbers[at] * rows[at, 1]
    return total


def test_what_is_asked_for_need_not_be_there() -> None:
    numbers, rows = np.arange(10), np.arange(30).reshape(10, 3)
    assert _ask(numbers, rows, 1 << 45) == (numbers * rows[:, 1]).sum()


@kernel
def _ask_of_text(text: Bytes, length: int) -> int:
    total = 0
    for at in range(text.shape[0]):
        prefetch_text(text, at, length)
        total += text[at]
    return total


def test_nor_need_all_of_a_text() -> None:
    text = np.arange(100, dtype=np.uint8)
    assert [_ask_of_text(text, length) for length in (0, 1, 1000)] == [text.sum()] * 3

"""Numbering the distinct values of columns of small numbers, without sorting them."""

import numpy as np
from numpy.typing import NDArray


def pair_numbers(
    left: NDArray[np.int32], right: NDArray[np.int32], right_count: int
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Number the distinct pairs of two small-number columns; rows where `right` is negative get -1.

    Returns:
        int32 (n,) pair numbers, and int64 (p,) the left and right part of each pair.
    """
    width = right_count + 1
    code = left.astype(np.int64) * width + right
    code[right < 0] = -1
    top = int(code.max(initial=-1)) + 1
    present = np.zeros(top + 1, dtype=bool)
    present[code] = True  # -1 lands on the extra last place
    present[top] = False
    codes = np.flatnonzero(present)
    numbers = np.full(top + 1, -1, dtype=np.int32)
    numbers[codes] = np.arange(len(codes), dtype=np.int32)
    return numbers[code], codes // width, codes % width


def distinct_numbers(numbers: NDArray[np.int32]) -> tuple[list[int], NDArray[np.int32]]:
    """The distinct ones of small numbers, in order, and which of them each (n,) is."""
    present = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=bool)
    present[numbers] = True
    distinct = np.flatnonzero(present)
    places = np.zeros(len(present), dtype=np.int32)
    places[distinct] = np.arange(len(distinct), dtype=np.int32)
    return distinct.tolist(), places[numbers]

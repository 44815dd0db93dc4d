"""Choosing rows of a batch to keep, and copying what is kept of them."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import kernel
from vedette.kernels.text.words import BLOCK, put_text


@kernel
def largest_of_each(
    rows: Ints, slot: NDArray[np.int32], value: NDArray[np.float64], out: NDArray[np.int64]
) -> None:
    """Choose the rows of each slot whose value is the largest, of equals the first.

    Args:
        rows: int64 (k,), rows to choose from, in order. slot: int32 (k,), of each.
        value: float64 (n,), by row; not NaN for those chosen from.
        out: int64 (slots, most), -1: receives the rows chosen, the largest first.
    """
    most = out.shape[1]
    for i in range(rows.shape[0]):
        row = rows[i]
        own = slot[i]
        at = most
        while at > 0 and (out[own, at - 1] < 0 or value[out[own, at - 1]] < value[row]):
            at -= 1
        if at == most:
            continue
        for j in range(most - 1, at, -1):
            out[own, j] = out[own, j - 1]
        out[own, at] = row


@kernel
def copy_texts(buffer: Bytes, start: Ints, length: Ints, out: Bytes) -> None:
    """Copy texts one after the other.

    Args:
        buffer: uint8. start, length: int64 (k,), where they stand in it.
        out: uint8, as long as all of them.
    """
    at = 0
    for i in range(start.shape[0]):
        begin = start[i]
        size = length[i]
        if begin + size + BLOCK <= buffer.shape[0] and at + size + BLOCK <= out.shape[0]:
            put_text(buffer, begin, size, out, at)
        else:
            for j in range(size):
                out[at + j] = buffer[begin + j]
        at += size

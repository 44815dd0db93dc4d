"""Dictionary coding: one small integer per distinct byte string of a column.

Ids are given in order of first appearance, so they do not depend on the hash. Memory is bounded by the number
of rows; how many distinct texts there are changes nothing.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import INTERPRETED, kernel
from vedette.kernels.prefetch import prefetch
from vedette.kernels.text.hashing import hash_bytes
from vedette.kernels.text.words import equal

TAG_SHIFT = 32
ID_MASK = 0xFFFFFFFF
_AHEAD = 8
"""Rows before its own from which a text is asked for."""


def slots_for(rows: int) -> int:
    """Slots that `intern` needs for so many rows: a power of two, at most half of it ever used."""
    return 1 << max(4, (2 * rows - 1).bit_length())


def _intern(
    buffer: Bytes,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    secret_a: int,
    secret_b: int,
    slots: NDArray[np.int64],
    ids: NDArray[np.int32],
    first_start: NDArray[np.int64],
    first_length: NDArray[np.int32],
) -> int:
    mask = slots.shape[0] - 1
    for i in range(mask + 1):
        slots[i] = 0
    count = 0
    last_start = -1
    last_length = -1
    last_id = -1
    rows = start.shape[0]
    for row in range(rows):
        if row + _AHEAD < rows:
            prefetch(buffer, start[row + _AHEAD])
        at = start[row]
        if at < 0:
            ids[row] = -1
            continue
        size = length[row]
        if size == last_length and equal(buffer, at, last_start, size):
            ids[row] = last_id
            continue
        code = hash_bytes(buffer, at, size, secret_a, secret_b)
        tag = (code >> TAG_SHIFT) & 0x7FFFFFFF
        slot = code & mask
        while True:
            entry = slots[slot]
            if entry == 0:
                last_id = count
                first_start[count] = at
                first_length[count] = size
                count += 1
                slots[slot] = (tag << TAG_SHIFT) | count
                break
            if entry >> TAG_SHIFT == tag:
                known = (entry & ID_MASK) - 1
                if first_length[known] == size and equal(buffer, at, first_start[known], size):
                    last_id = known
                    break
            slot = (slot + 1) & mask
        last_start = at
        last_length = size
        ids[row] = last_id
    return count


def _intern_interpreted(
    buffer: Bytes,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    _secret_a: int,
    _secret_b: int,
    _slots: NDArray[np.int64],
    ids: NDArray[np.int32],
    first_start: NDArray[np.int64],
    first_length: NDArray[np.int32],
) -> int:
    # Python's dictionary is this very table, only quicker than the same steps interpreted.
    known: dict[bytes, int] = {}
    text = buffer.tobytes()
    for row, (at, size) in enumerate(zip(start.tolist(), length.tolist(), strict=True)):
        if at < 0:
            ids[row] = -1
            continue
        count = len(known)
        code = known.setdefault(text[at : at + size], count)
        if code == count:
            first_start[code] = at
            first_length[code] = size
        ids[row] = code
    return len(known)


intern = kernel(_intern_interpreted if INTERPRETED else _intern)
"""`intern(buffer, start, length, secret_a, secret_b, slots, ids, first_start, first_length)`: code a column.

`start` (int64) and `length` (int32) name the span of each row, negative starts meaning absent. `slots` is
int64 scratch of at least `slots_for(rows)` elements, a power of two; its contents do not matter. Writes the
id of each row to `ids` (int32, -1 where absent) and the span of each id's first appearance to `first_start`
and `first_length` (at least as long as the rows), and returns how many ids there are.
"""

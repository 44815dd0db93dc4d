"""Choosing the rows of a scan buffer that hold certain bytes."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.compile import kernel
from vedette.kernels.words import Bytes

Ints = NDArray[np.int64]


@kernel
def keep_marked(text: Bytes, end: Ints, is_mark: Bytes, out: Bytes, out_end: Ints, out_row: Ints) -> int:
    """Copy rows that hold a mark, one after the other; returns how many.

    Args:
        text: uint8, rows one after the other. end: int64 (n,), where each ends, ascending.
        is_mark: uint8 (256,), not 0 for each byte that is a mark.
        out: uint8, as long as `text`. out_end, out_row: int64 (n,), receive where each ends, and which it is.
    """
    begin = 0
    put = 0
    kept = 0
    for row in range(end.shape[0]):
        past = end[row]
        at = begin
        while at < past and is_mark[text[at]] == 0:
            at += 1
        if at < past:
            for i in range(begin, past):
                out[put] = text[i]
                put += 1
            out_end[kept] = put
            out_row[kept] = row
            kept += 1
        begin = past
    return kept

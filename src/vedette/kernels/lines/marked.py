"""Choosing the rows of a scan buffer that hold certain bytes."""

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import kernel


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


@kernel
def keep_chosen(text: Bytes, end: Ints, rows: Ints, out: Bytes, out_end: Ints) -> int:
    """Copy some rows, one after the other; returns how many bytes they have.

    Args:
        text: uint8, rows one after the other. end: int64 (n,), where each ends, ascending.
        rows: int64 (k,), which to copy.
        out: uint8, room for them; of none, nothing is copied. out_end: int64 (k,), receives where each ends.
    """
    put = 0
    for kept in range(rows.shape[0]):
        row = rows[kept]
        begin = end[row - 1] if row > 0 else 0
        length = end[row] - begin
        if out.shape[0] > 0:
            for i in range(length):
                out[put + i] = text[begin + i]
        put += length
        out_end[kept] = put
    return put

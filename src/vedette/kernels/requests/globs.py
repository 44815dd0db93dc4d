"""Rules that are switched off where a path matches a pattern."""

from typing import Any

from vedette.kernels.arrays import Bitmaps, Bytes, Ints
from vedette.kernels.compile import kernel, subkernel


@subkernel
def _matches(text: Bytes, begin: int, end: int, patterns: Bytes, first: int, past: int) -> bool:
    """Whether a whole text matches a pattern, in which `*` stands for any run of bytes.

    Only the last `*` ever has to be tried again, so the work is at most the product of both lengths.
    """
    at = begin
    want = first
    star = -1
    mark = begin
    while at < end:
        if want < past and patterns[want] == 42:  # '*'
            star = want
            mark = at
            want += 1
        elif want < past and patterns[want] == text[at]:
            at += 1
            want += 1
        elif star >= 0:
            want = star + 1
            mark += 1
            at = mark
        else:
            return False
    while want < past and patterns[want] == 42:
        want += 1
    return want == past


@kernel
def except_paths(
    text: Bytes,
    row_end: Ints,
    rows: int,
    row_text: Ints,
    row_place: Ints,
    path_place: int,
    patterns: Bytes,
    pattern_end: Ints,
    kept: Bitmaps,
    bits: Bitmaps,
    dirty: Any,
) -> None:
    """Take back the rules that are switched off where a decoded path matches.

    Args:
        text: uint8, the scan buffer.
        row_end: int64, where each row ends, past its NUL and line feed; the first begins at 0.
        rows: How many rows to look at, the first ones.
        row_text: int64, the text of each row.
        row_place: int64, its place, one bit.
        path_place: The bits of paths.
        patterns: uint8, all patterns, one behind the other.
        pattern_end: int64 (k,), where each ends.
        kept: uint8 (k, w), the rules that each leaves on.
        bits: uint8 (texts, w).
        dirty: uint8 (texts,), becomes 0 where no rule is left.
    """
    begin = 0
    for row in range(rows):
        end = row_end[row] - 2
        this = row_text[row]
        if row_place[row] & path_place and dirty[this] != 0:
            first = 0
            for k in range(pattern_end.shape[0]):
                if _matches(text, begin, end, patterns, first, pattern_end[k]):
                    left = 0
                    for j in range(bits.shape[1]):
                        bits[this, j] &= kept[k, j]
                        left |= bits[this, j]
                    if left == 0:
                        dirty[this] = 0
                first = pattern_end[k]
        begin = row_end[row]

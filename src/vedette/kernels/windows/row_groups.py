"""Rows of a batch that are alike, told apart once."""

from vedette.kernels.arrays import Bytes, Ints, Ints32
from vedette.kernels.compile import kernel


@kernel
def group_rows(
    keep: Bytes,
    window: Ints,
    service: Ints32,
    target: Ints32,
    code: Bytes,
    table: Ints32,
    group: Ints32,
    first: Ints,
    count: Ints,
) -> int:
    """Number the distinct (window, service, target, code) of the rows to keep, in order of appearance.

    Args:
        keep: uint8 (n,), rows to look at. window, service, target, code: Parallel columns; the target is an id.
        table: int32 scratch, zeroed, a power of two of at least twice the rows.
        group: int32 (n,), written: each row's number, -1 for the others.
        first, count: int64 (n,), written: each group's first row, and how many rows it has.

    Returns:
        How many groups there are.
    """
    mask = table.shape[0] - 1
    groups = 0
    for row in range(keep.shape[0]):
        if keep[row] == 0 or target[row] < 0:
            group[row] = -1
            continue
        place = (target[row] * 40503 + window[row] * 9973 + service[row] * 97 + code[row]) & mask
        while True:
            entry = table[place]
            if entry == 0:
                first[groups] = row
                count[groups] = 1
                group[row] = groups
                groups += 1
                table[place] = groups
                break
            known = int(entry) - 1
            other = first[known]
            if (
                target[other] == target[row]
                and window[other] == window[row]
                and service[other] == service[row]
                and code[other] == code[row]
            ):
                count[known] += 1
                group[row] = known
                break
            place = (place + 1) & mask
    return groups

"""Rules that do not count because of what else a target says."""

from vedette.kernels.arrays import Bitmaps, Bytes, Ints
from vedette.kernels.compile import kernel


@kernel
def take_back_excused(
    rows: int,
    row_text: Ints,
    context_rules: Bytes,
    rule: Ints,
    beside: Ints,
    excused: Bitmaps,
    bits: Bitmaps,
    dirty: Bytes,
) -> None:
    """Take back from texts the rules that others of their rules excuse, and then these others.

    Args:
        rows: How many rows to look at, the first ones; those of a text follow each other.
        row_text: int64, the text of each row.
        context_rules: uint8 (w,), bitmap of the rules that are no signs themselves.
        rule: int64 (k,), rules that excuse. beside: int64 (k,), what a text must have hit too, -1 for nothing.
        excused: uint8 (k, w), bitmaps of what each excuses.
        bits: uint8 (texts, w), the rules that each text hit.
        dirty: uint8 (texts,), whether it hit any.
    """
    width = context_rules.shape[0]
    for row in range(rows):
        of = row_text[row]
        if dirty[of] == 0 or (row > 0 and row_text[row - 1] == of):
            continue
        some = 0
        for j in range(width):
            some |= bits[of, j] & context_rules[j]
        if some == 0:
            continue
        for k in range(rule.shape[0]):
            own = rule[k]
            other = beside[k]
            if bits[of, own >> 3] >> (own & 7) & 1 == 0:
                continue
            if other >= 0 and bits[of, other >> 3] >> (other & 7) & 1 == 0:
                continue
            for j in range(width):
                bits[of, j] &= ~excused[k, j]
        left = 0
        for j in range(width):
            bits[of, j] &= ~context_rules[j]
            left |= bits[of, j]
        dirty[of] = 1 if left != 0 else 0

"""Verdicts on texts, remembered across batches in a table of fixed size."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bitmaps, Bytes, Ints
from vedette.kernels.compile import kernel
from vedette.kernels.prefetch import prefetch, prefetch_row, prefetch_text
from vedette.kernels.text.hashing import hash_bytes
from vedette.kernels.text.words import equal_across, put_text

KEY = 192
"""Longest text that is remembered, in bytes. Longer ones seldom come twice."""
WAYS = 4
"""Slots that a text may lie in; the one that was filled first makes room. After half as many texts as there are slots
14 % are pushed out, where one slot for each would lose 39 %."""
_AHEAD = 16
"""Texts whose slots are asked for before the first of them is looked at."""


@kernel
def recall(
    buffer: Bytes,
    start: Ints,
    length: NDArray[np.int32],
    place: int,
    secret_a: int,
    secret_b: int,
    slot_head: NDArray[np.int64],
    slot_key: Bytes,
    slot_bits: Bitmaps,
    slot_score: NDArray[np.float32],
    first: int,
    bits: Bitmaps,
    dirty: Bytes,
    score: NDArray[np.float32],
    codes: Ints,
    unknown: Ints,
) -> int:
    """Look the texts of one place up in the memory; give those it knows their verdicts.

    Args:
        buffer, start, length: The vocabulary, k texts.
        place: Number of the place, part of the key: the same text may be judged differently elsewhere.
        secret_a, secret_b: Key of the hash.
        slot_head: int64 (s, 2), s a power of two: the hash of a slot's text, and its length plus 1; 0 where there is
            none, and negated where it hit something: most hit nothing, and their verdicts need not be read. `WAYS`
            slots that follow each other are a set; a text lies in the set that its hash names.
        slot_key: uint8 (s * KEY,): the texts.
        slot_bits: uint8 (s, w): the verdicts. slot_score: float32 (s,): what the payload model says.
        first: Number of the first text.
        bits: uint8 (texts, w): receives verdicts, rows of texts that are not known stay as they are.
        dirty: uint8 (texts,). score: float32 (texts,): receives what the payload model says, as `bits` does.
        codes: int64 (texts,): receives the hash of each text, for `remember`.
        unknown: int64 (k,): receives the ids of the texts not known, in order.

    Returns:
        How many are not known.
    """
    mask = slot_head.shape[0] - WAYS
    width = bits.shape[1]
    count = 0
    for begin in range(0, start.shape[0], _AHEAD):
        end = min(start.shape[0], begin + _AHEAD)
        for i in range(end, min(start.shape[0], end + _AHEAD)):
            prefetch(buffer, start[i])
        for i in range(begin, end):
            codes[first + i] = hash_bytes(buffer, start[i], min(length[i], KEY), secret_a ^ place, secret_b)
            prefetch_row(slot_head, codes[first + i] & mask, 0)
        # Where each text should be; `unknown` has room there, for those before it fill no more.
        for i in range(begin, end):
            size = length[i]
            code = codes[first + i]
            slot = code & mask
            past = slot + WAYS
            while slot < past:
                held = slot_head[slot, 1]
                if (held == size + 1 or held == -size - 1) and slot_head[slot, 0] == code:
                    break
                slot += 1
            if slot == past or size > KEY:
                unknown[i] = -1
                continue
            unknown[i] = slot
            prefetch_text(slot_key, slot * KEY, size)
        for i in range(begin, end):
            slot = unknown[i]
            if slot < 0 or not equal_across(buffer, start[i], slot_key, slot * KEY, length[i]):
                unknown[count] = i
                count += 1
                continue
            score[first + i] = slot_score[slot]
            if slot_head[slot, 1] < 0:
                for j in range(width):
                    bits[first + i, j] = slot_bits[slot, j]
                dirty[first + i] = 1
    return count


@kernel
def remember(
    buffer: Bytes,
    start: Ints,
    length: NDArray[np.int32],
    known: Ints,
    first: int,
    bits: Bitmaps,
    score: NDArray[np.float32],
    codes: Ints,
    slot_head: NDArray[np.int64],
    slot_key: Bytes,
    slot_bits: Bitmaps,
    slot_score: NDArray[np.float32],
    next_way: Bytes,
) -> None:
    """Put the texts `known` (ids, int64) of one place into the memory; each displaces the oldest of its set.

    Args:
        next_way: uint8 (s / WAYS,): which slot of each set is filled next. The others are those of `recall`.
    """
    mask = slot_head.shape[0] - WAYS
    width = bits.shape[1]
    for n in range(known.shape[0]):
        if n + _AHEAD < known.shape[0]:
            later = known[n + _AHEAD]
            prefetch(buffer, start[later])
            if length[later] <= KEY:
                prefetch(next_way, (codes[first + later] & mask) // WAYS)
                prefetch_row(slot_head, codes[first + later] & mask, 0)
        i = known[n]
        size = length[i]
        if size > KEY:
            continue
        code = codes[first + i]
        group = (code & mask) // WAYS
        slot = group * WAYS + next_way[group]
        next_way[group] = (next_way[group] + 1) & (WAYS - 1)
        put_text(buffer, start[i], size, slot_key, slot * KEY)
        hit = 0
        for j in range(width):
            hit |= bits[first + i, j]
        if hit != 0:
            for j in range(width):
                slot_bits[slot, j] = bits[first + i, j]
        slot_score[slot] = score[first + i]
        slot_head[slot, 0] = code
        slot_head[slot, 1] = -size - 1 if hit != 0 else size + 1

"""A bounded table of keys of several int64 each, in order of when they were seen last."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.compile import inlined, kernel
from vedette.kernels.hashing import hash_words

Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]

TAKEN, OLDEST, YOUNGEST = 0, 1, 2
"""Places in a table's own numbers."""
META = 3
BEFORE, AFTER, CHAINED = 0, 1, 2
"""Columns of the links: neighbours in order of time, and the next key of the same bucket."""
LINKS = 3
KNOWN, NEW, INSTEAD = 0, 1, 2
"""What became of a key: it was there, took a free place, or the place of the one not seen for the longest time."""


@inlined
def _bucket(rows: Ints, row: int, secret_a: int, secret_b: int, mask: int) -> int:
    mixed = 0
    for column in range(0, rows.shape[1] - 1, 2):
        mixed = hash_words(rows[row, column], rows[row, column + 1], mixed, column, 0, secret_a, secret_b)
    if rows.shape[1] & 1:
        mixed = hash_words(rows[row, rows.shape[1] - 1], 0, mixed, 0, 0, secret_a, secret_b)
    return int(mixed) & mask


@kernel
def claim_keys(
    rows: Ints,
    keys: Ints,
    links: Ints,
    buckets: Ints32,
    meta: Ints,
    secret_a: int,
    secret_b: int,
    places: Ints,
    became: Ints,
    gone: Ints,
) -> None:
    """Find each row's place in the table, and make it the youngest; rows that have none get one.

    Args:
        rows: int64 (n, k), no more of them than the table has places.
        keys: int64 (m, k), the table. links: int64 (m, LINKS). buckets: int32 (power of two,), first place + 1.
        meta: int64 (META,): places taken, the oldest and the youngest (-1 for none).
        secret_a, secret_b: Of the hash.
        places: int64 (n,), receives each row's place.
        became: int64 (n,), receives `KNOWN`, `NEW` or `INSTEAD`.
        gone: int64 (n, k), receives the key that had to go, where `became` says `INSTEAD`.
    """
    mask = buckets.shape[0] - 1
    width = rows.shape[1]
    for row in range(rows.shape[0]):
        bucket = _bucket(rows, row, secret_a, secret_b, mask)
        place = int(buckets[bucket]) - 1
        while place >= 0:
            same = True
            for column in range(width):
                if keys[place, column] != rows[row, column]:
                    same = False
                    break
            if same:
                break
            place = links[place, CHAINED]
        became[row] = KNOWN
        if place < 0 and meta[TAKEN] < keys.shape[0]:
            place = meta[TAKEN]
            meta[TAKEN] += 1
            became[row] = NEW
        elif place < 0:
            place = meta[OLDEST]
            for column in range(width):
                gone[row, column] = keys[place, column]
            became[row] = INSTEAD
            old = _bucket(keys, place, secret_a, secret_b, mask)
            at = int(buckets[old]) - 1
            if at == place:
                buckets[old] = links[place, CHAINED] + 1
            else:
                while links[at, CHAINED] != place:
                    at = links[at, CHAINED]
                links[at, CHAINED] = links[place, CHAINED]
        if became[row] != NEW:
            before = links[place, BEFORE]
            after = links[place, AFTER]
            if before >= 0:
                links[before, AFTER] = after
            else:
                meta[OLDEST] = after
            if after >= 0:
                links[after, BEFORE] = before
            else:
                meta[YOUNGEST] = before
        if became[row] != KNOWN:
            for column in range(width):
                keys[place, column] = rows[row, column]
            links[place, CHAINED] = buckets[bucket] - 1
            buckets[bucket] = place + 1
        last = meta[YOUNGEST]
        links[place, BEFORE] = last
        links[place, AFTER] = -1
        if last >= 0:
            links[last, AFTER] = place
        else:
            meta[OLDEST] = place
        meta[YOUNGEST] = place
        places[row] = place

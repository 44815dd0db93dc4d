"""A bounded table of keys of several int64 each, in order of when they were seen last."""

from vedette.kernels.arrays import Bytes, Floats, Ints, Ints32
from vedette.kernels.compile import inlined, kernel
from vedette.kernels.prefetch import prefetch, prefetch_row
from vedette.kernels.text.hashing import hash_words

TAKEN, OLDEST, YOUNGEST = 0, 1, 2
"""Places in a table's own numbers."""
META = 3
BEFORE, AFTER, CHAINED, MARK = 0, 1, 2, 3
"""Columns of the links: neighbours in order of time, the next key of the same bucket, and bits of the key's hash.

By the mark a key's bucket is found again, and most other keys are told from it, without a look at the key."""
LINKS = 4
_AHEAD = 64
"""Keys whose buckets are read before the first of them is looked for: they come from memory together."""
_MARK_BITS = 0x7FFFFFFF


@inlined
def _mark(rows: Ints, row: int, secret_a: int, secret_b: int) -> int:
    width = rows.shape[1]
    mixed = width
    column = 0
    while column < width:
        second = rows[row, column + 1] if column + 1 < width else 0
        third = rows[row, column + 2] if column + 2 < width else 0
        fourth = rows[row, column + 3] if column + 3 < width else 0
        mixed = hash_words(rows[row, column], second, third, fourth, mixed, secret_a, secret_b)
        column += 4
    return int(mixed) & _MARK_BITS


@kernel
def has_keys(
    rows: Ints, keys: Ints, links: Ints32, buckets: Ints32, secret_a: int, secret_b: int, found: Bytes
) -> None:
    """Find out which keys are in the table, and leave it as it is.

    Args:
        rows: int64 (n, k). keys, links, buckets, secret_a, secret_b: As for `claim_keys`.
        found: uint8 (n,), receives 1 for those that are there, and 0.
    """
    mask = buckets.shape[0] - 1
    for row in range(rows.shape[0]):
        mark = _mark(rows, row, secret_a, secret_b)
        place = int(buckets[mark & mask]) - 1
        found[row] = 0
        while place >= 0:
            if links[place, MARK] == mark:
                same = True
                for column in range(rows.shape[1]):
                    if keys[place, column] != rows[row, column]:
                        same = False
                        break
                if same:
                    found[row] = 1
                    break
            place = int(links[place, CHAINED])


@kernel
def claim_keys(
    rows: Ints,
    marks: Ints32,
    keys: Ints,
    links: Ints32,
    buckets: Ints32,
    meta: Ints,
    numbers: Ints,
    reals: Floats,
    secret_a: int,
    secret_b: int,
    places: Ints,
    fresh: Bytes,
    gone: Ints,
) -> int:
    """Find each row's place in the table, and make it the youngest; rows that have none get one.

    It is a free one, or that of the key which was not seen for the longest time.

    Args:
        rows: int64 (n, k), no more of them than the table has places. marks: int32 (n,), scratch.
        keys: int64 (m, k), the table. links: int32 (m, LINKS). buckets: int32 (power of two,), first place + 1.
        meta: int64 (META,): places taken, the oldest and the youngest (-1 for none).
        numbers: int64 (m, any), reals: float64 (m, any), what is remembered of each key: set to zeros for a new one.
        secret_a, secret_b: Of the hash.
        places: int64 (n,), receives each row's place.
        fresh: uint8 (n,), receives 1 where the place is new to the key.
        gone: int64 (n, k), receives the keys that had to go.

    Returns:
        How many had to go.
    """
    mask = buckets.shape[0] - 1
    width = rows.shape[1]
    left = 0
    fetched = 0
    gone_before = 0
    for row in range(rows.shape[0]):
        if row == fetched:
            fetched = min(rows.shape[0], row + _AHEAD)
            for at in range(row, fetched):
                marks[at] = _mark(rows, at, secret_a, secret_b)
                prefetch(buckets, marks[at] & mask)
            if left > gone_before:
                # Others had to go just now: who may have to for these.
                place = meta[OLDEST]
                for at in range(row, fetched):
                    places[at] = int(links[place, MARK]) & mask
                    prefetch(buckets, places[at])
                    prefetch_row(keys, place, 0)
                    place = int(links[place, AFTER])
                    if place < 0:
                        break
                for at in range(row, fetched):
                    # And who stands before them in their buckets.
                    prefetch_row(links, int(buckets[places[at] & mask]) - 1, 0)
                gone_before = left
            for at in range(row, fetched):
                prefetch_row(links, int(buckets[int(marks[at]) & mask]) - 1, 0)
        mark = int(marks[row])
        bucket = mark & mask
        place = int(buckets[bucket]) - 1
        while place >= 0:
            if links[place, MARK] == mark:
                same = True
                for column in range(width):
                    if keys[place, column] != rows[row, column]:
                        same = False
                        break
                if same:
                    break
            place = int(links[place, CHAINED])
        places[row] = place
        fresh[row] = 0
        known = place >= 0
        if not known and meta[TAKEN] < keys.shape[0]:
            place = meta[TAKEN]
            meta[TAKEN] += 1
        else:
            if not known:
                place = meta[OLDEST]
                for column in range(width):
                    gone[left, column] = keys[place, column]
                left += 1
                old = int(links[place, MARK]) & mask
                at = int(buckets[old]) - 1
                if at == place:
                    buckets[old] = links[place, CHAINED] + 1
                else:
                    while links[at, CHAINED] != place:
                        at = int(links[at, CHAINED])
                    links[at, CHAINED] = links[place, CHAINED]
            before = int(links[place, BEFORE])
            after = int(links[place, AFTER])
            if before >= 0:
                links[before, AFTER] = after
            else:
                meta[OLDEST] = after
            if after >= 0:
                links[after, BEFORE] = before
            else:
                meta[YOUNGEST] = before
        if not known:
            fresh[row] = 1
            places[row] = place
            for column in range(width):
                keys[place, column] = rows[row, column]
            for column in range(numbers.shape[1]):
                numbers[place, column] = 0
            for column in range(reals.shape[1]):
                reals[place, column] = 0.0
            links[place, MARK] = mark
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
    return left

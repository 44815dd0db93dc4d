"""Slots of the table of flows: taken, in order of their last packet, and given back.

Two lists hold them in that order: established TCP connections, which may be silent for long, and everything else.
"""

from vedette.kernels.arrays import Ints, Ints32
from vedette.kernels.compile import subkernel
from vedette.kernels.packets.flow_layout import (
    ACKED,
    ACTIVE,
    AFTER,
    BEFORE,
    BUCKET,
    CHAINED,
    COUNTS,
    EXPECTED,
    FREE,
    GAP,
    LISTED,
    NEWER_MARK,
    OLDER_MARK,
    OLDEST,
    REQUEST_AT,
    SLOTS_TAKEN,
    TIMED,
)


@subkernel
def unlink(state: Ints, meta: Ints, slot: int) -> None:
    """Take a flow out of its list."""
    before, after, which = state[slot, BEFORE], state[slot, AFTER], state[slot, LISTED]
    if before >= 0:
        state[before, AFTER] = after
    else:
        meta[OLDEST + 2 * which] = after
    if after >= 0:
        state[after, BEFORE] = before
    else:
        meta[OLDEST + 2 * which + 1] = before


@subkernel
def append(state: Ints, meta: Ints, slot: int, which: int) -> None:
    """Make a flow the youngest of a list."""
    last = meta[OLDEST + 2 * which + 1]
    state[slot, LISTED] = which
    state[slot, BEFORE] = last
    state[slot, AFTER] = -1
    if last >= 0:
        state[last, AFTER] = slot
    else:
        meta[OLDEST + 2 * which] = slot
    meta[OLDEST + 2 * which + 1] = slot


@subkernel
def forget_flow(state: Ints, meta: Ints, buckets: Ints32, slot: int) -> None:
    """Free a flow's slot."""
    unlink(state, meta, slot)
    bucket = state[slot, BUCKET]
    at = int(buckets[bucket]) - 1
    if at == slot:
        buckets[bucket] = state[slot, CHAINED] + 1
    else:
        while state[at, CHAINED] != slot:
            at = state[at, CHAINED]
        state[at, CHAINED] = state[slot, CHAINED]
    state[slot, CHAINED] = meta[FREE]
    meta[FREE] = slot
    meta[ACTIVE] -= 1


@subkernel
def take_slot(state: Ints, told: Ints, meta: Ints, buckets: Ints32, bucket: int) -> int:
    """A fresh slot in a bucket; -1 where the table is full."""
    slot = int(meta[FREE])
    if slot >= 0:
        meta[FREE] = state[slot, CHAINED]
    elif meta[SLOTS_TAKEN] < state.shape[0]:
        slot = int(meta[SLOTS_TAKEN])
        meta[SLOTS_TAKEN] += 1
    else:
        return -1
    for i in range(state.shape[1]):
        state[slot, i] = 0
    for i in range(COUNTS):
        told[slot, i] = 0
    for side in range(2):
        state[slot, EXPECTED + side] = -1
        state[slot, ACKED + side] = -1
        state[slot, TIMED + side] = -1
        state[slot, NEWER_MARK + side] = -1
        state[slot, OLDER_MARK + side] = -1
        state[slot, GAP + side] = -1
    state[slot, REQUEST_AT] = -1
    state[slot, CHAINED] = int(buckets[bucket]) - 1
    state[slot, BUCKET] = bucket
    buckets[bucket] = slot + 1
    meta[ACTIVE] += 1
    return slot

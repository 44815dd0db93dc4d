"""Flows written out as windows end and time passes."""

from vedette.kernels.arrays import Ints, Ints32
from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.packets.flow_layout import (
    AFTER,
    ASKED,
    BEGAN,
    FAILED,
    FAILURES,
    LATEST,
    OLDEST,
    SLOTS_TAKEN,
    STAGE,
    TO_TELL,
    TOLD_FROM,
)
from vedette.kernels.packets.flow_slots import forget_flow
from vedette.kernels.packets.flow_writing import write_part, write_whole

UNANSWERED_US = 3_000_000
"""A SYN that was not answered for so long has failed: two retransmissions later (RFC 6298 starts at 1 s)."""


@subkernel
def end_flow(
    state: Ints, told: Ints, meta: Ints, buckets: Ints32, slot: int, parts: Ints, wholes: Ints, written: Ints
) -> None:
    """Write what a flow has left to tell, and all of it, where there is room for both, and forget it."""
    if state[slot, TO_TELL]:
        write_part(state, told, slot, parts, written[0])
        written[0] += 1
    write_whole(state, slot, wholes, written[1])
    written[1] += 1
    forget_flow(state, meta, buckets, slot)


@kernel
def end_window(first: int, state: Ints, told: Ints, meta: Ints, parts: Ints, written: Ints) -> int:
    """Write what flows from slot `first` on have to tell of the window that ends.

    Returns:
        The first slot that was not looked at because `parts` is full; the number of slots if all were.
    """
    for slot in range(first, meta[SLOTS_TAKEN]):
        if state[slot, TO_TELL]:
            if written[0] >= parts.shape[0]:
                return slot
            write_part(state, told, slot, parts, written[0])
            written[0] += 1
    return int(meta[SLOTS_TAKEN])


@kernel
def fail_unanswered(moment: int, state: Ints, meta: Ints) -> None:
    """Note connections that have waited too long for their first answer at `moment`, the end of a window."""
    slot = meta[OLDEST]
    while slot >= 0 and moment - state[slot, LATEST] >= UNANSWERED_US:
        if state[slot, STAGE] == ASKED:
            state[slot, STAGE] = FAILED
            state[slot, FAILURES] = 1
            if state[slot, TO_TELL] == 0:
                state[slot, TO_TELL] = 1
                state[slot, TOLD_FROM] = moment - 1
        slot = state[slot, AFTER]


@kernel
def expire_flows(
    before_short: int,
    before_long: int,
    begun_before: int,
    state: Ints,
    told: Ints,
    meta: Ints,
    buckets: Ints32,
    parts: Ints,
    wholes: Ints,
    written: Ints,
) -> int:
    """Write out flows whose last packet came before a time, or (long connections) that began before another.

    Args:
        before_short, before_long: For the two lists, microseconds.
        begun_before: A connection that began earlier is written out, and starts anew with its next packet.

    Returns:
        1 when done, 0 where `parts` or `wholes` is full.
    """
    for which in range(2):
        limit = before_long if which else before_short
        slot = meta[OLDEST + 2 * which]
        while slot >= 0:
            after = state[slot, AFTER]
            if state[slot, LATEST] >= limit:
                if which == 0 or state[slot, BEGAN] >= begun_before:
                    break
            if written[0] >= parts.shape[0] or written[1] >= wholes.shape[0]:
                return 0
            end_flow(state, told, meta, buckets, slot, parts, wholes, written)
            slot = after
    return 1

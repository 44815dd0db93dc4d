"""Flows written out: whole, and in parts, which tell what happened since the last one."""

from vedette.kernels.arrays import Ints
from vedette.kernels.compile import subkernel
from vedette.kernels.packets.flow_layout import (
    BEGAN,
    COUNTED,
    COUNTS,
    FIRST_COUNT,
    LATEST,
    LONGEST_GAP,
    NUMBER,
    TO_TELL,
    TOLD_FROM,
)


@subkernel
def _head(state: Ints, slot: int, out: Ints, row: int) -> None:
    """Write what a flow's parts and the whole have in common."""
    out[row, 1] = state[slot, LATEST]
    for i in range(7):
        out[row, 2 + i] = state[slot, i]
    out[row, 47] = state[slot, LATEST] - state[slot, BEGAN]
    out[row, 48] = state[slot, LONGEST_GAP]
    out[row, 49] = state[slot, NUMBER]
    out[row, 50] = state[slot, BEGAN]


@subkernel
def write_part(state: Ints, told: Ints, slot: int, out: Ints, row: int) -> None:
    """Write what happened since the last part, and remember that it was told."""
    _head(state, slot, out, row)
    out[row, 0] = state[slot, TOLD_FROM]
    for i in range(COUNTS):
        value = state[slot, COUNTED + i]
        out[row, FIRST_COUNT + i] = value - told[slot, i]
        told[slot, i] = value
    state[slot, TO_TELL] = 0


@subkernel
def write_whole(state: Ints, slot: int, out: Ints, row: int) -> None:
    """Write a flow as one that began with its first packet."""
    _head(state, slot, out, row)
    out[row, 0] = state[slot, BEGAN]
    for i in range(COUNTS):
        out[row, FIRST_COUNT + i] = state[slot, COUNTED + i]

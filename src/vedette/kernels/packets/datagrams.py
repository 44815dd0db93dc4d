"""What a packet of any protocol but TCP tells of its flow."""

from vedette.kernels.arrays import Ints
from vedette.kernels.compile import subkernel
from vedette.kernels.packets.flow_layout import (
    DNS_LONG_NAMES,
    DNS_NAME_BYTES,
    DNS_QUERIES,
    DNS_RARE_TYPES,
    ECHO_SIZE,
    ECHO_SIZES,
    SUCCEEDED,
)
from vedette.kernels.packets.flow_times import time_response

LONG_NAME = 52
"""Bytes of a DNS name above which it is long; one label may have 63, host names seldom have more than 30."""


@subkernel
def take_datagram(
    state: Ints, slot: int, side: int, rows: Ints, row: int, moment: int, histogram: Ints
) -> None:
    """Take a packet of any protocol but TCP into its flow."""
    protocol = rows[row, 7]
    if side == 1:
        state[slot, SUCCEEDED] = 1
    if protocol == 17:
        if rows[row, 18] > 0 and side == 0:
            state[slot, DNS_QUERIES] += 1
            state[slot, DNS_NAME_BYTES] += rows[row, 18]
            kind = rows[row, 19]
            if kind == 10 or kind == 16 or kind == 25 or kind >= 258:
                state[slot, DNS_RARE_TYPES] += 1
            if rows[row, 18] > LONG_NAME:
                state[slot, DNS_LONG_NAMES] += 1
        time_response(state, slot, side, rows[row, 9], moment, histogram)
    elif (protocol == 1 or protocol == 58) and (rows[row, 10] == 1 or rows[row, 10] == 2):
        size = rows[row, 9]
        before = state[slot, ECHO_SIZE + side]
        if before >= 0 and before != size:
            state[slot, ECHO_SIZES] += 1
        state[slot, ECHO_SIZE + side] = size

"""Times of flows: counted by their lengths, and how long a server takes to answer."""

import math

from vedette.kernels.arrays import Ints
from vedette.kernels.compile import subkernel
from vedette.kernels.packets.flow_layout import REQUEST_AT, RESPONDED, RESPONSE_COUNT, RESPONSE_SUM


@subkernel
def count_time(histogram: Ints, which: int, microseconds: int) -> None:
    """Add a duration to a histogram of eight bins an octave, from 2^-20 s (as windows of requests have them)."""
    place = 0
    if microseconds > 0:
        place = min(255, max(0, int((math.log2(microseconds * 1.0e-6) + 20.0) * 8.0)))
    histogram[which, place] += 1


@subkernel
def time_response(state: Ints, slot: int, side: int, payload: int, moment: int, histogram: Ints) -> None:
    """Time what the server says first after the client has said something."""
    if payload <= 0:
        return
    if side == 0:
        state[slot, REQUEST_AT] = moment
    elif state[slot, REQUEST_AT] >= 0:
        took = max(0, moment - state[slot, REQUEST_AT])
        state[slot, RESPONSE_SUM] += took
        state[slot, RESPONSE_COUNT] += 1
        state[slot, RESPONDED] = 1
        count_time(histogram, 2, took)
        state[slot, REQUEST_AT] = -1

"""Fill window summaries, one pass over a batch's rows.

Summaries of all open windows live in one pool of slots per kind of entity; a slot is found by an
open-addressing index over (window, entity) keys. Rows carry batch-local entity numbers, so that the index is
asked only when an entity is first met in a window, not for each row.
"""

import math

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes, Ints, Ints32
from vedette.kernels.compile import kernel, subkernel

FULL = -1
SLICE_SECONDS = 20
"""Sixtieths of a window in each of its thirds."""


@subkernel
def _slot(
    index: Ints32,
    hashes: Ints,
    windows: Ints,
    keys: Ints,
    owners: Ints32,
    used: int,
    capacity: int,
    window: int,
    key_hash: int,
    key: int,
    owner: int,
) -> int:
    """Find or take the slot of (window, key); `FULL` when every slot is taken.

    `index` (int32, a power of two long) holds slot + 1, 0 where empty.
    """
    mask = index.shape[0] - 1
    place = (key_hash ^ (window * 40503)) & mask
    while True:
        entry = index[place]
        if entry == 0:
            if used >= capacity:
                return FULL
            index[place] = used + 1
            hashes[used] = key_hash
            windows[used] = window
            keys[used] = key
            owners[used] = owner
            return used
        slot = int(entry) - 1
        if windows[slot] == window and keys[slot] == key:
            return slot
        place = (place + 1) & mask


@kernel
def rebuild_index(index: Ints32, hashes: Ints, windows: Ints, used: int) -> None:
    """Index slots 0..used-1 anew; `index` comes in zeroed."""
    mask = index.shape[0] - 1
    for slot in range(used):
        place = (hashes[slot] ^ (windows[slot] * 40503)) & mask
        while index[place] != 0:
            place = (place + 1) & mask
        index[place] = slot + 1


@kernel
def fill_slots(
    first: int,
    stop: int,
    window: Ints,
    entity: Ints32,
    late: Bytes,
    cached_window: Ints,
    cached_slot: Ints,
    entity_hash: Ints,
    entity_key: Ints,
    index: Ints32,
    hashes: Ints,
    windows: Ints,
    keys: Ints,
    owners: Ints32,
    state: Ints,
    capacity: int,
    slots: Ints32,
) -> int:
    """Find the slot of each row's (window, entity), for rows first..stop-1.

    Args:
        first, stop: Rows to do.
        window: int64 (n,), the row's window number.
        entity: int32 (n,), batch-local entity number; -1 leaves the row out.
        late: uint8 (n,), 1 leaves the row out.
        cached_window, cached_slot: int64 (e,), the last window each entity was met in, and its slot there.
        entity_hash, entity_key: int64 (e,), hash (not negative) and pool-wide key of each entity.
        index, hashes, windows, keys: The pool's index (int32) and slot keys (int64).
        owners: int32 (slots,), receives the batch-local entity of each slot taken in this call.
        state: int64 (1,), slots used; updated.
        capacity: Slots the pool holds.
        slots: int32 (n,), receives the slot, -1 for rows left out.

    Returns:
        `stop`, or the first row that found the pool full.
    """
    used = state[0]
    for row in range(first, stop):
        number = entity[row]
        if number < 0 or late[row] != 0:
            slots[row] = -1
            continue
        if cached_window[number] == window[row]:
            slots[row] = cached_slot[number]
            continue
        slot = _slot(
            index, hashes, windows, keys, owners, used, capacity,
            window[row], entity_hash[number], entity_key[number], number,
        )  # fmt: skip
        if slot < 0:
            state[0] = used
            return row
        if slot == used:
            used += 1
        cached_window[number] = window[row]
        cached_slot[number] = slot
        slots[row] = slot
    state[0] = used
    return stop


@kernel
def add_groups(
    slots: Ints32,
    status: NDArray[np.int16],
    bytes_in: Ints,
    bytes_out: Ints,
    duration: NDArray[np.float64],
    marks: Bytes,
    second_bit: Bytes,
    client: Ints32,
    rank: Bytes,
    register: Ints32,
    sums: Ints,
    latency: Ints32,
    distinct: Bytes,
) -> None:
    """Add rows to their groups' summaries.

    Args:
        slots: int32 (n,), -1 for rows left out.
        status: int16 (n,). bytes_in, bytes_out: int64 (n,), negative where not recorded.
        duration: float64 (n,), seconds, NaN where not recorded.
        marks: uint8 (n,), bits: 1 write, 2 no referer, 4 attack, 8 declared bot, 16 login post,
            32 login failure, 64 answered by HEAD that it is not there.
        second_bit: uint8 (n,), which sixtieth of its window the row is in.
        client: int32 (n,), batch-local client, -1 where not recorded.
        rank, register: uint8 and int32 (c,), HyperLogLog rank and register of each client.
        sums: int64 (slots, Group), latency: int32 (slots, bins), distinct: uint8 (slots, registers).
    """
    for row in range(slots.shape[0]):
        slot = slots[row]
        if slot < 0:
            continue
        sums[slot, 0] += 1
        part = int(second_bit[row]) // SLICE_SECONDS
        sums[slot, 21 + part] += 1
        code = status[row]
        if code == 429 or (code >= 500 and code < 600):
            sums[slot, 24 + part] += 1
        if code >= 100 and code < 600:
            sums[slot, code // 100] += 1
            if code == 404:
                sums[slot, 9] += 1
            elif code == 401:
                sums[slot, 7] += 1
            elif code == 403:
                sums[slot, 8] += 1
            elif code == 429:
                sums[slot, 10] += 1
        else:
            sums[slot, 6] += 1
        if bytes_out[row] > 0:
            sums[slot, 11] += bytes_out[row]
        if bytes_in[row] > 0:
            sums[slot, 12] += bytes_in[row]
        seconds = duration[row]
        if seconds >= 0.0:
            sums[slot, 13] += 1
            micros = int(min(seconds, 1.0e6) * 1.0e6)
            sums[slot, 14] += micros
            sums[slot, 27 + part] += 1
            sums[slot, 30 + part] += micros
            bin_number = 0
            if seconds > 9.5367431640625e-07:
                bin_number = int((math.log2(seconds) + 20.0) * 8.0)
                if bin_number > 255:
                    bin_number = 255
            latency[slot, bin_number] += 1
        mark = marks[row]
        if mark != 0:
            sums[slot, 15] += mark & 1
            sums[slot, 16] += (mark >> 1) & 1
            sums[slot, 17] += (mark >> 2) & 1
            sums[slot, 18] += (mark >> 3) & 1
            sums[slot, 19] += (mark >> 4) & 1
            sums[slot, 20] += (mark >> 5) & 1
            sums[slot, 33] += (mark >> 6) & 1
        number = client[row]
        if number >= 0:
            if distinct[slot, register[number]] < rank[number]:
                distinct[slot, register[number]] = rank[number]


@kernel
def add_clients(
    slots: Ints32,
    status: NDArray[np.int16],
    bytes_out: Ints,
    marks: Bytes,
    types: Ints,
    agent_kind: Bytes,
    asset: Bytes,
    route_bit: Bytes,
    second_bit: Bytes,
    sums: Ints,
) -> None:
    """Add rows to their clients' summaries.

    Args:
        slots: int32 (n,), -1 for rows left out.
        status, bytes_out, marks: As for `add_groups`.
        types: int64 (n,), signature types of the row if it is hostile, a bit each.
        agent_kind: uint8 (n,), number of the kind of user agent.
        asset: uint8 (n,), 1 for static files.
        route_bit: uint8 (n,), the row's route in a linear-counting bitmap, 0..62.
        second_bit: uint8 (n,), which sixtieth of its window the row is in.
        sums: int64 (slots, Client).
    """
    for row in range(slots.shape[0]):
        slot = slots[row]
        if slot < 0:
            continue
        sums[slot, 0] += 1
        sums[slot, 29 + int(second_bit[row]) // SLICE_SECONDS] += 1
        code = status[row]
        bit = 1 << int(route_bit[row])
        if code >= 400:
            if code < 500:
                sums[slot, 1] += 1
                if code == 404:
                    sums[slot, 3] += 1
                    sums[slot, 34] |= bit
                    sums[slot, 36] |= bit
                elif code == 401:
                    sums[slot, 4] += 1
                elif code == 403:
                    sums[slot, 5] += 1
                elif code == 429:
                    sums[slot, 6] += 1
            else:
                sums[slot, 36] |= bit
                if code < 600:
                    sums[slot, 2] += 1
        else:
            sums[slot, 36] |= bit
        if bytes_out[row] > 0:
            sums[slot, 7] += bytes_out[row]
        mark = marks[row]
        if mark != 0:
            sums[slot, 8] += mark & 1
            sums[slot, 12] += (mark >> 1) & 1
            sums[slot, 11] += (mark >> 2) & 1
            sums[slot, 9] += (mark >> 4) & 1
            sums[slot, 10] += (mark >> 5) & 1
        sums[slot, 13] += asset[row]
        kinds = types[row]
        if kinds != 0:
            if code >= 200 and code < 300:
                sums[slot, 14] += 1
            for number in range(14):
                sums[slot, 15 + number] += (kinds >> number) & 1
        sums[slot, 32] |= 1 << int(agent_kind[row])
        sums[slot, 33] |= bit
        sums[slot, 35] |= 1 << int(second_bit[row])


BEGINNING = -(2**62)
"""Event time before any row."""
AHEAD_TO_BELIEVE = 8
"""Rows in a row that must be far ahead before event time follows them."""


@kernel
def mark_late(
    time: Ints, clock: Ints, lateness: int, jump: int, span: int, late: Bytes, reached: Ints
) -> int:
    """Mark each row whose window was already closed when the row arrived, and advance event time.

    Event time is the latest time seen, but it does not follow a row that is more than `jump` ahead of it until
    `AHEAD_TO_BELIEVE` such rows have come without a row of the present between them: a few rogue times must not
    close the windows of everyone else. It is advanced row by row, so that the answer does not depend on how rows
    were batched.

    Args:
        time: int64 (n,), microseconds.
        clock: int64 (3,): event time, how many rows ahead of it were seen in a row, and the earliest of those;
            updated.
        lateness, jump, span: Microseconds. A window is closed once event time is `lateness` past its end.
        late: uint8 (n,), receives 1 for late rows.
        reached: int64 (n,), receives event time as it was once each row had come.

    Returns:
        How many rows were late.
    """
    count = 0
    now = clock[0]
    ahead = clock[1]
    earliest = clock[2]
    for row in range(time.shape[0]):
        moment = time[row]
        late[row] = 0
        if moment > now + jump:
            if ahead == 0 or moment < earliest:
                earliest = moment
            ahead += 1
            if ahead >= AHEAD_TO_BELIEVE:
                now = earliest
                ahead = 0
                if moment > now + jump:
                    # Of a log with hours between its rows: this one waits to be believed in its turn.
                    ahead = 1
                    earliest = moment
        elif (moment // span + 1) * span <= now - lateness:
            late[row] = 1
            count += 1
        else:
            ahead = 0
            if moment > now:
                now = moment
        reached[row] = now
    clock[0] = now
    clock[1] = ahead
    clock[2] = earliest
    return count

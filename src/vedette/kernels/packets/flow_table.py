"""A table of bidirectional flows, filled packet by packet.

Flows are found by a keyed hash of addresses, ports and protocol. Two lists hold them in order of their last packet:
established TCP connections, which may be silent for long, and everything else. The table is of a fixed size: when it
is full, the flow that has been silent for the longest time is written out before its time, and counted.

A flow is written out whole when it ends, and in parts: what happened in the present window, when the window ends.

What a packet tells of its flow stands in `tcp_segments` and `datagrams`, what is written out in `flow_writing`.
"""

from vedette.kernels.arrays import Ints, Ints32
from vedette.kernels.compile import inlined, kernel, subkernel
from vedette.kernels.packets.datagrams import take_datagram
from vedette.kernels.packets.flow_ending import end_flow
from vedette.kernels.packets.flow_layout import (
    AFTER,
    AHEAD,
    ASKED,
    BEGAN,
    BUCKETS,
    BYTES,
    CHAINED,
    CLIENT_HIGH,
    CLIENT_LOW,
    CLIENT_PORT,
    CLOSED,
    ESTABLISHED,
    EVICTED,
    FAILED,
    FAILURES,
    FIRST_SEQUENCE,
    LATEST,
    LISTED,
    LONGEST_GAP,
    NEW,
    NOW,
    NUMBER,
    NUMBERS,
    OLDEST,
    OPENED,
    ORPHANS,
    PACKETS,
    PAYLOAD,
    PROTOCOL,
    SERVER_HIGH,
    SERVER_LOW,
    SERVER_PORT,
    STAGE,
    STATE_COLUMNS,
    SUCCEEDED,
    TO_TELL,
    TOLD_FROM,
    UNREACHABLE,
)
from vedette.kernels.packets.flow_lookup import bucket_of, flow_hash, is_flow
from vedette.kernels.packets.flow_slots import append, take_slot, unlink
from vedette.kernels.packets.fragments import find_ports
from vedette.kernels.packets.tcp_flags import ACK, FIN, PUSH, SYN, URGENT
from vedette.kernels.packets.tcp_segments import take_segment
from vedette.kernels.prefetch import prefetch, prefetch_row


@inlined
def _from_server(rows: Ints, row: int) -> bool:
    """Whether the first packet seen of a flow looks like an answer."""
    protocol = rows[row, 7]
    if protocol == 6:
        if rows[row, 10] & SYN:
            return bool(rows[row, 10] & ACK != 0)
        # A probe comes from who probes, whatever port it chose.
        plain = rows[row, 10] & 63
        if plain == FIN or plain == 0 or plain == FIN + PUSH + URGENT:
            return False
    elif protocol == 1 or protocol == 58:
        return bool(rows[row, 10] == 2)
    elif protocol != 17:
        return False
    return bool(rows[row, 5] < 1024 and rows[row, 6] >= 1024)


@subkernel
def _refuse(
    rows: Ints, row: int, moment: int, state: Ints, buckets: Ints32, secret_a: int, secret_b: int
) -> None:
    """Note that a client's packet could not be delivered, by the ICMP message that tells its sender (RFC 1122).

    Such a message repeats the packet's addresses, protocol and ports: it says nothing of a flow that is not known, nor
    of one that the server has answered.
    """
    protocol = rows[row, 13]
    mask = buckets.shape[0] - 1
    bucket = (
        flow_hash(
            rows[row, 3], rows[row, 4], rows[row, 11], rows[row, 18], rows[row, 19], rows[row, 12], protocol,
            secret_a, secret_b,
        )
        & mask
    )  # fmt: skip
    slot = int(buckets[bucket]) - 1
    while slot >= 0 and not is_flow(
        state, slot, rows[row, 3], rows[row, 4], rows[row, 11], rows[row, 18], rows[row, 19], rows[row, 12],
        protocol,
    ):  # fmt: skip
        slot = state[slot, CHAINED]
    if slot < 0 or state[slot, SUCCEEDED] > 0 or state[slot, FAILURES] > 0:
        return
    if protocol == 6:
        if state[slot, STAGE] != ASKED:
            return
        state[slot, STAGE] = FAILED
    state[slot, FAILURES] = 1
    if state[slot, TO_TELL] == 0:
        state[slot, TO_TELL] = 1
        state[slot, TOLD_FROM] = moment


@subkernel
def _fetch(
    rows: Ints,
    first: int,
    stop: int,
    state: Ints,
    buckets: Ints32,
    secret_a: int,
    secret_b: int,
    meta: Ints,
) -> None:
    """Find the buckets of some packets, and ask for what will be read of their flows.

    The flows of packets that follow each other are far apart in memory. Read one after the other, each is waited for;
    asked for here, they come at the same time.
    """
    mask = buckets.shape[0] - 1
    for row in range(first, stop):
        bucket = bucket_of(rows, row, mask, secret_a, secret_b)
        meta[BUCKETS + row - first] = bucket
        prefetch(buckets, bucket)
    for row in range(first, stop):
        slot = max(0, int(buckets[meta[BUCKETS + row - first]]) - 1)
        # A line of a cache holds eight.
        for column in range(0, STATE_COLUMNS, 8):
            prefetch_row(state, slot, column)


@kernel
def track_packets(
    rows: Ints,
    first: int,
    stop: int,
    until: int,
    state: Ints,
    told: Ints,
    buckets: Ints32,
    meta: Ints,
    fragments: Ints,
    secret_a: int,
    secret_b: int,
    histogram: Ints,
    parts: Ints,
    wholes: Ints,
    written: Ints,
) -> int:
    """Take packets first..stop-1 into their flows, up to one at or after `until`.

    Args:
        rows: int64 (n, PACKET_COLUMNS). until: Where the present window ends, microseconds.
        state: int64 (slots, STATE_COLUMNS). told: int64 (slots, COUNTS), what parts have told already.
        buckets: int32 (power of two,), first slot + 1 of each.
        meta: int64 (META,), the table's own numbers.
        fragments: int64 (f, FRAGMENT_WIDTH), ports of datagrams in pieces.
        secret_a, secret_b: Of the hash.
        histogram: int64 (3, 256): sizes of packets, round-trip and response times of the present window.
        parts, wholes: int64 (m, OUT_COLUMNS), receive flows that had to leave before their time.
        written: int64 (2,), rows of `parts` and `wholes` that are filled; updated.

    Returns:
        `stop`, or the first packet that was not taken: it is of a later window, or `parts` or `wholes` is full.
    """
    mask = buckets.shape[0] - 1
    fetched = first
    begun = first
    for row in range(first, stop):
        if row == fetched:
            fetched = min(stop, row + AHEAD)
            _fetch(rows, row, fetched, state, buckets, secret_a, secret_b, meta)
            begun = row
        if rows[row, 16] != 0:
            continue
        moment = rows[row, 0]
        if moment >= until:
            return row
        if moment < meta[NOW]:
            moment = meta[NOW]
        bucket = meta[BUCKETS + row - begun]
        if rows[row, 17] > 0:
            if not find_ports(rows, row, fragments):
                meta[ORPHANS] += 1
            bucket = bucket_of(rows, row, mask, secret_a, secret_b)
        slot = int(buckets[bucket]) - 1
        side = 0
        while slot >= 0:
            if is_flow(
                state, slot, rows[row, 1], rows[row, 2], rows[row, 5], rows[row, 3], rows[row, 4], rows[row, 6],
                rows[row, 7],
            ):  # fmt: skip
                side = 0
                break
            if is_flow(
                state, slot, rows[row, 3], rows[row, 4], rows[row, 6], rows[row, 1], rows[row, 2], rows[row, 5],
                rows[row, 7],
            ):  # fmt: skip
                side = 1
                break
            slot = state[slot, CHAINED]
        begins = rows[row, 7] == 6 and rows[row, 10] & (SYN + ACK) == SYN
        known = slot >= 0 and begins and side == 0 and state[slot, STAGE] != NEW
        if known and state[slot, FIRST_SEQUENCE] != rows[row, 11]:
            # The same ports again, for another connection.
            if written[0] >= parts.shape[0] or written[1] >= wholes.shape[0]:
                return row
            end_flow(state, told, meta, buckets, slot, parts, wholes, written)
            slot = -1
        if slot < 0:
            slot = take_slot(state, told, meta, buckets, bucket)
            if slot < 0:
                if written[0] >= parts.shape[0] or written[1] >= wholes.shape[0]:
                    return row
                victim = meta[OLDEST]
                if victim < 0:
                    victim = meta[OLDEST + 2]
                end_flow(state, told, meta, buckets, victim, parts, wholes, written)
                meta[EVICTED] += 1
                slot = take_slot(state, told, meta, buckets, bucket)
            side = 1 if _from_server(rows, row) else 0
            near = 3 if side else 1
            far = 1 if side else 3
            state[slot, CLIENT_HIGH] = rows[row, near]
            state[slot, CLIENT_LOW] = rows[row, near + 1]
            state[slot, SERVER_HIGH] = rows[row, far]
            state[slot, SERVER_LOW] = rows[row, far + 1]
            state[slot, CLIENT_PORT] = rows[row, 6] if side else rows[row, 5]
            state[slot, SERVER_PORT] = rows[row, 5] if side else rows[row, 6]
            state[slot, PROTOCOL] = rows[row, 7]
            state[slot, BEGAN] = moment
            state[slot, LATEST] = moment
            state[slot, NUMBER] = meta[NUMBERS]
            meta[NUMBERS] += 1
            state[slot, OPENED] = 1
            append(state, meta, slot, 0)
        else:
            gap = moment - state[slot, LATEST]
            if gap > state[slot, LONGEST_GAP]:
                state[slot, LONGEST_GAP] = gap
            state[slot, LATEST] = moment
            which = 1 if state[slot, STAGE] == ESTABLISHED and state[slot, CLOSED] == 0 else 0
            if state[slot, AFTER] >= 0 or which != state[slot, LISTED]:
                unlink(state, meta, slot)
                append(state, meta, slot, which)
        meta[NOW] = moment
        if state[slot, TO_TELL] == 0:
            state[slot, TO_TELL] = 1
            state[slot, TOLD_FROM] = moment
        size = rows[row, 8]
        state[slot, PACKETS + side] += 1
        state[slot, BYTES + side] += size
        state[slot, PAYLOAD + side] += rows[row, 9]
        histogram[0, size >> 4 if size < 2048 else min(255, 124 + (size >> 9))] += 1
        if rows[row, 17] > 0 and (rows[row, 17] - 1) & 1:
            continue
        if rows[row, 7] == 6:
            take_segment(state, slot, side, rows, row, moment, histogram)
        else:
            take_datagram(state, slot, side, rows, row, moment, histogram)
            if (rows[row, 7] == 1 or rows[row, 7] == 58) and rows[row, 10] == UNREACHABLE:
                _refuse(rows, row, moment, state, buckets, secret_a, secret_b)
    return stop

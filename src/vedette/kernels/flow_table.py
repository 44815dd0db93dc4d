"""A table of bidirectional flows, filled packet by packet.

Flows are found by a keyed hash of addresses, ports and protocol. Two lists hold them in order of their last packet:
established TCP connections, which may be silent for long, and everything else. The table is of a fixed size: when it
is full, the flow that has been silent for the longest time is written out before its time, and counted.

A flow is written out whole when it ends, and in parts: what happened in the present window, when the window ends.

Retransmissions are told from late segments and keep-alives by the rules that Wireshark documents for its TCP analysis
(users' guide, section 7.5), so that its counts can be the test's oracle: a segment with nothing new is a keep-alive if
it holds at most one byte just before the next expected one; late if the expected one came less than a round-trip time
(3 ms if that is not known) before, and it does not end where that ended; sent again otherwise, in particular if its
bytes were acknowledged already, or asked for by two repeated acknowledgements within 20 ms.

Wireshark takes all that a sender who never pauses sends again for late: the expected byte has always just come. Here
two things come before that rule. Data behind the latest gap was seen before, so it was sent again; captured where it is
sent, nothing has gaps. And what was passed more than a quarter of a round-trip time ago was sent again: the sender
learns of a hole after a whole one, and takes for lost what is late by a quarter (RACK, RFC 8985, section 6.2). Two
marks tell it, bytes that were expected next at some time, of which the older is at least that old.

Round-trip times follow Karn and Partridge (1987): one segment of each direction is timed at a time, until an
acknowledgement covers it, and is given up when any part of it is sent again.
"""

import math

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.compile import inlined, kernel, subkernel
from vedette.kernels.flow_layout import (
    ACTIVE,
    AHEAD,
    ANSWERED,
    ASKED,
    BUCKETS,
    COUNTED,
    COUNTS,
    ESTABLISHED,
    EVICTED,
    FAILED,
    FETCHED,
    FIRST_COUNT,
    FREE,
    MIDSTREAM,
    NEW,
    NOW,
    NUMBERS,
    OLDEST,
    ORPHANS,
    SLOTS_TAKEN,
    STATE_COLUMNS,
    UNREACHABLE,
)
from vedette.kernels.hashing import hash_words

Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]

FIN, SYN, RESET, PUSH, ACK, URGENT = 1, 2, 4, 8, 16, 32
_HALF = 2147483648
_WHOLE = 4294967296
UNANSWERED_US = 3_000_000
"""A SYN that was not answered for so long has failed: two retransmissions later (RFC 6298 starts at 1 s)."""
_LATE_US = 3_000
_FAST_US = 20_000
LONG_NAME = 52
"""Bytes of a DNS name above which it is long; one label may have 63, host names seldom have more than 30."""
FRAGMENT_WIDTH = 7


@inlined
def _behind(a: int, b: int) -> bool:
    """Whether sequence number `a` comes before `b`."""
    return (a - b) % _WHOLE >= _HALF


@inlined
def _flow_hash(
    high: int,
    low: int,
    port: int,
    far_high: int,
    far_low: int,
    far_port: int,
    protocol: int,
    secret_a: int,
    secret_b: int,
) -> int:
    """The same for both directions of a flow."""
    swap = high > far_high
    if high == far_high:
        swap = low > far_low
        if low == far_low:
            swap = port > far_port
    if swap:
        ends = (far_port * 65536 + port) * 256 + protocol
        return int(hash_words(far_high, far_low, high, low, ends, secret_a, secret_b))
    ends = (port * 65536 + far_port) * 256 + protocol
    return int(hash_words(high, low, far_high, far_low, ends, secret_a, secret_b))


@inlined
def _is_flow(
    state: Ints,
    slot: int,
    high: int,
    low: int,
    port: int,
    far_high: int,
    far_low: int,
    far_port: int,
    protocol: int,
) -> bool:
    """Whether a slot holds the flow of a client and a server."""
    return bool(
        state[slot, 1] == low
        and state[slot, 3] == far_low
        and state[slot, 4] == port
        and state[slot, 5] == far_port
        and state[slot, 6] == protocol
        and state[slot, 0] == high
        and state[slot, 2] == far_high
    )


@subkernel
def _unlink(state: Ints, meta: Ints, slot: int) -> None:
    """Take a flow out of its list."""
    before, after, which = state[slot, 11], state[slot, 12], state[slot, 16]
    if before >= 0:
        state[before, 12] = after
    else:
        meta[OLDEST + 2 * which] = after
    if after >= 0:
        state[after, 11] = before
    else:
        meta[OLDEST + 2 * which + 1] = before


@subkernel
def _append(state: Ints, meta: Ints, slot: int, which: int) -> None:
    """Make a flow the youngest of a list."""
    last = meta[OLDEST + 2 * which + 1]
    state[slot, 16] = which
    state[slot, 11] = last
    state[slot, 12] = -1
    if last >= 0:
        state[last, 12] = slot
    else:
        meta[OLDEST + 2 * which] = slot
    meta[OLDEST + 2 * which + 1] = slot


@subkernel
def _head(state: Ints, slot: int, out: Ints, row: int) -> None:
    """Write what a flow's parts and the whole have in common."""
    out[row, 1] = state[slot, 9]
    for i in range(7):
        out[row, 2 + i] = state[slot, i]
    out[row, 47] = state[slot, 9] - state[slot, 8]
    out[row, 48] = state[slot, 10]
    out[row, 49] = state[slot, 18]
    out[row, 50] = state[slot, 8]


@subkernel
def _write_part(state: Ints, told: Ints, slot: int, out: Ints, row: int) -> None:
    """Write what happened since the last part, and remember that it was told."""
    _head(state, slot, out, row)
    out[row, 0] = state[slot, 17]
    for i in range(COUNTS):
        value = state[slot, COUNTED + i]
        out[row, FIRST_COUNT + i] = value - told[slot, i]
        told[slot, i] = value
    state[slot, 15] = 0


@subkernel
def _write_whole(state: Ints, slot: int, out: Ints, row: int) -> None:
    _head(state, slot, out, row)
    out[row, 0] = state[slot, 8]
    for i in range(COUNTS):
        out[row, FIRST_COUNT + i] = state[slot, COUNTED + i]


@subkernel
def _forget(state: Ints, meta: Ints, buckets: Ints32, slot: int) -> None:
    """Free a flow's slot."""
    _unlink(state, meta, slot)
    bucket = state[slot, 14]
    at = int(buckets[bucket]) - 1
    if at == slot:
        buckets[bucket] = state[slot, 13] + 1
    else:
        while state[at, 13] != slot:
            at = state[at, 13]
        state[at, 13] = state[slot, 13]
    state[slot, 13] = meta[FREE]
    meta[FREE] = slot
    meta[ACTIVE] -= 1


@subkernel
def _take(state: Ints, told: Ints, meta: Ints, buckets: Ints32, bucket: int) -> int:
    """A fresh slot in a bucket; -1 where the table is full."""
    slot = int(meta[FREE])
    if slot >= 0:
        meta[FREE] = state[slot, 13]
    elif meta[SLOTS_TAKEN] < state.shape[0]:
        slot = int(meta[SLOTS_TAKEN])
        meta[SLOTS_TAKEN] += 1
    else:
        return -1
    for i in range(state.shape[1]):
        state[slot, i] = 0
    for i in range(COUNTS):
        told[slot, i] = 0
    for i in range(57, 69):
        if i < 59 or (i > 60 and i < 63) or i > 66:
            state[slot, i] = -1
    state[slot, 75] = -1
    state[slot, 76] = -1
    state[slot, 77] = -1
    state[slot, 80] = -1
    state[slot, 81] = -1
    state[slot, 84] = -1
    state[slot, 85] = -1
    state[slot, 13] = int(buckets[bucket]) - 1
    state[slot, 14] = bucket
    buckets[bucket] = slot + 1
    meta[ACTIVE] += 1
    return slot


@subkernel
def _count_time(histogram: Ints, which: int, microseconds: int) -> None:
    """Add a duration to a histogram of eight bins an octave, from 2^-20 s (as windows of requests have them)."""
    place = 0
    if microseconds > 0:
        place = min(255, max(0, int((math.log2(microseconds * 1.0e-6) + 20.0) * 8.0)))
    histogram[which, place] += 1


@subkernel
def _tcp(state: Ints, slot: int, side: int, rows: Ints, row: int, moment: int, histogram: Ints) -> None:
    """Take a TCP segment into its flow. `side` is 0 from the client, 1 from the server."""
    other = 1 - side
    flags = rows[row, 10]
    payload = rows[row, 9]
    sequence = rows[row, 11]
    acknowledged = rows[row, 12]
    syn = (flags & SYN) >> 1
    fin = flags & FIN
    reset = (flags & RESET) >> 2
    counted = COUNTED - FIRST_COUNT
    state[slot, counted + 15 + side] += syn
    state[slot, counted + 17 + side] += fin
    state[slot, counted + 19 + side] += reset
    stage = state[slot, 7]
    # The handshake.
    if syn:
        if side == 0 and flags & ACK == 0:
            if stage == NEW or stage == MIDSTREAM:
                state[slot, 7] = ASKED
                state[slot, 73] = moment
                state[slot, 78] = sequence
            elif stage == ASKED:
                state[slot, 73] = -1
        elif side == 1 and flags & ACK and (stage == ASKED or stage == FAILED or stage == NEW):
            state[slot, 7] = ANSWERED
            state[slot, counted + 41] = 1
        elif stage == ANSWERED:
            state[slot, 73] = -1
    elif reset:
        if side == 1 and stage == ASKED:
            state[slot, 7] = FAILED
            state[slot, counted + 42] = 1
    elif stage == ANSWERED and side == 0 and flags & ACK:
        state[slot, 7] = ESTABLISHED
        if state[slot, 73] > 0:
            state[slot, counted + 44] = moment - state[slot, 73]
            state[slot, counted + 45] = 1
            _count_time(histogram, 1, moment - state[slot, 73])
    elif stage == NEW:
        plain = flags & 63
        if plain == FIN or plain == 0 or plain == FIN + PUSH + URGENT:
            state[slot, counted + 29] += 1
            state[slot, counted + 30] += 1 if plain == FIN else 0
        elif flags & ACK:
            state[slot, 7] = MIDSTREAM
            if side == 1:
                state[slot, counted + 41] = 1
    elif stage == MIDSTREAM and side == 1:
        state[slot, counted + 41] = 1
    if reset or (state[slot, counted + 17] > 0 and state[slot, counted + 18] > 0):
        state[slot, counted + 43] = 1
    # Sequence numbers.
    length = payload + syn + fin
    expected = state[slot, 57 + side]
    alive = (
        payload <= 1
        and expected >= 0
        and flags & (SYN + FIN + RESET) == 0
        and (sequence + 1) % _WHOLE == expected
    )
    probe = (
        payload == 1
        and sequence == expected
        and state[slot, 71 + other] == 0
        and state[slot, 61 + other] >= 0
    )
    # A round trip: the handshake's, where that was seen.
    limit = state[slot, counted + 44] if state[slot, counted + 45] > 0 else _LATE_US
    again = False
    if alive:
        state[slot, counted + 27 + side] += 1
    elif payload > 0 and not probe:
        state[slot, counted + 21 + side] += 1
    end = (sequence + length) % _WHOLE
    if length > 0 and not alive and not probe and not reset:
        if expected >= 0 and _behind(sequence, expected):
            known = state[slot, 61 + other]
            again = True
            if payload > 0 and known >= 0 and not _behind(known, end):
                pass
            elif (
                state[slot, 65 + other] >= 2
                and known == sequence
                and moment - state[slot, 63 + other] < _FAST_US
            ):
                pass
            elif (
                payload > 0 and state[slot, 84 + side] >= 0 and not _behind(sequence, state[slot, 84 + side])
            ):
                # Behind the latest gap.
                pass
            elif state[slot, 80 + side] >= 0 and _behind(sequence, state[slot, 80 + side]):
                # Passed long ago.
                pass
            elif moment - state[slot, 59 + side] < limit and end != expected:
                again = False
                state[slot, counted + 25 + side] += 1
            if again and payload > 0:
                state[slot, counted + 23 + side] += 1
            if state[slot, 67 + side] >= 0 and _behind(sequence, state[slot, 67 + side]):
                state[slot, 67 + side] = -1
        elif state[slot, 67 + side] < 0 and payload > 0:
            state[slot, 67 + side] = end
            state[slot, 69 + side] = moment
    if not probe and not reset and (expected < 0 or _behind(expected, end)):
        if expected < 0 or _behind(expected, sequence):
            state[slot, 84 + side] = sequence
        if 4 * (moment - state[slot, 82 + side]) >= limit:
            state[slot, 80 + side] = state[slot, 76 + side]
            state[slot, 76 + side] = end
            state[slot, 82 + side] = moment
        state[slot, 57 + side] = end
        state[slot, 59 + side] = moment
    # What it acknowledges.
    if flags & ACK and not reset:
        timed = state[slot, 67 + other]
        if timed >= 0 and not _behind(acknowledged, timed):
            took = max(0, moment - state[slot, 69 + other])
            state[slot, counted + 36] += took
            state[slot, counted + 37] += 1
            _count_time(histogram, 1, took)
            state[slot, 67 + other] = -1
        if length == 0 and acknowledged == state[slot, 61 + side] and rows[row, 13] == state[slot, 71 + side]:
            state[slot, 65 + side] += 1
        elif acknowledged != state[slot, 61 + side]:
            state[slot, 65 + side] = 0
        state[slot, 61 + side] = acknowledged
        state[slot, 63 + side] = moment
        state[slot, 71 + side] = rows[row, 13]
    if not again and not alive:
        _response(state, slot, side, payload, moment, histogram)


@subkernel
def _response(state: Ints, slot: int, side: int, payload: int, moment: int, histogram: Ints) -> None:
    """Time what the server says first after the client has said something."""
    if payload <= 0:
        return
    if side == 0:
        state[slot, 75] = moment
    elif state[slot, 75] >= 0:
        took = max(0, moment - state[slot, 75])
        counted = COUNTED - FIRST_COUNT
        state[slot, counted + 38] += took
        state[slot, counted + 39] += 1
        state[slot, counted + 46] = 1
        _count_time(histogram, 2, took)
        state[slot, 75] = -1


@subkernel
def _other(state: Ints, slot: int, side: int, rows: Ints, row: int, moment: int, histogram: Ints) -> None:
    """Take a packet of any protocol but TCP into its flow."""
    counted = COUNTED - FIRST_COUNT
    protocol = rows[row, 7]
    if side == 1:
        state[slot, counted + 41] = 1
    if protocol == 17:
        if rows[row, 18] > 0 and side == 0:
            state[slot, counted + 31] += 1
            state[slot, counted + 32] += rows[row, 18]
            kind = rows[row, 19]
            if kind == 10 or kind == 16 or kind == 25 or kind >= 258:
                state[slot, counted + 33] += 1
            if rows[row, 18] > LONG_NAME:
                state[slot, counted + 34] += 1
        _response(state, slot, side, rows[row, 9], moment, histogram)
    elif (protocol == 1 or protocol == 58) and (rows[row, 10] == 1 or rows[row, 10] == 2):
        size = rows[row, 9]
        before = state[slot, 76 + side]
        if before >= 0 and before != size:
            state[slot, counted + 35] += 1
        state[slot, 76 + side] = size


@subkernel
def _fragment(rows: Ints, row: int, fragments: Ints) -> bool:
    """Keep the ports of a first fragment, or find those of a later one; False where they are not known."""
    mark = rows[row, 17] - 1
    number = mark >> 1
    mixed = (rows[row, 2] & 0xFFFFFFFF) * 31 + (rows[row, 4] & 0xFFFFFFFF) * 17
    place = (number * 40503 + mixed + rows[row, 7]) % fragments.shape[0]
    if mark & 1 == 0:
        fragments[place, 0] = number + 1
        for i in range(2):
            fragments[place, 1 + i] = rows[row, 2 + 2 * i]
            fragments[place, 3 + i] = rows[row, 5 + i]
        fragments[place, 5] = rows[row, 7]
        return True
    if (
        fragments[place, 0] == number + 1
        and fragments[place, 1] == rows[row, 2]
        and fragments[place, 2] == rows[row, 4]
        and fragments[place, 5] == rows[row, 7]
    ):
        rows[row, 5] = fragments[place, 3]
        rows[row, 6] = fragments[place, 4]
        return True
    return False


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
    counted = COUNTED - FIRST_COUNT
    protocol = rows[row, 13]
    mask = buckets.shape[0] - 1
    bucket = (
        _flow_hash(
            rows[row, 3], rows[row, 4], rows[row, 11], rows[row, 18], rows[row, 19], rows[row, 12], protocol,
            secret_a, secret_b,
        )
        & mask
    )  # fmt: skip
    slot = int(buckets[bucket]) - 1
    while slot >= 0 and not _is_flow(
        state, slot, rows[row, 3], rows[row, 4], rows[row, 11], rows[row, 18], rows[row, 19], rows[row, 12],
        protocol,
    ):  # fmt: skip
        slot = state[slot, 13]
    if slot < 0 or state[slot, counted + 41] > 0 or state[slot, counted + 42] > 0:
        return
    if protocol == 6:
        if state[slot, 7] != ASKED:
            return
        state[slot, 7] = FAILED
    state[slot, counted + 42] = 1
    if state[slot, 15] == 0:
        state[slot, 15] = 1
        state[slot, 17] = moment


@inlined
def _bucket(rows: Ints, row: int, mask: int, secret_a: int, secret_b: int) -> int:
    """Where a packet's flow is looked for."""
    mixed = _flow_hash(
        rows[row, 1], rows[row, 2], rows[row, 5], rows[row, 3], rows[row, 4], rows[row, 6], rows[row, 7],
        secret_a, secret_b,
    )  # fmt: skip
    return int(mixed & mask)


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
    """Find the buckets of some packets, and read of their flows what will be read.

    The flows of packets that follow each other are far apart in memory. Read one after the other, each is waited for;
    read here, where nothing depends on what is read, they come at the same time. The sum makes sure that they do.
    """
    mask = buckets.shape[0] - 1
    for row in range(first, stop):
        meta[BUCKETS + row - first] = _bucket(rows, row, mask, secret_a, secret_b)
    read = 0
    for row in range(first, stop):
        slot = max(0, int(buckets[meta[BUCKETS + row - first]]) - 1)
        # A line of a cache holds eight.
        for column in range(0, STATE_COLUMNS, 8):
            read ^= state[slot, column]
    meta[FETCHED] = read


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
    counted = COUNTED - FIRST_COUNT
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
            if not _fragment(rows, row, fragments):
                meta[ORPHANS] += 1
            bucket = _bucket(rows, row, mask, secret_a, secret_b)
        slot = int(buckets[bucket]) - 1
        side = 0
        while slot >= 0:
            if _is_flow(
                state, slot, rows[row, 1], rows[row, 2], rows[row, 5], rows[row, 3], rows[row, 4], rows[row, 6],
                rows[row, 7],
            ):  # fmt: skip
                side = 0
                break
            if _is_flow(
                state, slot, rows[row, 3], rows[row, 4], rows[row, 6], rows[row, 1], rows[row, 2], rows[row, 5],
                rows[row, 7],
            ):  # fmt: skip
                side = 1
                break
            slot = state[slot, 13]
        begins = rows[row, 7] == 6 and rows[row, 10] & (SYN + ACK) == SYN
        if slot >= 0 and begins and side == 0 and state[slot, 7] != NEW and state[slot, 78] != rows[row, 11]:
            # The same ports again, for another connection.
            if written[0] >= parts.shape[0] or written[1] >= wholes.shape[0]:
                return row
            if state[slot, 15]:
                _write_part(state, told, slot, parts, written[0])
                written[0] += 1
            _write_whole(state, slot, wholes, written[1])
            written[1] += 1
            _forget(state, meta, buckets, slot)
            slot = -1
        if slot < 0:
            slot = _take(state, told, meta, buckets, bucket)
            if slot < 0:
                if written[0] >= parts.shape[0] or written[1] >= wholes.shape[0]:
                    return row
                victim = meta[OLDEST]
                if victim < 0:
                    victim = meta[OLDEST + 2]
                if state[victim, 15]:
                    _write_part(state, told, victim, parts, written[0])
                    written[0] += 1
                _write_whole(state, victim, wholes, written[1])
                written[1] += 1
                _forget(state, meta, buckets, victim)
                meta[EVICTED] += 1
                slot = _take(state, told, meta, buckets, bucket)
            side = 1 if _from_server(rows, row) else 0
            near = 3 if side else 1
            far = 1 if side else 3
            state[slot, 0] = rows[row, near]
            state[slot, 1] = rows[row, near + 1]
            state[slot, 2] = rows[row, far]
            state[slot, 3] = rows[row, far + 1]
            state[slot, 4] = rows[row, 6] if side else rows[row, 5]
            state[slot, 5] = rows[row, 5] if side else rows[row, 6]
            state[slot, 6] = rows[row, 7]
            state[slot, 8] = moment
            state[slot, 9] = moment
            state[slot, 18] = meta[NUMBERS]
            meta[NUMBERS] += 1
            state[slot, counted + 40] = 1
            _append(state, meta, slot, 0)
        else:
            gap = moment - state[slot, 9]
            if gap > state[slot, 10]:
                state[slot, 10] = gap
            state[slot, 9] = moment
            which = 1 if state[slot, 7] == ESTABLISHED and state[slot, counted + 43] == 0 else 0
            if state[slot, 12] >= 0 or which != state[slot, 16]:
                _unlink(state, meta, slot)
                _append(state, meta, slot, which)
        meta[NOW] = moment
        if state[slot, 15] == 0:
            state[slot, 15] = 1
            state[slot, 17] = moment
        size = rows[row, 8]
        state[slot, counted + 9 + side] += 1
        state[slot, counted + 11 + side] += size
        state[slot, counted + 13 + side] += rows[row, 9]
        histogram[0, size >> 4 if size < 2048 else min(255, 124 + (size >> 9))] += 1
        if rows[row, 17] > 0 and (rows[row, 17] - 1) & 1:
            continue
        if rows[row, 7] == 6:
            _tcp(state, slot, side, rows, row, moment, histogram)
        else:
            _other(state, slot, side, rows, row, moment, histogram)
            if (rows[row, 7] == 1 or rows[row, 7] == 58) and rows[row, 10] == UNREACHABLE:
                _refuse(rows, row, moment, state, buckets, secret_a, secret_b)
    return stop


@kernel
def end_window(first: int, state: Ints, told: Ints, meta: Ints, parts: Ints, written: Ints) -> int:
    """Write what flows from slot `first` on have to tell of the window that ends.

    Returns:
        The first slot that was not looked at because `parts` is full; the number of slots if all were.
    """
    for slot in range(first, meta[SLOTS_TAKEN]):
        if state[slot, 15]:
            if written[0] >= parts.shape[0]:
                return slot
            _write_part(state, told, slot, parts, written[0])
            written[0] += 1
    return int(meta[SLOTS_TAKEN])


@kernel
def fail_unanswered(moment: int, state: Ints, meta: Ints) -> None:
    """Note connections that have waited too long for their first answer at `moment`, the end of a window."""
    counted = COUNTED - FIRST_COUNT
    slot = meta[OLDEST]
    while slot >= 0 and moment - state[slot, 9] >= UNANSWERED_US:
        if state[slot, 7] == ASKED:
            state[slot, 7] = FAILED
            state[slot, counted + 42] = 1
            if state[slot, 15] == 0:
                state[slot, 15] = 1
                state[slot, 17] = moment - 1
        slot = state[slot, 12]


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
            after = state[slot, 12]
            if state[slot, 9] >= limit:
                if which == 0 or state[slot, 8] >= begun_before:
                    break
            if written[0] >= parts.shape[0] or written[1] >= wholes.shape[0]:
                return 0
            if state[slot, 15]:
                _write_part(state, told, slot, parts, written[0])
                written[0] += 1
            _write_whole(state, slot, wholes, written[1])
            written[1] += 1
            _forget(state, meta, buckets, slot)
            slot = after
    return 1

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
    ACKED,
    ACKED_AT,
    ACTIVE,
    AFTER,
    AGAIN,
    AHEAD,
    ANSWERED,
    ASKED,
    ASKED_AT,
    BEFORE,
    BEGAN,
    BUCKET,
    BUCKETS,
    BYTES,
    CHAINED,
    CLIENT_HIGH,
    CLIENT_LOW,
    CLIENT_PORT,
    CLOSED,
    COUNTED,
    COUNTS,
    DISORDERED,
    DNS_LONG_NAMES,
    DNS_NAME_BYTES,
    DNS_QUERIES,
    DNS_RARE_TYPES,
    ECHO_SIZE,
    ECHO_SIZES,
    ESTABLISHED,
    EVICTED,
    EXPECTED,
    EXPECTED_AT,
    FAILED,
    FAILURES,
    FETCHED,
    FINS,
    FIRST_COUNT,
    FIRST_SEQUENCE,
    FREE,
    GAP,
    HANDSHAKE_COUNT,
    HANDSHAKE_SUM,
    KEEP_ALIVES,
    LATEST,
    LISTED,
    LONGEST_GAP,
    MIDSTREAM,
    NEW,
    NEWER_MARK,
    NEWER_MARK_AT,
    NOW,
    NUMBER,
    NUMBERS,
    OLDER_MARK,
    OLDEST,
    OPENED,
    ORPHANS,
    PACKETS,
    PAYLOAD,
    PROBES,
    PROBES_FIN,
    PROTOCOL,
    RECEIVE_WINDOW,
    REPEATED,
    REQUEST_AT,
    RESETS,
    RESPONDED,
    RESPONSE_COUNT,
    RESPONSE_SUM,
    RTT_COUNT,
    RTT_SUM,
    SEGMENTS,
    SERVER_HIGH,
    SERVER_LOW,
    SERVER_PORT,
    SLOTS_TAKEN,
    STAGE,
    STATE_COLUMNS,
    SUCCEEDED,
    SYNS,
    TIMED,
    TIMED_AT,
    TO_TELL,
    TOLD_FROM,
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
        state[slot, CLIENT_LOW] == low
        and state[slot, SERVER_LOW] == far_low
        and state[slot, CLIENT_PORT] == port
        and state[slot, SERVER_PORT] == far_port
        and state[slot, PROTOCOL] == protocol
        and state[slot, CLIENT_HIGH] == high
        and state[slot, SERVER_HIGH] == far_high
    )


@subkernel
def _unlink(state: Ints, meta: Ints, slot: int) -> None:
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
def _append(state: Ints, meta: Ints, slot: int, which: int) -> None:
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
def _write_part(state: Ints, told: Ints, slot: int, out: Ints, row: int) -> None:
    """Write what happened since the last part, and remember that it was told."""
    _head(state, slot, out, row)
    out[row, 0] = state[slot, TOLD_FROM]
    for i in range(COUNTS):
        value = state[slot, COUNTED + i]
        out[row, FIRST_COUNT + i] = value - told[slot, i]
        told[slot, i] = value
    state[slot, TO_TELL] = 0


@subkernel
def _write_whole(state: Ints, slot: int, out: Ints, row: int) -> None:
    _head(state, slot, out, row)
    out[row, 0] = state[slot, BEGAN]
    for i in range(COUNTS):
        out[row, FIRST_COUNT + i] = state[slot, COUNTED + i]


@subkernel
def _forget(state: Ints, meta: Ints, buckets: Ints32, slot: int) -> None:
    """Free a flow's slot."""
    _unlink(state, meta, slot)
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
def _take(state: Ints, told: Ints, meta: Ints, buckets: Ints32, bucket: int) -> int:
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
    state[slot, SYNS + side] += syn
    state[slot, FINS + side] += fin
    state[slot, RESETS + side] += reset
    stage = state[slot, STAGE]
    # The handshake.
    if syn:
        if side == 0 and flags & ACK == 0:
            if stage == NEW or stage == MIDSTREAM:
                state[slot, STAGE] = ASKED
                state[slot, ASKED_AT] = moment
                state[slot, FIRST_SEQUENCE] = sequence
            elif stage == ASKED:
                state[slot, ASKED_AT] = -1
        elif side == 1 and flags & ACK and (stage == ASKED or stage == FAILED or stage == NEW):
            state[slot, STAGE] = ANSWERED
            state[slot, SUCCEEDED] = 1
        elif stage == ANSWERED:
            state[slot, ASKED_AT] = -1
    elif reset:
        if side == 1 and stage == ASKED:
            state[slot, STAGE] = FAILED
            state[slot, FAILURES] = 1
    elif stage == ANSWERED and side == 0 and flags & ACK:
        state[slot, STAGE] = ESTABLISHED
        if state[slot, ASKED_AT] > 0:
            state[slot, HANDSHAKE_SUM] = moment - state[slot, ASKED_AT]
            state[slot, HANDSHAKE_COUNT] = 1
            _count_time(histogram, 1, moment - state[slot, ASKED_AT])
    elif stage == NEW:
        plain = flags & 63
        if plain == FIN or plain == 0 or plain == FIN + PUSH + URGENT:
            state[slot, PROBES] += 1
            state[slot, PROBES_FIN] += 1 if plain == FIN else 0
        elif flags & ACK:
            state[slot, STAGE] = MIDSTREAM
            if side == 1:
                state[slot, SUCCEEDED] = 1
    elif stage == MIDSTREAM and side == 1:
        state[slot, SUCCEEDED] = 1
    if reset or (state[slot, FINS] > 0 and state[slot, FINS + 1] > 0):
        state[slot, CLOSED] = 1
    # Sequence numbers.
    length = payload + syn + fin
    expected = state[slot, EXPECTED + side]
    alive = (
        payload <= 1
        and expected >= 0
        and flags & (SYN + FIN + RESET) == 0
        and (sequence + 1) % _WHOLE == expected
    )
    probe = (
        payload == 1
        and sequence == expected
        and state[slot, RECEIVE_WINDOW + other] == 0
        and state[slot, ACKED + other] >= 0
    )
    # A round trip: the handshake's, where that was seen.
    limit = state[slot, HANDSHAKE_SUM] if state[slot, HANDSHAKE_COUNT] > 0 else _LATE_US
    again = False
    if alive:
        state[slot, KEEP_ALIVES + side] += 1
    elif payload > 0 and not probe:
        state[slot, SEGMENTS + side] += 1
    end = (sequence + length) % _WHOLE
    if length > 0 and not alive and not probe and not reset:
        if expected >= 0 and _behind(sequence, expected):
            known = state[slot, ACKED + other]
            again = True
            if payload > 0 and known >= 0 and not _behind(known, end):
                pass
            elif (
                state[slot, REPEATED + other] >= 2
                and known == sequence
                and moment - state[slot, ACKED_AT + other] < _FAST_US
            ):
                pass
            elif (
                payload > 0
                and state[slot, GAP + side] >= 0
                and not _behind(sequence, state[slot, GAP + side])
            ):
                # Behind the latest gap.
                pass
            elif state[slot, OLDER_MARK + side] >= 0 and _behind(sequence, state[slot, OLDER_MARK + side]):
                # Passed long ago.
                pass
            elif moment - state[slot, EXPECTED_AT + side] < limit and end != expected:
                again = False
                state[slot, DISORDERED + side] += 1
            if again and payload > 0:
                state[slot, AGAIN + side] += 1
            if state[slot, TIMED + side] >= 0 and _behind(sequence, state[slot, TIMED + side]):
                state[slot, TIMED + side] = -1
        elif state[slot, TIMED + side] < 0 and payload > 0:
            state[slot, TIMED + side] = end
            state[slot, TIMED_AT + side] = moment
    if not probe and not reset and (expected < 0 or _behind(expected, end)):
        if expected < 0 or _behind(expected, sequence):
            state[slot, GAP + side] = sequence
        if 4 * (moment - state[slot, NEWER_MARK_AT + side]) >= limit:
            state[slot, OLDER_MARK + side] = state[slot, NEWER_MARK + side]
            state[slot, NEWER_MARK + side] = end
            state[slot, NEWER_MARK_AT + side] = moment
        state[slot, EXPECTED + side] = end
        state[slot, EXPECTED_AT + side] = moment
    # What it acknowledges.
    if flags & ACK and not reset:
        timed = state[slot, TIMED + other]
        if timed >= 0 and not _behind(acknowledged, timed):
            took = max(0, moment - state[slot, TIMED_AT + other])
            state[slot, RTT_SUM] += took
            state[slot, RTT_COUNT] += 1
            _count_time(histogram, 1, took)
            state[slot, TIMED + other] = -1
        offered = state[slot, RECEIVE_WINDOW + side]
        if length == 0 and acknowledged == state[slot, ACKED + side] and rows[row, 13] == offered:
            state[slot, REPEATED + side] += 1
        elif acknowledged != state[slot, ACKED + side]:
            state[slot, REPEATED + side] = 0
        state[slot, ACKED + side] = acknowledged
        state[slot, ACKED_AT + side] = moment
        state[slot, RECEIVE_WINDOW + side] = rows[row, 13]
    if not again and not alive:
        _response(state, slot, side, payload, moment, histogram)


@subkernel
def _response(state: Ints, slot: int, side: int, payload: int, moment: int, histogram: Ints) -> None:
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
        _count_time(histogram, 2, took)
        state[slot, REQUEST_AT] = -1


@subkernel
def _other(state: Ints, slot: int, side: int, rows: Ints, row: int, moment: int, histogram: Ints) -> None:
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
        _response(state, slot, side, rows[row, 9], moment, histogram)
    elif (protocol == 1 or protocol == 58) and (rows[row, 10] == 1 or rows[row, 10] == 2):
        size = rows[row, 9]
        before = state[slot, ECHO_SIZE + side]
        if before >= 0 and before != size:
            state[slot, ECHO_SIZES] += 1
        state[slot, ECHO_SIZE + side] = size


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
            slot = state[slot, CHAINED]
        begins = rows[row, 7] == 6 and rows[row, 10] & (SYN + ACK) == SYN
        known = slot >= 0 and begins and side == 0 and state[slot, STAGE] != NEW
        if known and state[slot, FIRST_SEQUENCE] != rows[row, 11]:
            # The same ports again, for another connection.
            if written[0] >= parts.shape[0] or written[1] >= wholes.shape[0]:
                return row
            if state[slot, TO_TELL]:
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
                if state[victim, TO_TELL]:
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
            _append(state, meta, slot, 0)
        else:
            gap = moment - state[slot, LATEST]
            if gap > state[slot, LONGEST_GAP]:
                state[slot, LONGEST_GAP] = gap
            state[slot, LATEST] = moment
            which = 1 if state[slot, STAGE] == ESTABLISHED and state[slot, CLOSED] == 0 else 0
            if state[slot, AFTER] >= 0 or which != state[slot, LISTED]:
                _unlink(state, meta, slot)
                _append(state, meta, slot, which)
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
        if state[slot, TO_TELL]:
            if written[0] >= parts.shape[0]:
                return slot
            _write_part(state, told, slot, parts, written[0])
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
            if state[slot, TO_TELL]:
                _write_part(state, told, slot, parts, written[0])
                written[0] += 1
            _write_whole(state, slot, wholes, written[1])
            written[1] += 1
            _forget(state, meta, buckets, slot)
            slot = after
    return 1

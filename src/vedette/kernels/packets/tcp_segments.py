"""What a TCP segment tells of its flow.

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

from vedette.kernels.arrays import Ints
from vedette.kernels.compile import inlined, subkernel
from vedette.kernels.packets.flow_layout import (
    ACKED,
    ACKED_AT,
    AGAIN,
    ANSWERED,
    ASKED,
    ASKED_AT,
    CLOSED,
    DISORDERED,
    ESTABLISHED,
    EXPECTED,
    EXPECTED_AT,
    FAILED,
    FAILURES,
    FINS,
    FIRST_SEQUENCE,
    GAP,
    HANDSHAKE_COUNT,
    HANDSHAKE_SUM,
    KEEP_ALIVES,
    MIDSTREAM,
    NEW,
    NEWER_MARK,
    NEWER_MARK_AT,
    OLDER_MARK,
    PROBES,
    PROBES_FIN,
    RECEIVE_WINDOW,
    REPEATED,
    RESETS,
    RTT_COUNT,
    RTT_SUM,
    SEGMENTS,
    STAGE,
    SUCCEEDED,
    SYNS,
    TIMED,
    TIMED_AT,
)
from vedette.kernels.packets.flow_times import count_time, time_response
from vedette.kernels.packets.tcp_flags import ACK, FIN, PUSH, RESET, SYN, URGENT

_HALF = 2147483648
_WHOLE = 4294967296
_LATE_US = 3_000
_FAST_US = 20_000


@inlined
def _behind(a: int, b: int) -> bool:
    """Whether sequence number `a` comes before `b`."""
    return (a - b) % _WHOLE >= _HALF


@subkernel
def take_segment(
    state: Ints, slot: int, side: int, rows: Ints, row: int, moment: int, histogram: Ints
) -> None:
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
            count_time(histogram, 1, moment - state[slot, ASKED_AT])
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
            count_time(histogram, 1, took)
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
        time_response(state, slot, side, payload, moment, histogram)

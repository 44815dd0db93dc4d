"""Find the packets in the bytes of a capture: records of pcap files, blocks of pcapng files.

Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
"""

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import inlined, kernel, subkernel

LONGEST_FRAME = 262_144
"""Bytes of a frame; libpcap's own limit (MAXIMUM_SNAPLEN). A record that claims more is damaged."""
LONGEST_BLOCK = 1 << 20
"""Bytes of a pcapng block that is looked into; longer ones are passed over."""

MORE, DAMAGED, BLOCK, ROOM = 0, 1, 2, 3
"""Why a walk stopped: bytes are missing; a length cannot be; a block is for the caller; no room for packets."""


@inlined
def _word(buffer: Bytes, at: int, big: int) -> int:
    if big:
        return (
            int(buffer[at]) * 16777216
            + int(buffer[at + 1]) * 65536
            + int(buffer[at + 2]) * 256
            + int(buffer[at + 3])
        )
    return (
        int(buffer[at + 3]) * 16777216
        + int(buffer[at + 2]) * 65536
        + int(buffer[at + 1]) * 256
        + int(buffer[at])
    )


@kernel
def walk_pcap(
    buffer: Bytes,
    at: int,
    end: int,
    big: int,
    nanoseconds: int,
    start: Ints,
    captured: Ints,
    wire: Ints,
    time: Ints,
    state: Ints,
) -> int:
    """Find records between `at` and `end`.

    Args:
        buffer: uint8. at, end: Where records start and bytes end.
        big: 1 for big-endian numbers. nanoseconds: 1 where fractions of seconds are nanoseconds.
        start, captured, wire, time: int64 (n,), receive where each frame is, its bytes here and on the wire, and its
            time in microseconds.
        state: int64 (2,), receives where the walk stopped, and why.

    Returns:
        How many were found.
    """
    count = 0
    room = start.shape[0]
    reason = MORE
    while at + 16 <= end:
        if count == room:
            reason = ROOM
            break
        length = _word(buffer, at + 8, big)
        if length > LONGEST_FRAME:
            reason = DAMAGED
            break
        if at + 16 + length > end:
            break
        fraction = _word(buffer, at + 4, big)
        start[count] = at + 16
        captured[count] = length
        wire[count] = max(length, _word(buffer, at + 12, big))
        time[count] = _word(buffer, at, big) * 1000000 + (fraction // 1000 if nanoseconds else fraction)
        count += 1
        at += 16 + length
    state[0] = at
    state[1] = reason
    return count


@subkernel
def _microseconds(high: int, low: int, unit: int) -> int:
    """A pcapng time stamp, by its interface's `if_tsresol`; -1 where it is beyond any clock."""
    if high >= 2147483648:
        return -1
    stamp = high * 4294967296 + low
    exponent = unit & 127
    if unit & 128:
        if exponent > 62:
            return -1
        while exponent > 40:
            stamp >>= 1
            exponent -= 1
        whole = stamp >> exponent
        if whole > 1 << 40:
            return -1
        return whole * 1000000 + (((stamp - (whole << exponent)) * 1000000) >> exponent)
    while exponent > 6:
        stamp //= 10
        exponent -= 1
    while exponent < 6:
        if stamp > 1 << 56:
            return -1
        stamp *= 10
        exponent += 1
    return stamp


@kernel
def walk_pcapng(
    buffer: Bytes,
    at: int,
    end: int,
    big: int,
    links: Ints,
    units: Ints,
    offsets: Ints,
    start: Ints,
    captured: Ints,
    wire: Ints,
    time: Ints,
    link: Ints,
    state: Ints,
) -> int:
    """Find packets in blocks between `at` and `end`, up to a block that describes a section or an interface.

    Args:
        buffer, at, end, big: As for `walk_pcap`.
        links, units, offsets: int64 (interfaces,): link type, `if_tsresol`, and seconds to add, of each interface.
        start, captured, wire, time: As for `walk_pcap`. link: int64 (n,), receives the link type.
        state: int64 (6,), receives where the walk stopped, why, and how many packets named no interface there is or
            were longer than their block; the length of a block to pass over unread, 0 for none; the time of the last
            packet, which is also where it comes in, 0 for none; and how many packets stood before any with a time.

    Returns:
        How many were found.
    """
    count = 0
    room = start.shape[0]
    reason = MORE
    state[2] = 0
    state[3] = 0
    state[5] = 0
    while at + 12 <= end:
        if count == room:
            reason = ROOM
            break
        kind = _word(buffer, at, big)
        length = _word(buffer, at + 4, big)
        if kind == 0x0A0D0D0A or kind == 1:
            reason = BLOCK
            break
        if length < 12 or length % 4 != 0:
            reason = DAMAGED
            break
        if length > LONGEST_BLOCK:
            state[3] = length
            reason = BLOCK
            break
        if at + length > end:
            break
        if kind == 6 or kind == 3 or kind == 2:
            least = 16 if kind == 3 else 32
            number = 0
            if kind == 6:
                number = _word(buffer, at + 8, big)
            elif kind == 2:
                number = _word(buffer, at + 8, big)
                number = number >> 16 if big else number & 65535
            if length < least or number >= links.shape[0]:
                state[2] += 1
                at += length
                continue
            if kind == 3:
                # A simple packet block has no time: it is that of the packet before it.
                frame = at + 12
                on_wire = _word(buffer, at + 8, big)
                size = min(on_wire, length - 16)
                moment = state[4]
            else:
                frame = at + 28
                size = _word(buffer, at + 20, big)
                on_wire = _word(buffer, at + 24, big)
                moment = _microseconds(
                    _word(buffer, at + 12, big), _word(buffer, at + 16, big), units[number]
                )
                if moment >= 0:
                    moment += offsets[number] * 1000000
            if size > length - least or moment < 0:
                state[2] += 1
                at += length
                continue
            if kind == 3 and moment == 0:
                state[5] += 1
                at += length
                continue
            start[count] = frame
            captured[count] = size
            wire[count] = max(size, on_wire)
            time[count] = moment
            link[count] = links[number]
            state[4] = moment
            count += 1
        at += length
    state[0] = at
    state[1] = reason
    return count

"""Frames of a capture as columns: link layer, IPv4 and IPv6, TCP, UDP and ICMP; and the names that DNS asks for.

Every length in a packet is its sender's word. Nothing is read beyond the bytes that were captured; a packet whose
headers are not all there is counted as cut, one that contradicts itself as malformed.

Addresses are 128 bits in two int64 (their bits, two's complement); IPv4 is `::ffff:a.b.c.d`.
"""

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import inlined, kernel, subkernel
from vedette.kernels.packets.flow_layout import UNREACHABLE

_READ, _NOT_IP, _CUT, _MALFORMED, _UNKNOWN_LINK = 0, 1, 2, 3, 4
_MAPPED = 0xFFFF << 32
_LABELS = 8
"""VLAN tags, MPLS labels or extension headers followed before a packet counts as malformed."""


@inlined
def _be16(buffer: Bytes, at: int) -> int:
    return int(buffer[at]) * 256 + int(buffer[at + 1])


@inlined
def _be32(buffer: Bytes, at: int) -> int:
    return (
        int(buffer[at]) * 16777216
        + int(buffer[at + 1]) * 65536
        + int(buffer[at + 2]) * 256
        + int(buffer[at + 3])
    )


@inlined
def _be64(buffer: Bytes, at: int) -> int:
    """Eight bytes as an int64 of the same bits."""
    high = _be32(buffer, at)
    if high >= 2147483648:
        high -= 4294967296
    return high * 4294967296 + _be32(buffer, at + 4)


@subkernel
def _network_layer(buffer: Bytes, at: int, end: int, link: int, found: Ints) -> int:
    """Where the IP header of a frame starts, with the protocol's number (0x0800, 0x86DD) in `found[0]`.

    Returns -status where there is none.
    """
    kind = 0
    if link == 1:
        if at + 14 > end:
            return -_CUT
        kind = _be16(buffer, at + 12)
        at += 14
    elif link == 113:
        if at + 16 > end:
            return -_CUT
        kind = _be16(buffer, at + 14)
        at += 16
    elif link == 276:
        if at + 20 > end:
            return -_CUT
        kind = _be16(buffer, at)
        at += 20
    elif link == 0 or link == 108:
        if at + 4 > end:
            return -_CUT
        # The address family, in the byte order of the machine that captured: 2 is IPv4 everywhere.
        first, last = int(buffer[at]), int(buffer[at + 3])
        family = first if last == 0 else last
        kind = 0x0800 if family == 2 else 0x86DD if family in (10, 24, 28, 30) else 0
        at += 4
    elif link == 12 or link == 14 or link == 101 or link == 228 or link == 229:
        if at + 1 > end:
            return -_CUT
        version = buffer[at] >> 4
        kind = 0x0800 if version == 4 else 0x86DD if version == 6 else 0
    else:
        return -_UNKNOWN_LINK
    for _ in range(_LABELS):
        if kind == 0x8100 or kind == 0x88A8 or kind == 0x9100:
            if at + 4 > end:
                return -_CUT
            kind = _be16(buffer, at + 2)
            at += 4
        elif kind == 0x8864:
            if at + 8 > end:
                return -_CUT
            kind = _be16(buffer, at + 6)
            kind = 0x0800 if kind == 0x0021 else 0x86DD if kind == 0x0057 else 0
            at += 8
        elif kind == 0x8847 or kind == 0x8848:
            if at + 5 > end:
                return -_CUT
            last_label = buffer[at + 2] & 1
            at += 4
            if last_label:
                version = buffer[at] >> 4
                kind = 0x0800 if version == 4 else 0x86DD if version == 6 else 0
        else:
            break
    if kind != 0x0800 and kind != 0x86DD:
        return -_NOT_IP
    found[0] = kind
    return at


@subkernel
def _internet(buffer: Bytes, at: int, end: int, kind: int, rows: Ints, row: int, found: Ints) -> int:
    """Read an IP header into a row.

    `found` receives the transport protocol, the end of the datagram by its own word, and the fragment's offset.
    Returns where the next header starts, or -status.
    """
    if kind == 0x0800:
        if at + 20 > end:
            return -_CUT
        header = (int(buffer[at]) & 15) * 4
        total = _be16(buffer, at + 2)
        if buffer[at] >> 4 != 4 or header < 20:
            return -_MALFORMED
        # Zero where the network card was to fill it in (segmentation offload).
        if total == 0:
            total = end - at
        if total < header:
            return -_MALFORMED
        if at + header > end:
            return -_CUT
        rows[row, 1] = 0
        rows[row, 2] = _MAPPED + _be32(buffer, at + 12)
        rows[row, 3] = 0
        rows[row, 4] = _MAPPED + _be32(buffer, at + 16)
        fragment = _be16(buffer, at + 6)
        offset = (fragment & 0x1FFF) * 8
        found[0] = buffer[at + 9]
        found[1] = at + total
        found[2] = offset
        if offset > 0 or fragment & 0x2000:
            rows[row, 17] = 1 + _be16(buffer, at + 4) * 2 + (1 if offset > 0 else 0)
        return at + header
    if at + 40 > end:
        return -_CUT
    if buffer[at] >> 4 != 6:
        return -_MALFORMED
    rows[row, 1] = _be64(buffer, at + 8)
    rows[row, 2] = _be64(buffer, at + 16)
    rows[row, 3] = _be64(buffer, at + 24)
    rows[row, 4] = _be64(buffer, at + 32)
    protocol = int(buffer[at + 6])
    total = _be16(buffer, at + 4)
    found[1] = end if total == 0 else at + 40 + total
    found[2] = 0
    at += 40
    for _ in range(_LABELS):
        if protocol == 44:
            if at + 8 > end:
                return -_CUT
            fragment = _be16(buffer, at + 2)
            protocol = int(buffer[at])
            if fragment & 0xFFF9:
                rows[row, 17] = 1 + _be32(buffer, at + 4) * 2 + (1 if fragment & 0xFFF8 else 0)
                found[2] = fragment & 0xFFF8
            at += 8
            if found[2] > 0:
                break
        elif protocol == 0 or protocol == 43 or protocol == 60 or protocol == 135 or protocol == 51:
            if at + 8 > end:
                return -_CUT
            length = (int(buffer[at + 1]) + 2) * 4 if protocol == 51 else (int(buffer[at + 1]) + 1) * 8
            protocol = int(buffer[at])
            at += length
        else:
            break
    found[0] = protocol
    return -_CUT if at > end else at


@subkernel
def _unreachable(buffer: Bytes, at: int, end: int, rows: Ints, row: int) -> None:
    """Note which packet an ICMP message says could not be delivered; its headers begin at `at`.

    Nothing is noted of one that the message's target did not send (RFC 5927, section 4), of a later fragment, or where
    its ports were not captured.
    """
    if at + 20 > end:
        return
    if buffer[at] >> 4 == 4:
        ports = at + (int(buffer[at]) & 15) * 4
        protocol = int(buffer[at + 9])
        if rows[row, 3] != 0 or rows[row, 4] != _MAPPED + _be32(buffer, at + 12):
            return
        if ports < at + 20 or _be16(buffer, at + 6) & 0x1FFF:
            return
        high = 0
        low = _MAPPED + _be32(buffer, at + 16)
    elif buffer[at] >> 4 == 6:
        if at + 40 > end:
            return
        ports = at + 40
        protocol = int(buffer[at + 6])
        if rows[row, 3] != _be64(buffer, at + 8) or rows[row, 4] != _be64(buffer, at + 16):
            return
        high = _be64(buffer, at + 24)
        low = _be64(buffer, at + 32)
    else:
        return
    if ports + 4 > end or (protocol != 6 and protocol != 17):
        return
    rows[row, 10] = UNREACHABLE
    rows[row, 11] = _be16(buffer, ports)
    rows[row, 12] = _be16(buffer, ports + 2)
    rows[row, 13] = protocol
    rows[row, 18] = high
    rows[row, 19] = low


@subkernel
def _transport(buffer: Bytes, at: int, end: int, stop: int, protocol: int, rows: Ints, row: int) -> int:
    """Read a transport header into a row; `stop` is where the datagram ends by its own word. Returns a status."""
    if protocol == 6:
        if at + 20 > end:
            return _CUT
        header = (buffer[at + 12] >> 4) * 4
        if header < 20 or at + header > stop:
            return _MALFORMED
        rows[row, 5] = _be16(buffer, at)
        rows[row, 6] = _be16(buffer, at + 2)
        rows[row, 10] = int(buffer[at + 13])
        rows[row, 11] = _be32(buffer, at + 4)
        rows[row, 12] = _be32(buffer, at + 8)
        rows[row, 13] = _be16(buffer, at + 14)
        at += header
    elif protocol == 17:
        if at + 8 > end:
            return _CUT
        length = _be16(buffer, at + 4)
        if length != 0 and length < 8:
            return _MALFORMED
        rows[row, 5] = _be16(buffer, at)
        rows[row, 6] = _be16(buffer, at + 2)
        at += 8
    elif protocol == 1 or protocol == 58:
        if at + 4 > end:
            return _CUT
        kind = int(buffer[at])
        echo = kind == 8 or kind == 0 if protocol == 1 else kind == 128 or kind == 129
        # A ping's two directions share its identifier. Other messages are told apart by type and code.
        if echo and at + 8 <= end:
            rows[row, 5] = _be16(buffer, at + 4)
            rows[row, 6] = rows[row, 5]
            rows[row, 10] = 1 if kind == 8 or kind == 128 else 2
            at += 8
        else:
            rows[row, 5] = 0
            rows[row, 6] = _be16(buffer, at)
            if kind == (3 if protocol == 1 else 1):
                _unreachable(buffer, at + 8, end, rows, row)
            at += 4
    elif protocol == 132:
        if at + 12 > end:
            return _CUT
        rows[row, 5] = _be16(buffer, at)
        rows[row, 6] = _be16(buffer, at + 2)
        at += 12
    rows[row, 9] = max(0, stop - at)
    rows[row, 14] = at
    rows[row, 15] = max(0, min(end, stop) - at)
    return _READ


@subkernel
def _dns(buffer: Bytes, at: int, end: int, rows: Ints, row: int) -> None:
    """Note the length of the name that a DNS query asks for, and its type; nothing of what is no query."""
    if at + 17 > end or buffer[at + 2] & 0xF8 or _be16(buffer, at + 4) != 1:
        return
    name = at + 12
    length = 0
    for _ in range(128):
        if name >= end:
            return
        label = int(buffer[name])
        if label == 0:
            break
        if label > 63:
            return
        length += label + 1
        name += label + 1
    if length > 255 or name + 5 > end:
        return
    rows[row, 18] = length
    rows[row, 19] = _be16(buffer, name + 1)


@kernel
def decode_packets(
    buffer: Bytes,
    start: Ints,
    captured: Ints,
    wire: Ints,
    time: Ints,
    link: Ints,
    first: int,
    stop: int,
    scratch: Ints,
    rows: Ints,
) -> None:
    """Decode packets first..stop-1 of those found in a buffer.

    Args:
        buffer: uint8.
        start, captured, wire: int64 (n,): where each frame starts, its bytes in the buffer, and on the wire.
        time: int64 (n,), microseconds. link: int64 (n,), its link type's number as tcpdump.org assigns it.
        first, stop: Which.
        scratch: int64 (3,).
        rows: int64 (stop - first, PACKET_COLUMNS), receives what `packet_layout.Packet` says.
    """
    for number in range(first, stop):
        row = number - first
        for column in range(rows.shape[1]):
            rows[row, column] = 0
        rows[row, 0] = time[number]
        rows[row, 8] = wire[number]
        end = start[number] + captured[number]
        at = _network_layer(buffer, start[number], end, link[number], scratch)
        if at < 0:
            rows[row, 16] = -at
            continue
        at = _internet(buffer, at, end, scratch[0], rows, row, scratch)
        if at < 0:
            rows[row, 16] = -at
            continue
        protocol = scratch[0]
        rows[row, 7] = protocol
        if scratch[2] > 0:
            # The ports of a later fragment are in the first.
            rows[row, 9] = max(0, scratch[1] - at)
            continue
        status = _transport(buffer, at, end, scratch[1], protocol, rows, row)
        rows[row, 16] = status
        if status == _READ and protocol == 17 and (rows[row, 5] == 53 or rows[row, 6] == 53):
            _dns(buffer, rows[row, 14], rows[row, 14] + rows[row, 15], rows, row)

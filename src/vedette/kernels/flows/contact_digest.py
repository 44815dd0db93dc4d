"""One pass over the contacts of a window: what its metrics are made of, and which detectors have to look at it."""

from vedette.kernels.arrays import Bytes, Ints, Ints32
from vedette.kernels.compile import inlined, kernel
from vedette.kernels.packets.flow_columns import (
    AT_BEGAN,
    AT_BYTES_IN,
    AT_BYTES_OUT,
    AT_CLIENT_HIGH,
    AT_CLIENT_LOW,
    AT_DNS_QUERIES,
    AT_DURATION,
    AT_ECHO_SIZES,
    AT_FAILED,
    AT_OPENED,
    AT_PACKETS_IN,
    AT_PACKETS_OUT,
    AT_PAYLOAD_IN,
    AT_PROBES,
    AT_PROTOCOL,
    AT_RESPONDED,
    AT_RETRANSMITTED_IN,
    AT_RETRANSMITTED_OUT,
    AT_SEGMENTS_IN,
    AT_SEGMENTS_OUT,
    AT_SERVER_HIGH,
    AT_SERVER_LOW,
    AT_SERVER_PORT,
    AT_SUCCEEDED,
    AT_SYN_OUT,
)
from vedette.kernels.text.hashing import hash_words

PACKETS, BYTES, OPENED, SEGMENTS, AGAIN = 0, 1, 2, 3, 4
"""Places in the totals of a window: packets, bytes, flows opened, data segments, those sent again, ..."""
TCP_OPENED, UDP_OPENED, ICMP_OPENED = 5, 6, 7
"""... flows opened by protocol, ..."""
SYNS, REFLECTED, UDP_SENT, ICMP_SENT = 8, 9, 10, 11
"""... SYNs of TCP, bytes from UDP ports that reflect, packets to servers over UDP and of ICMP, ..."""
REFUSED, LONGEST, CARRIERS = 12, 13, 14
"""... contacts over TCP with a flow that failed, the longest duration of TCP (microseconds), contacts that could carry
a tunnel, ..."""
OUTWARD, CALLS = 15, 16
"""... how many contacts are of one's own hosts with single hosts elsewhere, those of them that could be beacons, ..."""
RTTS, RESPONSES = 17, 18
"""... and how many round-trip and response times there are."""
TOTALS = 19

BY_CLIENT_SYNS, BY_CLIENT_PROBES, BY_CLIENT_SILENT = 0, 1, 2
"""Columns of the weights that are added up by client: SYNs, odd packets, UDP flows that were told nothing; ..."""
BY_TALK_ANSWERED, BY_TALK_LOGINS, BY_TALK_MADE, BY_TALK_UNTOLD = 3, 4, 5, 6
"""... by client and port of a server: connections that were answered, those to ports that are logged into, flows opened
where some were answered or told something, and where they were told nothing."""
SUMMED = 7
BY_CLIENT, BY_TALK = 3, 4
"""How many of them are added up by client, which come first, and by talk."""
UDP_THERE = 7
"""Flows over UDP: a client with any is there, whether they are silent or not."""
WEIGHTS = 8
MOST_WEIGHT = 0x7FFFFFFF
"""A weight counts up to this."""

REFLECTS, LOGS_IN, POLLED = 1, 2, 4
"""Bits of what a port is known for."""

_ICMP, _TCP, _UDP, _ICMPV6 = 1, 6, 17, 58
_DNS = 53
_MARK_BITS = 0x7FFFFFFF
_FIRST_BIT = -(1 << 63)


@inlined
def is_internal(high: int, low: int, networks: Ints) -> bool:
    """Whether an address is one's own.

    Args:
        high, low: Its halves.
        networks: int64 (n, 4), the first and the last address of each of one's networks, all words with their first bit
            turned over, so that they compare as unsigned ones do; none for private (RFC 1918, RFC 4193), link-local
            and loopback.
    """
    if networks.shape[0] > 0:
        first_word = high ^ _FIRST_BIT
        last_word = low ^ _FIRST_BIT
        for row in range(networks.shape[0]):
            if (
                first_word > networks[row, 0]
                or (first_word == networks[row, 0] and last_word >= networks[row, 1])
            ) and (
                first_word < networks[row, 2]
                or (first_word == networks[row, 2] and last_word <= networks[row, 3])
            ):
                return True
        return False
    if high == 0 and low >> 32 == 0xFFFF:
        number = low & 0xFFFFFFFF
        return (
            number >> 24 == 10
            or number >> 20 == 0xAC1
            or number >> 16 == 0xC0A8
            or number >> 16 == 0xA9FE
            or number >> 24 == 127
        )
    first = high >> 48 & 0xFFFF
    return first & 0xFE00 == 0xFC00 or first & 0xFFC0 == 0xFE80 or (high == 0 and low == 1)


@inlined
def is_many(high: int, low: int) -> bool:
    """Whether an address stands for many hosts: multicast, and broadcast to the local network."""
    if high == 0 and low >> 32 == 0xFFFF:
        number = low & 0xFFFFFFFF
        return number >> 28 == 14 or number & 0xFF == 0xFF
    return high >> 56 & 0xFF == 0xFF


@inlined
def _weight(value: int) -> int:
    return value if value < MOST_WEIGHT else MOST_WEIGHT


@kernel
def digest_contacts(
    columns: Ints,
    histogram: Ints,
    ports: Bytes,
    networks: Ints,
    secret_a: int,
    secret_b: int,
    totals: Ints,
    outward: Ints,
    calls: Ints,
    marks: Ints32,
    weights: Ints32,
) -> None:
    """Look at each contact of a window once.

    Args:
        columns: int64 (CONTACT_COLUMNS, k), contacts sorted by client, column by column.
        histogram: int64 (3, bins), of the window.
        ports: uint8 (65536,), what each port is known for: `REFLECTS`, `LOGS_IN`, `POLLED`.
        networks: int64 (n, 4), one's own; see `is_internal`.
        secret_a, secret_b: Of the hash.
        totals: int64 (TOTALS,), receives sums.
        outward: int64 (k,), receives the contacts of one's own hosts with single hosts elsewhere: `totals[OUTWARD]`.
        calls: int64 (k,), receives those of them that could be beacons: `totals[CALLS]`.
        marks: int32 (k, 2), receives a number for each client, and for each client and port of a server.
        weights: int32 (k, WEIGHTS), receives what is added up by these over a minute; never less than it is up to the
            largest int32. What is added up by client stands in the client's first row.
    """
    for place in range(TOTALS):
        totals[place] = 0
    for place in range(histogram.shape[1]):
        totals[RTTS] += histogram[1, place]
        totals[RESPONSES] += histogram[2, place]
    before_high = 0
    before_low = 0
    own = False
    mark = 0
    first = 0
    for row in range(columns.shape[1]):
        high = columns[AT_CLIENT_HIGH, row]
        low = columns[AT_CLIENT_LOW, row]
        if row == 0 or low != before_low or high != before_high:
            before_high = high
            before_low = low
            own = is_internal(high, low, networks)
            first = row
            mark = hash_words(high, low, 0, 0, 0, secret_a, secret_b) & _MARK_BITS
        server_high = columns[AT_SERVER_HIGH, row]
        server_low = columns[AT_SERVER_LOW, row]
        port = columns[AT_SERVER_PORT, row]
        protocol = columns[AT_PROTOCOL, row]
        packets_out = columns[AT_PACKETS_OUT, row]
        bytes_in = columns[AT_BYTES_IN, row]
        opened = columns[AT_OPENED, row]
        succeeded = columns[AT_SUCCEEDED, row]
        known = ports[port] if 0 <= port < 65536 else 0
        totals[PACKETS] += packets_out + columns[AT_PACKETS_IN, row]
        totals[BYTES] += columns[AT_BYTES_OUT, row] + bytes_in
        totals[OPENED] += opened
        totals[SEGMENTS] += columns[AT_SEGMENTS_OUT, row] + columns[AT_SEGMENTS_IN, row]
        totals[AGAIN] += columns[AT_RETRANSMITTED_OUT, row] + columns[AT_RETRANSMITTED_IN, row]
        marks[row, 0] = mark
        marks[row, 1] = hash_words(high, low, server_high, server_low, port, secret_a, secret_b) & _MARK_BITS
        for place in range(WEIGHTS):
            weights[row, place] = 0
        if protocol == _TCP:
            totals[TCP_OPENED] += opened
            syns = columns[AT_SYN_OUT, row]
            totals[SYNS] += syns
            if columns[AT_FAILED, row] > 0 and (high != 0 or low != 0):
                totals[REFUSED] += 1
            if columns[AT_DURATION, row] > totals[LONGEST]:
                totals[LONGEST] = columns[AT_DURATION, row]
            if port == _DNS:
                totals[CARRIERS] += 1
            weights[first, BY_CLIENT_SYNS] = _weight(weights[first, BY_CLIENT_SYNS] + syns)
            weights[first, BY_CLIENT_PROBES] = _weight(
                weights[first, BY_CLIENT_PROBES] + columns[AT_PROBES, row]
            )
            if succeeded > 0:
                weights[row, BY_TALK_ANSWERED] = _weight(succeeded)
                if known & LOGS_IN:
                    weights[row, BY_TALK_LOGINS] = _weight(succeeded)
                if columns[AT_PAYLOAD_IN, row] == 0:
                    weights[row, BY_TALK_UNTOLD] = _weight(opened)
            if succeeded > 0 or columns[AT_RESPONDED, row] > 0:
                weights[row, BY_TALK_MADE] = _weight(opened)
        elif protocol == _UDP:
            totals[UDP_OPENED] += opened
            totals[UDP_SENT] += packets_out
            if known & REFLECTS:
                totals[REFLECTED] += bytes_in
            if columns[AT_DNS_QUERIES, row] > 0:
                totals[CARRIERS] += 1
            weights[first, UDP_THERE] = _weight(weights[first, UDP_THERE] + opened)
            if columns[AT_PACKETS_IN, row] == 0 and packets_out > 0:
                weights[first, BY_CLIENT_SILENT] = _weight(weights[first, BY_CLIENT_SILENT] + opened)
        elif protocol == _ICMP or protocol == _ICMPV6:
            totals[ICMP_OPENED] += opened
            totals[ICMP_SENT] += packets_out
            if columns[AT_ECHO_SIZES, row] > 0:
                totals[CARRIERS] += 1
        if (
            own
            and not is_internal(server_high, server_low, networks)
            and not is_many(server_high, server_low)
        ):
            outward[totals[OUTWARD]] = row
            totals[OUTWARD] += 1
            if (
                (protocol == _TCP or protocol == _UDP)
                and opened > 0
                and columns[AT_BEGAN, row] >= 0
                and not known & POLLED
            ):
                calls[totals[CALLS]] = row
                totals[CALLS] += 1


_OTHER_BITS = 16
"""How far a mark is moved to the right to find a client's second place: bits that its first place was not found by."""


@kernel
def add_weights(marks: Ints32, weights: Ints32, sign: int, by_client: Ints, by_talk: Ints) -> None:
    """Add a window's weights to those of the minute, or take them away.

    Args:
        marks: int32 (k, 2). weights: int32 (k, WEIGHTS). sign: 1, or -1 for a window that is over.
        by_client: int64 (2, power of two up to 32768, BY_CLIENT), twice what clients did, by the last bits of their
            marks and by others; updated.
        by_talk: int64 (power of two, BY_TALK), by the last bits of marks; updated.
    """
    mask = by_client.shape[1] - 1
    mask_of_talks = by_talk.shape[0] - 1
    for row in range(weights.shape[0]):
        for place in range(BY_CLIENT):
            weight = weights[row, place]
            if weight != 0:
                by_client[0, marks[row, 0] & mask, place] += sign * weight
                by_client[1, (marks[row, 0] >> _OTHER_BITS) & mask, place] += sign * weight
        for place in range(BY_TALK):
            weight = weights[row, BY_CLIENT + place]
            if weight != 0:
                by_talk[marks[row, 1] & mask_of_talks, place] += sign * weight


@kernel
def find_peaks(marks: Ints32, weights: Ints32, by_client: Ints, by_talk: Ints, peaks: Ints) -> None:
    """The most that any client or talk of a window came to within the minute, or somewhat more.

    Args:
        marks, weights, by_client, by_talk: As for `add_weights`, with this window in the sums.
        peaks: int64 (SUMMED,), receives the largest sum for each weight; 0 where none is there.
    """
    mask = by_client.shape[1] - 1
    mask_of_talks = by_talk.shape[0] - 1
    for place in range(SUMMED):
        peaks[place] = 0
    for row in range(weights.shape[0]):
        for place in range(BY_CLIENT):
            there = UDP_THERE if place == BY_CLIENT_SILENT else place
            if weights[row, there] != 0:
                found = min(
                    by_client[0, marks[row, 0] & mask, place],
                    by_client[1, (marks[row, 0] >> _OTHER_BITS) & mask, place],
                )
                if found > peaks[place]:
                    peaks[place] = found
        for place in range(BY_TALK):
            if weights[row, BY_CLIENT + place] != 0:
                found = by_talk[marks[row, 1] & mask_of_talks, place]
                if found > peaks[BY_CLIENT + place]:
                    peaks[BY_CLIENT + place] = found

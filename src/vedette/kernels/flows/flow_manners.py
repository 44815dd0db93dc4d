"""What each address did as a client in a window of flows."""

from vedette.kernels.arrays import Floats, Ints
from vedette.kernels.compile import kernel
from vedette.kernels.flows.contact_digest import is_internal
from vedette.kernels.packets.flow_columns import (
    AT_BYTES_IN,
    AT_BYTES_OUT,
    AT_CLIENT_HIGH,
    AT_CLIENT_LOW,
    AT_DNS_QUERIES,
    AT_FAILED,
    AT_OPENED,
    AT_PACKETS_IN,
    AT_PACKETS_OUT,
    AT_PROTOCOL,
    AT_RESET_IN,
    AT_RESET_OUT,
    AT_SERVER_HIGH,
    AT_SERVER_LOW,
    AT_SERVER_PORT,
)

OPENED, FAILED, RESET, PACKETS, SENT, GOT, ASKED = 0, 1, 2, 3, 4, 5, 6
"""Rows of what addresses did: flows that they opened, those that failed, resets, packets, bytes out and in, DNS
questions, ..."""
SERVERS, PORTS, OUTSIDE, UDP, ICMP = 7, 8, 9, 10, 11
"""... hosts and ports that they talked to, flows that they opened to others' addresses, over UDP and with ICMP."""
ROWS = 12

_ICMP, _UDP, _ICMPV6 = 1, 17, 58
_PORT_BITS = 24
_MIXER = 0x9E3779B1
"""Knuth's golden ratio of 32 bits: it spreads ports and clients over the table; either may be the same for all."""


@kernel
def add_manners(columns: Ints, rows: Ints, networks: Ints, table: Ints, keys: Ints, did: Floats) -> int:
    """Add up what addresses did as clients.

    Args:
        columns: int64 (c, k), contacts sorted by client and server. rows: int64 (n,), which of them, rising.
        networks: int64 (n, 4), one's own; see `is_internal`.
        table: int64 (power of two, >= 2 n), zeros: scratch.
        keys: int64 (n, 2), receives each address that opened flows. did: float64 (ROWS, n), receives what it did.

    Returns:
        How many there are.
    """
    mask = table.shape[0] - 1
    found = 0
    place = 0
    while place < rows.shape[0]:
        high = columns[AT_CLIENT_HIGH, rows[place]]
        low = columns[AT_CLIENT_LOW, rows[place]]
        opened = 0
        failed = 0
        reset = 0
        packets = 0
        sent = 0
        got = 0
        asked = 0
        servers = 0
        ports = 0
        outside = 0
        udp = 0
        icmp = 0
        server_high = 0
        server_low = 0
        first = place
        while place < rows.shape[0]:
            row = rows[place]
            if columns[AT_CLIENT_LOW, row] != low or columns[AT_CLIENT_HIGH, row] != high:
                break
            protocol = columns[AT_PROTOCOL, row]
            its_high = columns[AT_SERVER_HIGH, row]
            its_low = columns[AT_SERVER_LOW, row]
            if place == first or its_low != server_low or its_high != server_high:
                servers += 1
                server_high = its_high
                server_low = its_low
            # Which client, protocol and port: never zero.
            port = (first + 1) << _PORT_BITS | protocol << 16 | columns[AT_SERVER_PORT, row]
            at = ((port & 0xFFFFFF) * _MIXER ^ first * _MIXER) >> 16 & mask
            while table[at] != 0 and table[at] != port:
                at = (at + 1) & mask
            if table[at] == 0:
                table[at] = port
                ports += 1
            begun = columns[AT_OPENED, row]
            opened += begun
            failed += columns[AT_FAILED, row]
            reset += columns[AT_RESET_OUT, row] + columns[AT_RESET_IN, row]
            packets += columns[AT_PACKETS_OUT, row] + columns[AT_PACKETS_IN, row]
            sent += columns[AT_BYTES_OUT, row]
            got += columns[AT_BYTES_IN, row]
            asked += columns[AT_DNS_QUERIES, row]
            if not is_internal(its_high, its_low, networks):
                outside += begun
            if protocol == _UDP:
                udp += begun
            elif protocol == _ICMP or protocol == _ICMPV6:
                icmp += begun
            place += 1
        if opened <= 0:
            continue
        keys[found, 0] = high
        keys[found, 1] = low
        did[OPENED, found] = opened
        did[FAILED, found] = failed
        did[RESET, found] = reset
        did[PACKETS, found] = packets
        did[SENT, found] = sent
        did[GOT, found] = got
        did[ASKED, found] = asked
        did[SERVERS, found] = servers
        did[PORTS, found] = ports
        did[OUTSIDE, found] = outside
        did[UDP, found] = udp
        did[ICMP, found] = icmp
        found += 1
    return found

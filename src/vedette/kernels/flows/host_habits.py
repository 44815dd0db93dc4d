"""What hosts send, and whom they talk to, against what is remembered of each."""

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import kernel
from vedette.kernels.packets.flow_columns import (
    AT_CLIENT_HIGH,
    AT_CLIENT_LOW,
    AT_OPENED,
    AT_SERVER_HIGH,
    AT_SERVER_LOW,
    AT_SERVER_PORT,
)

WINDOWS, KNOWN, NEW, TRIALS, MOST_SENT, FORGOT, OLDER, FRESH, SINCE = 0, 1, 2, 3, 4, 5, 6, 7, 8
"""Numbers remembered of a host: windows in which it talked to somebody outside; networks (an IPv4 /24, an IPv6 /48)
and ports it talked to; how many of `TRIALS` windows after the first ones had a new one; bytes of its largest upload;
destinations of its that had to make room; the same largest of the hour before this, and of this hour, which began at
the last number (microseconds): what is hardly an hour old is not yet what a host usually does."""


@kernel
def find_hosts(columns: Ints, rows: Ints, keys: Ints, starts: Ints) -> int:
    """Find the clients of some contacts.

    Args:
        columns: int64 (c, k), sorted by client. rows: int64 (n,), rising.
        keys: int64 (n, 2), receives each client. starts: int64 (n + 1,), receives where each begins among `rows`.

    Returns:
        How many clients there are.
    """
    hosts = 0
    for place in range(rows.shape[0]):
        high = columns[AT_CLIENT_HIGH, rows[place]]
        low = columns[AT_CLIENT_LOW, rows[place]]
        if hosts == 0 or low != keys[hosts - 1, 1] or high != keys[hosts - 1, 0]:
            keys[hosts, 0] = high
            keys[hosts, 1] = low
            starts[hosts] = place
            hosts += 1
    starts[hosts] = rows.shape[0]
    return hosts


@kernel
def find_places(
    columns: Ints, rows: Ints, starts: Ints, first: int, hosts: int, keys: Ints, opened: Ints
) -> int:
    """Find where some hosts opened flows to; of contacts in a row with one network's port, the first.

    Args:
        columns: int64 (c, k), sorted by client and server. rows: int64 (n,), rising.
        starts: int64 (hosts + 1 or more,), where each host's rows begin. first: The first host looked at.
        hosts: How many.
        keys: int64 (n, 5), receives the host, the network of the other (an IPv4 /24, an IPv6 /48), and the port.
        opened: int64 (n, 2), receives the contact, and its host counted from `first`.

    Returns:
        How many there are.
    """
    found = 0
    for host in range(hosts):
        for place in range(starts[first + host], starts[first + host + 1]):
            row = rows[place]
            if columns[AT_OPENED, row] <= 0:
                continue
            high = columns[AT_SERVER_HIGH, row]
            low = columns[AT_SERVER_LOW, row]
            port = columns[AT_SERVER_PORT, row]
            network = high if high == 0 else high >> 16
            part = low >> 8 if high == 0 else 0
            if (
                found > 0
                and opened[found - 1, 1] == host
                and keys[found - 1, 3] == part
                and keys[found - 1, 4] == port
                and keys[found - 1, 2] == network
            ):
                continue
            keys[found, 0] = columns[AT_CLIENT_HIGH, row]
            keys[found, 1] = columns[AT_CLIENT_LOW, row]
            keys[found, 2] = network
            keys[found, 3] = part
            keys[found, 4] = port
            opened[found, 0] = row
            opened[found, 1] = host
            found += 1
    return found


@kernel
def find_news(
    opened: Ints,
    new: Bytes,
    others: Ints,
    enough: int,
    place: Ints,
    numbers: Ints,
    learn: int,
    once_in: int,
    told: Ints,
) -> int:
    """Find the first new destination of each host that hardly ever has one, and that hardly anybody else has.

    Args:
        opened: int64 (n, 2), contacts, and the host of each. new: uint8 (n,), whether its destination is new to it.
        others: int64 (n,), of new ones, how many hosts had it before. enough: From how many on it is nothing special.
        place: int64 (h,), where each host is remembered. numbers: int64 (m, 9), by place.
        learn: Windows before which nothing is found. once_in: By Laplace's rule of succession, at most one in so many.
        told: int64 (n, 2), receives the contact, and the host's place.

    Returns:
        How many were found.
    """
    found = 0
    before = -1
    for row in range(new.shape[0]):
        if not new[row] or opened[row, 1] == before or others[row] >= enough:
            continue
        before = opened[row, 1]
        at = place[before]
        if numbers[at, WINDOWS] < learn or numbers[at, FORGOT] != 0:
            continue
        if (numbers[at, NEW] + 1) / (numbers[at, TRIALS] + 2) <= 1 / once_in:
            told[found, 0] = opened[row, 0]
            told[found, 1] = at
            found += 1
    return found


@kernel
def count_hosts(place: Ints, numbers: Ints, others: Ints) -> None:
    """Count one more host for each of some destinations.

    Args:
        place: int64 (n,), where each is remembered. numbers: int64 (m, 1), hosts that had it; updated.
        others: int64 (n,), receives how many had it before.
    """
    for row in range(place.shape[0]):
        others[row] = numbers[place[row], 0]
        numbers[place[row], 0] += 1


@kernel
def learn_news(opened: Ints, new: Bytes, place: Ints, numbers: Ints, learn: int) -> None:
    """Remember which hosts had a new destination in a window. Arguments as for `find_news`; the numbers change."""
    for host in range(place.shape[0]):
        if numbers[place[host], WINDOWS] >= learn:
            numbers[place[host], TRIALS] += 1
    before = -1
    for row in range(new.shape[0]):
        if not new[row]:
            continue
        at = place[opened[row, 1]]
        numbers[at, KNOWN] += 1
        if opened[row, 1] != before:
            before = opened[row, 1]
            if numbers[at, WINDOWS] >= learn:
                numbers[at, NEW] += 1
    for host in range(place.shape[0]):
        numbers[place[host], WINDOWS] += 1

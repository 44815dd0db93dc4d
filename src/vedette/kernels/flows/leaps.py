"""How much each address does, against the most that it ever did."""

from vedette.kernels.arrays import Bytes, Floats, Ints
from vedette.kernels.compile import kernel
from vedette.kernels.flows.contact_digest import is_internal
from vedette.kernels.packets.flow_columns import (
    AT_BYTES_IN,
    AT_CLIENT_HIGH,
    AT_CLIENT_LOW,
    AT_DNS_QUERIES,
    AT_FAILED,
    AT_OPENED,
    AT_SERVER_HIGH,
    AT_SERVER_LOW,
)

OWN_WINDOWS, OWN_TRIALS, OWN_LEAPS, OWN_SINCE, OWN_LEAPT = 0, 1, 2, 3, 4
"""Numbers remembered of an address: windows in which it opened flows; how many of `OWN_TRIALS` windows after the first
ones began a leap; when this minute began, and when it leapt last (microseconds)."""
OWN_MOST = 5
"""And from here on, of each measure, the most up to a minute or two ago, of the minute before this, and of this one."""
MEASURES = 5
"""Flows, hosts, flows that failed, bytes that it got, DNS questions."""


@kernel
def measure_hosts(columns: Ints, networks: Ints, keys: Ints, values: Ints) -> int:
    """Find the internal clients of a window, and how much each did.

    Args:
        columns: int64 (c, k), contacts sorted by client and server.
        networks: int64 (n, 4), one's own; see `is_internal`.
        keys: int64 (k, 2), receives each client that opened flows. values: int64 (k, MEASURES), receives what it did.

    Returns:
        How many there are.
    """
    found = 0
    row = 0
    while row < columns.shape[1]:
        high = columns[AT_CLIENT_HIGH, row]
        low = columns[AT_CLIENT_LOW, row]
        server_high = 0
        server_low = 0
        first = row
        for place in range(MEASURES):
            values[found, place] = 0
        while (
            row < columns.shape[1]
            and columns[AT_CLIENT_LOW, row] == low
            and columns[AT_CLIENT_HIGH, row] == high
        ):
            if (
                row == first
                or columns[AT_SERVER_LOW, row] != server_low
                or columns[AT_SERVER_HIGH, row] != server_high
            ):
                values[found, 1] += 1
                server_high = columns[AT_SERVER_HIGH, row]
                server_low = columns[AT_SERVER_LOW, row]
            values[found, 0] += columns[AT_OPENED, row]
            values[found, 2] += columns[AT_FAILED, row]
            values[found, 3] += columns[AT_BYTES_IN, row]
            values[found, 4] += columns[AT_DNS_QUERIES, row]
            row += 1
        if values[found, 0] > 0 and is_internal(high, low, networks):
            keys[found, 0] = high
            keys[found, 1] = low
            found += 1
    return found


@kernel
def find_leaps(
    place: Ints,
    values: Ints,
    numbers: Ints,
    least: Floats,
    factor: float,
    now: int,
    minute: int,
    learn: int,
    once_in: int,
    leaps: Bytes,
    told: Ints,
) -> int:
    """Find the addresses that do far more of something than they ever did.

    Args:
        place: int64 (n,), distinct, where each is remembered. values: int64 (n, MEASURES), what it did in a window.
        numbers: int64 (m, OWN_MOST + 3 * MEASURES), by place; what belongs to the minute is brought up to date.
        least: float64 (MEASURES,), below which nothing is a leap. factor: Times its most.
        now: Begin of the window. minute: Microseconds; leaps that follow one another within two are one.
        learn: Windows before which nothing is found. once_in: As for `find_news`.
        leaps: uint8 (n,), receives 1 where it leaps, 2 where a leap begins, and 0.
        told: int64 (n,), receives the rows of leaps that are rare enough to be told.

    Returns:
        How many these are.
    """
    found = 0
    for row in range(place.shape[0]):
        at = place[row]
        if now - numbers[at, OWN_SINCE] >= minute:
            for measure in range(MEASURES):
                older = OWN_MOST + MEASURES + measure
                if numbers[at, older] > numbers[at, OWN_MOST + measure]:
                    numbers[at, OWN_MOST + measure] = numbers[at, older]
                numbers[at, older] = numbers[at, older + MEASURES]
                numbers[at, older + MEASURES] = 0
            numbers[at, OWN_SINCE] = now
        leaps[row] = 0
        if numbers[at, OWN_WINDOWS] < learn:
            continue
        for measure in range(MEASURES):
            if values[row, measure] >= max(least[measure], factor * numbers[at, OWN_MOST + measure]):
                leaps[row] = 1
        if leaps[row] == 0 or now - numbers[at, OWN_LEAPT] < 2 * minute:
            continue
        leaps[row] = 2
        if (numbers[at, OWN_LEAPS] + 1) / (numbers[at, OWN_TRIALS] + 2) <= 1 / once_in:
            told[found] = row
            found += 1
    return found


@kernel
def learn_leaps(place: Ints, values: Ints, numbers: Ints, now: int, learn: int, leaps: Bytes) -> None:
    """Remember what addresses did in a window. Arguments as for `find_leaps`; the numbers change."""
    for row in range(place.shape[0]):
        at = place[row]
        if leaps[row] > 0:
            numbers[at, OWN_LEAPT] = now
        if leaps[row] == 2:
            numbers[at, OWN_LEAPS] += 1
        if numbers[at, OWN_WINDOWS] >= learn:
            numbers[at, OWN_TRIALS] += 1
        numbers[at, OWN_WINDOWS] += 1
        for measure in range(MEASURES):
            fresh = OWN_MOST + 2 * MEASURES + measure
            if values[row, measure] > numbers[at, fresh]:
                numbers[at, fresh] = values[row, measure]

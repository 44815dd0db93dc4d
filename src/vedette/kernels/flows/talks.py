"""Who talks to which service, and which talks come by the clock."""

from vedette.kernels.arrays import Bytes, Floats, Ints
from vedette.kernels.compile import kernel
from vedette.kernels.flows.contact_digest import is_internal
from vedette.kernels.packets.flow_columns import (
    AT_CLIENT_HIGH,
    AT_CLIENT_LOW,
    AT_FAILED,
    AT_OPENED,
    AT_PACKETS_IN,
    AT_PROTOCOL,
    AT_SERVER_HIGH,
    AT_SERVER_LOW,
    AT_SERVER_PORT,
    AT_SUCCEEDED,
)

FIRST, LAST, COUNT, STATED = 0, 1, 2, 3
"""Numbers remembered of a talk: when it was first and last, intervals, and how many there were when it was stated."""
MEAN, SQUARES = 0, 1
"""Of the intervals, seconds: their mean, and the sum of squared deviations from it (Welford 1962)."""
_AGAIN = 10
"""Times as many calls from which a talk is stated again."""
SURE, LOOSE = 10, 2
"""Times as many intervals than it takes, from which they may vary so many times as much: of chance, hundreds that vary
by less than a third are no likelier than twenty that hardly vary."""
_TCP = 6


@kernel
def take_columns(columns: Ints, rows: Ints, wanted: Ints, out: Ints) -> None:
    """Copy some columns of some contacts, row by row.

    Args:
        columns: int64 (c, k). rows: int64 (n,). wanted: int64 (w,), columns. out: int64 (n, w), receives them.
    """
    for place in range(rows.shape[0]):
        row = rows[place]
        for column in range(wanted.shape[0]):
            out[place, column] = columns[wanted[column], row]


@kernel
def find_answered(columns: Ints, networks: Ints, keys: Ints) -> int:
    """Find whom the internal clients of a window were answered by over TCP.

    So was a connection that began before and is told something now: a log tells of a long one when the window that it
    began in is over.

    Args:
        columns: int64 (c, k), contacts. networks: int64 (n, 4), one's own; see `is_internal`.
        keys: int64 (k, 5), receives client, server and port.

    Returns:
        How many there are.
    """
    found = 0
    for row in range(columns.shape[1]):
        if (
            columns[AT_PROTOCOL, row] == _TCP
            and (
                columns[AT_SUCCEEDED, row] > 0
                or (
                    columns[AT_OPENED, row] == 0
                    and columns[AT_FAILED, row] == 0
                    and columns[AT_PACKETS_IN, row] > 0
                )
            )
            and is_internal(columns[AT_CLIENT_HIGH, row], columns[AT_CLIENT_LOW, row], networks)
        ):
            keys[found, 0] = columns[AT_CLIENT_HIGH, row]
            keys[found, 1] = columns[AT_CLIENT_LOW, row]
            keys[found, 2] = columns[AT_SERVER_HIGH, row]
            keys[found, 3] = columns[AT_SERVER_LOW, row]
            keys[found, 4] = columns[AT_SERVER_PORT, row]
            found += 1
    return found


@kernel
def follow_calls(
    place: Ints,
    fresh: Bytes,
    began: Ints,
    numbers: Ints,
    reals: Floats,
    least: int,
    long: float,
    variation: float,
    seconds: float,
    told: Ints,
) -> int:
    """Add the newest call of some talks to what is known of each, and find those that call by the clock.

    Args:
        place: int64 (n,), distinct, where each talk is remembered. fresh: uint8 (n,), 1 for those that are new.
        began: int64 (n,), when each called, microseconds.
        numbers: int64 (m, 4), reals: float64 (m, 2), by place; updated.
        least: Intervals that it takes. long: Microseconds that they last together.
        variation: Of the intervals, at most; twice that from ten times `least`. seconds: Which each is to exceed.
        told: int64 (n,), receives the places of those that call by the clock, and ten times as often as when it was
            stated.

    Returns:
        How many these are.
    """
    found = 0
    for row in range(place.shape[0]):
        at = place[row]
        if fresh[row]:
            numbers[at, FIRST] = began[row]
            numbers[at, LAST] = began[row]
            continue
        if began[row] <= numbers[at, LAST]:
            continue
        interval = (began[row] - numbers[at, LAST]) / 1e6
        numbers[at, LAST] = began[row]
        numbers[at, COUNT] += 1
        count = numbers[at, COUNT]
        off = interval - reals[at, MEAN]
        reals[at, MEAN] += off / count
        reals[at, SQUARES] += off * (interval - reals[at, MEAN])
        spread = variation * reals[at, MEAN] * (LOOSE if count >= SURE * least else 1)
        if (
            count >= least
            and numbers[at, LAST] - numbers[at, FIRST] >= long
            and reals[at, MEAN] > seconds
            and reals[at, SQUARES] <= count * (spread * spread)
            and count >= _AGAIN * numbers[at, STATED]
        ):
            told[found] = at
            found += 1
    return found

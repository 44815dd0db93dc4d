"""How each address behaved in a window of flows, as the numbers that a model sees."""

from collections.abc import Callable
from enum import IntEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.network.addresses import PRIVATE, Own
from vedette.detectors.network.grouping import Rows
from vedette.kernels.flows import flow_manners as kernels
from vedette.kernels.flows.flow_manners import add_manners
from vedette.schema.flows import Flow

Column = NDArray[np.float64]
Table = NDArray[np.float64]
"""float64 (len(Did), k): what each of k addresses did."""


class Did(IntEnum):
    """What an address did as a client in a window."""

    OPENED = kernels.OPENED
    FAILED = kernels.FAILED
    RESET = kernels.RESET
    PACKETS = kernels.PACKETS
    SENT = kernels.SENT
    GOT = kernels.GOT
    ASKED = kernels.ASKED
    """DNS questions."""
    SERVERS = kernels.SERVERS
    """Hosts that it talked to."""
    PORTS = kernels.PORTS
    OUTSIDE = kernels.OUTSIDE
    """Flows that it opened to others' addresses, ..."""
    UDP = kernels.UDP
    ICMP = kernels.ICMP
    """... over UDP and with ICMP."""


class Manner(msgspec.Struct, frozen=True):
    """One number of each address. Counts and sizes are as logarithms: twice as much is as far from one as from many."""

    name: str
    unit: str
    doc: str
    of: Callable[[Table], Column]


def _counted(what: Did) -> Callable[[Table], Column]:
    def of(did: Table) -> Column:
        return _log(did[what])

    return of


def _share(what: Did) -> Callable[[Table], Column]:
    def of(did: Table) -> Column:
        shared: Column = did[what] / did[Did.OPENED]
        return shared

    return of


def _packet_size(did: Table) -> Column:
    return _log((did[Did.SENT] + did[Did.GOT]) / np.maximum(did[Did.PACKETS], 1.0))


def _log(values: Column) -> Column:
    logarithm: Column = np.log2(1.0 + values)
    return logarithm


MANNERS: Final = (
    Manner("flows", "log2 of flows", "flows that it opened", _counted(Did.OPENED)),
    Manner("servers", "log2 of hosts", "hosts that it talked to", _counted(Did.SERVERS)),
    Manner("ports", "log2 of ports", "ports that it talked to", _counted(Did.PORTS)),
    Manner("bytes_out", "log2 of bytes", "bytes that it sent", _counted(Did.SENT)),
    Manner("bytes_in", "log2 of bytes", "bytes that it got", _counted(Did.GOT)),
    Manner("packet_size", "log2 of bytes", "mean size of its packets and of those it got", _packet_size),
    Manner("failed_ratio", "ratio", "share of its flows that failed", _share(Did.FAILED)),
    Manner("reset_ratio", "ratio", "resets for each flow", _share(Did.RESET)),
    Manner("outside_ratio", "ratio", "share of its flows to others' addresses", _share(Did.OUTSIDE)),
    Manner("udp_ratio", "ratio", "share of its flows over UDP", _share(Did.UDP)),
    Manner("icmp_ratio", "ratio", "share of its flows with ICMP", _share(Did.ICMP)),
    Manner("dns_queries", "log2 of queries", "DNS questions that it asked", _counted(Did.ASKED)),
)


def address_table(contacts: Rows, most: int | None = None, own: Own = PRIVATE) -> tuple[Rows, Table]:
    """Who opened flows in a window, int64 (k, 2), and what they did, float64 (len(Did), k).

    Args:
        contacts: int64 (n, columns), of one window, sorted as there.
        most: Of so many addresses at most, spread evenly over all of them.
        own: Which addresses are one's own.
    """
    columns = np.ascontiguousarray(contacts.T)
    told = np.flatnonzero((columns[Flow.CLIENT_LOW] != 0) | (columns[Flow.CLIENT_HIGH] != 0))
    which = _thinned(contacts, told, most)
    keys, did = np.empty((len(which), 2), dtype=np.int64), np.empty((len(Did), len(which)))
    scratch = np.zeros(2 << len(which).bit_length(), dtype=np.int64)
    count = add_manners(columns, which, own.ranges, scratch, keys, did)
    return keys[:count], did[:, :count]


def _thinned(contacts: Rows, which: NDArray[np.intp], most: int | None) -> NDArray[np.intp]:
    """Of some contacts, sorted by client, those of so many clients at most."""
    if most is None or len(which) <= most:
        return which
    high, low = contacts[which, Flow.CLIENT_HIGH], contacts[which, Flow.CLIENT_LOW]
    number = np.concatenate([[0], np.cumsum((low[1:] != low[:-1]) | (high[1:] != high[:-1]))])
    clients = int(number[-1]) + 1
    if clients <= most:
        return which
    chosen = np.zeros(clients, dtype=bool)
    chosen[np.linspace(0, clients - 1, most).astype(np.int64)] = True
    kept: NDArray[np.intp] = which[chosen[number]]
    return kept


def matrix(did: Table) -> NDArray[np.float32]:
    """The numbers of `MANNERS`, float32 (k, features).

    Args:
        did: float64 (len(Did), k).
    """
    numbers = np.empty((did.shape[1], len(MANNERS)), dtype=np.float32)
    for place, manner in enumerate(MANNERS):
        numbers[:, place] = manner.of(did)
    return numbers

"""How each address behaved in a window of flows, as the numbers that a model sees."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.network.addresses import internal
from vedette.detectors.network.grouping import Rows, picked, starts_of
from vedette.detectors.network.view import CLIENT, SERVER
from vedette.schema.flows import Flow, Protocol
from vedette.windows.distinct import distinct_values

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AddressTable:
    """What k addresses did as clients.

    Attributes:
        sums: int64 (k, columns of a contact), what manners are made of, of their contacts added up; zeros otherwise.
        contacts: float64 (k,), ports of hosts that they talked to. servers, ports: The same, hosts and ports alone.
        outside, udp, icmp: Flows that they opened to others' addresses, over UDP and with ICMP, float64 (k,).
    """

    sums: Rows
    contacts: Column
    servers: Column
    ports: Column
    outside: Column
    udp: Column
    icmp: Column

    def of(self, *columns: Flow) -> Column:
        """Columns of sums, added up."""
        added: Column = self.sums[:, list(columns)].sum(axis=1).astype(np.float64)
        return added

    @property
    def opened(self) -> Column:
        """Flows, at least 1."""
        return np.maximum(self.of(Flow.OPENED), 1.0)


@dataclass(frozen=True, slots=True)
class Manner:
    """One number of each address. Counts and sizes are as logarithms: twice as much is as far from one as from many."""

    name: str
    unit: str
    doc: str
    of: Callable[[AddressTable], Column]


def _log(values: Column) -> Column:
    logarithm: Column = np.log2(1.0 + values)
    return logarithm


MANNERS: Final = (
    Manner("flows", "log2 of flows", "flows that it opened", lambda t: _log(t.of(Flow.OPENED))),
    Manner("servers", "log2 of hosts", "hosts that it talked to", lambda t: _log(t.servers)),
    Manner("ports", "log2 of ports", "ports that it talked to", lambda t: _log(t.ports)),
    Manner("bytes_out", "log2 of bytes", "bytes that it sent", lambda t: _log(t.of(Flow.BYTES_OUT))),
    Manner("bytes_in", "log2 of bytes", "bytes that it got", lambda t: _log(t.of(Flow.BYTES_IN))),
    Manner(
        "packet_size",
        "log2 of bytes",
        "mean size of its packets and of those it got",
        lambda t: _log(
            t.of(Flow.BYTES_OUT, Flow.BYTES_IN) / np.maximum(t.of(Flow.PACKETS_OUT, Flow.PACKETS_IN), 1.0)
        ),
    ),
    Manner("failed_ratio", "ratio", "share of its flows that failed", lambda t: t.of(Flow.FAILED) / t.opened),
    Manner("reset_ratio", "ratio", "resets for each flow", lambda t: t.of(Flow.RESET_OUT, Flow.RESET_IN) / t.opened),
    Manner("outside_ratio", "ratio", "share of its flows to others' addresses", lambda t: t.outside / t.opened),
    Manner("udp_ratio", "ratio", "share of its flows over UDP", lambda t: t.udp / t.opened),
    Manner("icmp_ratio", "ratio", "share of its flows with ICMP", lambda t: t.icmp / t.opened),
    Manner("dns_queries", "log2 of queries", "DNS questions that it asked", lambda t: _log(t.of(Flow.DNS_QUERIES))),
)  # fmt: skip


def address_table(contacts: Rows, most: int | None = None) -> tuple[Rows, AddressTable]:
    """Who opened flows in a window, int64 (k, 2), and what they did.

    Args:
        contacts: int64 (n, columns), of one window, sorted as there.
        most: Of so many addresses at most, spread evenly over all of them.
    """
    told = (contacts[:, Flow.CLIENT_HIGH] != 0) | (contacts[:, Flow.CLIENT_LOW] != 0)
    which = _thinned(contacts, np.flatnonzero(told), most)
    rows = picked(contacts, which, contacts.shape[1])
    keys = np.column_stack([rows[:, column] for column in CLIENT])
    if not len(rows):
        none = np.zeros(0)
        return keys, AddressTable(rows, none, none, none, none, none, none)
    starts = starts_of(rows, CLIENT)
    count = np.diff(np.append(starts, len(rows)))
    which = np.repeat(np.arange(len(starts)), count)
    # A client's contacts with one host stand together.
    hosts = starts_of(rows, (*CLIENT, *SERVER))
    opened = rows[:, Flow.OPENED]
    others = ~internal(rows[:, Flow.SERVER_HIGH], rows[:, Flow.SERVER_LOW])
    protocol = rows[:, Flow.PROTOCOL]

    def added(wanted: NDArray[np.bool_]) -> Column:
        return np.add.reduceat(np.where(wanted, opened, 0), starts).astype(np.float64)

    sums = np.zeros((len(starts), rows.shape[1]), dtype=np.int64)
    for column in _ADDED:
        sums[:, column] = np.add.reduceat(rows[:, column], starts)
    table = AddressTable(
        sums,
        count.astype(np.float64),
        np.bincount(which[hosts], minlength=len(starts)).astype(np.float64),
        _ports(which, protocol, rows[:, Flow.SERVER_PORT], len(starts)),
        added(others),
        added(protocol == Protocol.UDP),
        added((protocol == Protocol.ICMP) | (protocol == Protocol.ICMPV6)),
    )
    busy = table.sums[:, Flow.OPENED] > 0
    kept = AddressTable(*(getattr(table, name)[busy] for name in AddressTable.__slots__))
    return keys[starts][busy], kept


_ADDED: Final = (
    Flow.PACKETS_OUT, Flow.PACKETS_IN, Flow.BYTES_OUT, Flow.BYTES_IN, Flow.RESET_OUT, Flow.RESET_IN, Flow.DNS_QUERIES,
    Flow.OPENED, Flow.FAILED,
)  # fmt: skip
"""Columns that manners are made of."""


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


def matrix(table: AddressTable) -> NDArray[np.float32]:
    """The numbers of `MANNERS`, float32 (k, features)."""
    return np.column_stack([manner.of(table) for manner in MANNERS]).astype(np.float32)


def _ports(which: Rows, protocol: Rows, port: Rows, groups: int) -> Column:
    """Distinct ports, those of each protocol by themselves, of each group."""
    distinct = distinct_values(which << _PORT_BITS | protocol << 16 | port)
    return np.bincount(distinct >> _PORT_BITS, minlength=groups).astype(np.float64)


_PORT_BITS: Final = 24
"""Of a protocol and a port."""

"""Connections as columns: what each generator adds to, and each writer reads."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
STATES = ("SF", "S0", "REJ", "S1", "RSTO", "RSTR", "OTH", "SHR", "RSTOS0", "S3")
SERVICES = (
    "-",
    "dns",
    "ssl",
    "http",
    "ssh",
    "ntp",
    "dhcp",
    "krb_tcp",
    "ldap_tcp",
    "smb",
    "dce_rpc",
    "quic",
    "rdp",
)
COLUMNS = {
    "start": np.float64,
    "took": np.float64,
    "protocol": np.uint8,
    "source": np.int32,
    "source_port": np.int32,
    "target": np.int32,
    "target_port": np.int32,
    "packets_out": np.int64,
    "bytes_out": np.int64,
    "packets_in": np.int64,
    "bytes_in": np.int64,
    "state": np.uint8,
    "service": np.uint8,
    "sent_again": np.bool_,
    "trouble": np.int16,
}
Ints = NDArray[np.int64]


@dataclass
class Book:
    """Connections so far. Bytes are payload's; times seconds since 1970; addresses numbers into `names`."""

    draw: np.random.Generator
    names: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    parts: dict[str, list[NDArray[np.generic]]] = field(
        default_factory=lambda: {name: [] for name in COLUMNS}
    )
    trouble: int = -1
    """What is added next belongs to this one; -1 is none."""

    def host(self, name: str) -> int:
        """The number of an address."""
        number = self.numbers.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number

    def hosts(self, names: Sequence[str]) -> Ints:
        """The numbers of addresses."""
        return np.array([self.host(name) for name in names], np.int64)

    def add(
        self,
        start: ArrayLike,
        source: ArrayLike,
        target: ArrayLike,
        port: ArrayLike,
        *,
        protocol: ArrayLike = TCP,
        took: ArrayLike = 0.05,
        out: ArrayLike = 0,
        back: ArrayLike = 0,
        state: ArrayLike | str = "SF",
        service: str = "-",
        source_port: ArrayLike | None = None,
        packets_out: ArrayLike | None = None,
        packets_in: ArrayLike | None = None,
        sent_again: ArrayLike = False,
    ) -> None:
        """Connections, one for each of `start`; everything else is one for all or one for each."""
        start = np.atleast_1d(np.asarray(start, float))
        rows = len(start)
        if rows == 0:
            return
        state = np.broadcast_to(STATES.index(state) if isinstance(state, str) else np.asarray(state), rows)
        protocol = np.broadcast_to(np.asarray(protocol), rows)
        out, back = (np.broadcast_to(np.asarray(side), rows).astype(np.int64) for side in (out, back))
        tcp = protocol == TCP
        unanswered, refused = state == STATES.index("S0"), state == STATES.index("REJ")
        if packets_out is None:
            packets_out = np.where(tcp, 4 + out // 1300 + back // 2800, np.maximum(1, out // 1200))
            packets_out = np.where(tcp & unanswered, self.draw.integers(1, 4, rows), packets_out)
            packets_out = np.where(tcp & refused, 1, packets_out)
        if packets_in is None:
            packets_in = np.where(
                tcp, 3 + back // 1300 + out // 2800, np.where(back > 0, np.maximum(1, back // 1200), 0)
            )
            packets_in = np.where(unanswered, 0, np.where(refused, 1, packets_in))
        values = {
            "start": start,
            "took": took,
            "protocol": protocol,
            "source": source,
            "source_port": self.draw.integers(32768, 61000, rows) if source_port is None else source_port,
            "target": target,
            "target_port": port,
            "packets_out": packets_out,
            "bytes_out": np.where(tcp & (unanswered | refused), 0, out),
            "packets_in": packets_in,
            "bytes_in": np.where(unanswered | refused, 0, back),
            "state": state,
            "service": SERVICES.index(service),
            "sent_again": sent_again,
            "trouble": self.trouble,
        }
        for name, kind in COLUMNS.items():
            self.parts[name].append(np.broadcast_to(np.asarray(values[name]), rows).astype(kind))

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """All of them in order of their beginnings."""
        whole = {name: np.concatenate(parts) for name, parts in self.parts.items()}
        order = np.argsort(whole["start"], kind="stable")
        return {name: column[order] for name, column in whole.items()}

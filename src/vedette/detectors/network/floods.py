"""Too much for one host: half-open connections, packets, reflected answers."""

from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.few_stated import FewStated
from vedette.detectors.memory import Memoryless
from vedette.detectors.network.addresses import is_group
from vedette.detectors.network.grouping import Rows, distinct, groups, heaviest, starts_of
from vedette.detectors.network.minute import Total, Weight
from vedette.detectors.network.ports import REFLECTORS, Ports
from vedette.detectors.network.recent_windows import Interest
from vedette.detectors.network.view import CLIENT, SERVER, NetworkView, client_of, server_of, state
from vedette.detectors.statement import excess_score
from vedette.schema.anomaly import Anomaly, AnomalyType, Contribution, EntityKind, Formula, Severity
from vedette.schema.flows import Flow, Known, Protocol

_MOST_STATED: Final = 20
"""Hosts stated in one window by one detector."""


def source_entropy(rows: Rows, column: Flow) -> float:
    """Entropy of a count over clients, in bits."""
    order = np.lexsort(tuple(rows[:, c] for c in reversed(CLIENT)))
    sums = np.add.reduceat(rows[order, column], starts_of(rows, CLIENT, order)).astype(np.float64)
    shares = sums[sums > 0] / sums.sum()
    return float(-(shares * np.log2(shares)).sum())


class SynFlood(FewStated, Memoryless):
    """More connections are asked for than are ever made, at one port of one host.

    Signal: SYNs to a port of a host in a window, and how many of these connections were answered and went on.
    Baseline: none.
    Decision: at least `syns` in a window, at least the share `unfinished` of which came to nothing. What one source
        sends to many ports is a scan, and left to that.
    Explanation: the share, and how evenly the senders are spread: close to one packet each means spoofed.
    Known false alarms: a server that went down under a rush of its own clients.
    References: RFC 4987; formula `share`.
    """

    name: ClassVar[str] = "network.syn_flood"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.SYN_FLOOD,)

    def __init__(self, *, syns: int = 1000, unfinished: float = 0.8) -> None:
        self.syns = syns
        self.unfinished = unfinished
        self.left_out = 0

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State SYN floods of the window."""
        if not view.window.known & Known.FLAGS or view.total(Total.SYNS) < self.syns:
            return []
        rows = view.window.contacts
        asking = np.flatnonzero((rows[:, Flow.PROTOCOL] == Protocol.TCP) & (rows[:, Flow.SYN_OUT] > 0))
        found = []
        for own in groups(rows, *SERVER, Flow.SERVER_PORT, of=Flow.SYN_OUT, least=self.syns, among=asking):
            syns = int(own[:, Flow.SYN_OUT].sum())
            done = int(np.minimum(own[:, Flow.SYN_OUT], _completed(own, view.window.known)).sum())
            share = (syns - done) / syns
            if share < self.unfinished:
                continue
            bits = source_entropy(own, Flow.SYN_OUT)
            sources = distinct(own, *CLIENT)
            view.claimed.add(server_of(own[0]))
            found.append(
                state(
                    view,
                    type=AnomalyType.SYN_FLOOD,
                    detector=self.name,
                    about=server_of(own[0]),
                    who=EntityKind.HOST,
                    severity=Severity.HIGH if syns >= 5 * self.syns else Severity.MEDIUM,
                    score=excess_score(syns, self.syns),
                    observed=float(syns),
                    threshold=float(self.syns),
                    sample_count=syns,
                    unit="syns",
                    formula=Formula("share", {"part": float(syns - done), "whole": float(syns)}, share),
                    evidence_total=syns,
                    clients=tuple(client_of(row) for row in heaviest(own, Flow.SYN_OUT))
                    if sources <= 10
                    else (),
                    details={
                        "what": "syn",
                        "port": int(own[0, Flow.SERVER_PORT]),
                        "seconds": view.seconds,
                        "sources": sources,
                        "entropy_bits": bits,
                        "spread": "spoofed, by how evenly they send"
                        if _even(bits, sources, syns)
                        else "not spoofed",
                        "unfinished": share,
                        "unfinished_threshold": self.unfinished,
                        "metrics": ["packets", "bytes", "flows_opened", "tcp_flows_ratio"],
                    },
                    counterfactual=(
                        f"Not stated below {self.syns:,} SYNs in a window, nor where more than "
                        f"{1 - self.unfinished:.0%} of them become connections."
                    ),
                )
            )
        return self.strongest(found, _MOST_STATED)


def _completed(rows: Rows, known: Known) -> Rows:
    """Connections of contacts that were made."""
    return rows[:, Flow.HANDSHAKE_COUNT] if known & Known.TIMES else rows[:, Flow.SUCCEEDED]


def _even(bits: float, sources: int, syns: int) -> bool:
    """Whether many sources send about one SYN each: a machine that chooses addresses, not people."""
    return sources >= 100 and sources >= 0.5 * syns and bits >= 0.9 * float(np.log2(sources))


class Amplification(FewStated, Memoryless):
    """Answers that were not asked for, or to far less, from UDP services known to be abused for that.

    Signal: bytes of answers to one host from one of these services in a window, against the bytes it asked with.
    Baseline: none.
    Decision: at least `size` bytes from at least `servers` servers, at least `ratio` times what was asked with; from
        fewer, where the questions came from elsewhere, and at least ten a second: a server that is used to flood
        whoever they pretend to be from, and which that is about.
    Explanation: both numbers, the service, how many servers.
    Known false alarms: a zone transfer over UDP; a monitoring host elsewhere that walks SNMP tables.
    References: Rossow, "Amplification Hell", NDSS 2014; formula `count`.
    """

    name: ClassVar[str] = "network.amplification"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.AMPLIFICATION,)

    QUESTIONS = 10
    """In a second, from which few servers are used to flood somebody."""

    def __init__(self, *, size: int = 1_000_000, ratio: float = 10.0, servers: int = 3) -> None:
        self.size = size
        self.ratio = ratio
        self.servers = servers
        self.left_out = 0

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State reflected floods of the window."""
        if view.total(Total.REFLECTED) < self.size:
            return []
        rows = view.window.contacts
        asked_of = np.flatnonzero(rows[:, Flow.PROTOCOL] == Protocol.UDP)
        asked_of = asked_of[_PORTS.among(rows[asked_of, Flow.SERVER_PORT])]
        found = []
        for own in groups(rows, *CLIENT, Flow.SERVER_PORT, of=Flow.BYTES_IN, least=self.size, among=asked_of):
            got, asked = int(own[:, Flow.BYTES_IN].sum()), int(own[:, Flow.BYTES_OUT].sum())
            servers = distinct(own, *SERVER)
            questions = int(own[:, Flow.PACKETS_OUT].sum())
            abused = servers < self.servers
            if got < self.ratio * asked or (abused and not self._is_abused(view, own, questions)):
                continue
            port = int(own[0, Flow.SERVER_PORT])
            victim = client_of(own[0])
            server = server_of(heaviest(own, Flow.BYTES_IN, 1)[0])
            view.claimed.add(victim)
            found.append(
                state(
                    view,
                    type=AnomalyType.AMPLIFICATION,
                    detector=self.name,
                    about=server if abused else victim,
                    who=EntityKind.HOST,
                    severity=Severity.HIGH if got >= 10 * self.size else Severity.MEDIUM,
                    score=excess_score(got, self.size),
                    observed=float(got),
                    threshold=float(self.size),
                    sample_count=int(own[:, Flow.PACKETS_IN].sum()),
                    unit="bytes",
                    formula=Formula("count", {"count": float(got)}, float(got)),
                    evidence_total=int(own[:, Flow.PACKETS_IN].sum()),
                    contributions=tuple(
                        Contribution("server", server_of(row), float(row[Flow.BYTES_IN]) / got)
                        for row in heaviest(own, Flow.BYTES_IN, 3)
                    ),
                    details={
                        "what": f"port {port}",
                        "port": port,
                        "service": REFLECTORS[port],
                        "servers": servers,
                        "asked": asked,
                        "seconds": view.seconds,
                        "ratio_threshold": self.ratio,
                        **({"victim": victim, "questions": questions} if abused else {}),
                        "metrics": ["packets", "bytes", "flows_opened", "udp_flows_ratio"],
                    },
                    counterfactual=(
                        f"Not stated below {self.size:,} bytes in a window, below {self.ratio:g} times what was asked "
                        f"with, or from fewer than {self.servers} servers."
                    ),
                )
            )
        return self.strongest(found, _MOST_STATED)

    def _is_abused(self, view: NetworkView, own: Rows, questions: int) -> bool:
        """Whether somebody elsewhere asks as fast as no resolver or monitor of one's own does."""
        elsewhere = not view.own.internal(own[:1, Flow.CLIENT_HIGH], own[:1, Flow.CLIENT_LOW])[0]
        return bool(elsewhere) and questions >= self.QUESTIONS * view.seconds


_PORTS: Final = Ports(REFLECTORS)


class PacketFlood(Memoryless):
    """UDP or ICMP at a rate that no conversation has.

    Signal: packets to one host in a window that it did not answer in kind.
    Baseline: none.
    Decision: at least `udp` or `icmp` packets in a window, twenty for each that goes back: QUIC acknowledges every
        tenth packet of an upload at the rarest.
    Explanation: the number, how many addresses sent it.
    Known false alarms: one-way streams: multicast video is left out; syslog and NetFlow at such rates are not, nor is
        broadcast, which at such rates is a storm.
    References: formula `count`.
    """

    name: ClassVar[str] = "network.packet_flood"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.DDOS_ATTACK,)

    ONE_WAY = 20

    def __init__(self, *, udp: int = 50_000, icmp: int = 10_000) -> None:
        self.udp = udp
        self.icmp = icmp
        self.left_out = 0

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State floods of the window."""
        found: list[Anomaly] = []
        if view.total(Total.UDP_SENT) >= self.udp:
            found += self._of(view, (Protocol.UDP,), self.udp, "UDP packets", "udp_flows_ratio")
        if view.total(Total.ICMP_SENT) >= self.icmp:
            both = (Protocol.ICMP, Protocol.ICMPV6)
            found += self._of(view, both, self.icmp, "ICMP packets", "icmp_flows_ratio")
        return found

    def _of(
        self, view: NetworkView, protocols: tuple[int, ...], least: int, what: str, metric: str
    ) -> Iterator[Anomaly]:
        rows = view.window.contacts
        wanted = rows[:, Flow.PROTOCOL] == protocols[0]
        for protocol in protocols[1:]:
            wanted |= rows[:, Flow.PROTOCOL] == protocol
        sent = np.flatnonzero(wanted)
        for own in groups(rows, *SERVER, of=Flow.PACKETS_OUT, least=least, among=sent):
            packets, back = int(own[:, Flow.PACKETS_OUT].sum()), int(own[:, Flow.PACKETS_IN].sum())
            target = server_of(own[0])
            group = is_group(int(own[0, Flow.SERVER_HIGH]), int(own[0, Flow.SERVER_LOW]))
            if packets < self.ONE_WAY * back or group or target in view.claimed:
                continue
            view.claimed.add(target)
            yield state(
                view,
                type=AnomalyType.DDOS_ATTACK,
                detector=self.name,
                about=target,
                who=EntityKind.HOST,
                severity=Severity.HIGH if packets >= 5 * least else Severity.MEDIUM,
                score=excess_score(packets, least),
                observed=float(packets),
                threshold=float(least),
                sample_count=packets,
                unit="packets",
                formula=Formula("count", {"count": float(packets)}, float(packets)),
                evidence_total=packets,
                contributions=tuple(
                    Contribution("client", client_of(row), float(row[Flow.PACKETS_OUT]) / packets)
                    for row in heaviest(own, Flow.PACKETS_OUT, 3)
                ),
                details={
                    "what": what,
                    "sources": distinct(own, *CLIENT),
                    "seconds": view.seconds,
                    "answered": back,
                    "metrics": ["packets", "bytes", metric],
                },
                counterfactual=f"Not stated below {least:,} {what} in a window, or if one in {self.ONE_WAY} went back.",
            )


class ConnectionFlood(FewStated, Memoryless):
    """One client opens connections to one service far faster than anybody browses.

    Signal: TCP connections of one client to one port of one host in the last minute.
    Baseline: none.
    Decision: at least `connections`, which were answered: what is not answered is a scan or a SYN flood.
    Explanation: the number.
    Known false alarms: a reverse proxy or health checker without keep-alive; a load test.
    References: formula `count`.
    """

    name: ClassVar[str] = "network.connection_flood"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.DDOS_ATTACK,)

    def __init__(self, *, connections: int = 1000) -> None:
        self.connections = connections
        self.left_out = 0

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State connection floods that went on in the window."""
        found = []
        for own in view.groups(_ANSWERED, Flow.SUCCEEDED, self.connections):
            count = int(own[:, Flow.SUCCEEDED].sum())
            target = server_of(own[0])
            found.append(
                state(
                    view,
                    type=AnomalyType.DDOS_ATTACK,
                    detector=self.name,
                    about=target,
                    who=EntityKind.HOST,
                    severity=Severity.HIGH if count >= 5 * self.connections else Severity.MEDIUM,
                    score=excess_score(count, self.connections),
                    observed=float(count),
                    threshold=float(self.connections),
                    sample_count=count,
                    unit="connections",
                    formula=Formula("count", {"count": float(count)}, float(count)),
                    start=int(own[:, Flow.START].min()),
                    evidence_total=count,
                    clients=(client_of(own[0]),),
                    contributions=(Contribution("client", client_of(own[0]), 1.0),),
                    details={
                        "what": f"connections at port {int(own[0, Flow.SERVER_PORT])}",
                        "sources": 1,
                        "seconds": view.recent_seconds,
                        "metrics": ["packets", "bytes", "flows_opened", "tcp_flows_ratio"],
                    },
                    counterfactual=f"Not stated below {self.connections:,} connections within a minute.",
                )
            )
        return self.strongest(found, _MOST_STATED)


def _answered(rows: Rows) -> NDArray[np.bool_]:
    kept: NDArray[np.bool_] = (rows[:, Flow.PROTOCOL] == Protocol.TCP) & (rows[:, Flow.SUCCEEDED] > 0)
    return kept


_ANSWERED: Final = Interest(_answered, (*CLIENT, *SERVER, Flow.SERVER_PORT), Weight.ANSWERED)

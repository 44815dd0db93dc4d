"""Traffic in what is meant for something else: DNS questions, pings."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.few_stated import FewStated
from vedette.detectors.memory import Memoryless
from vedette.detectors.network.addresses import PRIVATE, Own
from vedette.detectors.network.grouping import Rows
from vedette.detectors.network.minute import Total
from vedette.detectors.network.recent_windows import Interest
from vedette.detectors.network.view import CLIENT, SERVER, NetworkView, client_of, server_of, state
from vedette.detectors.statement import excess_score
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Formula, Severity
from vedette.schema.flows import Flow, Known, Protocol

_MOST_STATED: Final = 20
"""Tunnels stated in one window."""
_DNS: Final = 53
HEAVY_BYTES: Final = 156
"""Of an IP packet: names of 52 bytes are asked for with 98, and with the options of EDNS with 121."""


class Tunnel(FewStated, Memoryless):
    """Data carried in DNS names, in DNS over TCP, or in pings.

    Signal: DNS queries of one client to one server in the last minute, for names of more than 52 bytes or of types
        that hold anything (NULL, TXT, KEY, unassigned); messages of one connection to TCP port 53; pings whose size
        changes from one to the next.
    Baseline: none: host names are short, lookups over TCP are few, and a ping is of one size.
    Decision: at least `queries` such queries, and a third of all; or `messages` data segments each way over TCP 53; or
        `pings` changes of size, and a fifth of all pings, with at least 64 bytes on average. Of logs, which tell no
        names and no single sizes: 300 questions within a minute, or 600 pings each way with another network, ten
        times one a second, of packets of 156 bytes on average.
        A resolver that passes on what it was asked, half of it at least, is named as the way.
    Explanation: how many of what, of how many in all; where a resolver passes them on to.
    Known false alarms: services that look up signatures in names (antivirus, mail block lists); a zone transfer;
        measuring the path's largest packet by pings of all sizes.
    References: Farnham, "Detecting DNS Tunneling", SANS 2013; formula `count`.
    """

    name: ClassVar[str] = "network.tunnel"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.TUNNEL,)

    SHARE = 1 / 3
    CHANGES = 0.2
    PING_BYTES = 64
    HEAVY_PINGS = 600
    HEAVY_QUERIES = 300
    HEAVY_BYTES = HEAVY_BYTES

    def __init__(self, *, queries: int = 30, messages: int = 10, pings: int = 20, own: Own = PRIVATE) -> None:
        self.queries = queries
        self.messages = messages
        self.pings = pings
        self.left_out = 0
        self._echoes = Interest(partial(_echoes, own), (*CLIENT, *SERVER))

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State tunnels that carried something in the window."""
        found = [] if view.window.known & Known.CONTENT else self._heavy(view)
        if not view.window.known & Known.CONTENT or not view.total(Total.CARRIERS):
            return found
        carriers = list(view.groups(_CARRIERS, Flow.PACKETS_OUT, 1))
        odd = [own for own in carriers if own[0, Flow.PROTOCOL] == Protocol.UDP and self._is_odd(own)]
        for own, onward in _from_those_who_ask(view, odd, Flow.DNS_QUERIES):
            found.append(self._dns(view, own, onward))
        for own in carriers:
            protocol = int(own[0, Flow.PROTOCOL])
            if protocol == Protocol.UDP:
                continue
            anomaly = self._tcp(view, own) if protocol == Protocol.TCP else self._pings(view, own)
            if anomaly is not None:
                found.append(anomaly)
        return self.strongest(found, _MOST_STATED)

    def _is_odd(self, own: Rows) -> bool:
        asked, rare, long = _questions(own)
        return max(rare, long) >= max(self.queries, self.SHARE * asked)

    def _dns(self, view: NetworkView, own: Rows, onward: dict[str, Any]) -> Anomaly:
        asked, rare, long = _questions(own)
        # A query may be both.
        odd = max(rare, long)
        return self._state(
            view,
            own,
            "DNS",
            odd,
            self.queries,
            asked,
            "queries",
            {
                "queries": asked,
                "rare": rare,
                "long": long,
                "mean_name": float(own[:, Flow.DNS_NAME_BYTES].sum()) / asked,
                **onward,
            },
            f"Not stated below {self.queries:,} such queries within a minute, or below a third of all.",
        )

    def _tcp(self, view: NetworkView, own: Rows) -> Anomaly | None:
        opened = max(1, int(own[:, Flow.OPENED].sum()))
        each = min(int(own[:, c].sum()) // opened for c in (Flow.SEGMENTS_OUT, Flow.SEGMENTS_IN))
        if each < self.messages:
            return None
        return self._state(
            view,
            own,
            "TCP to port 53",
            each,
            self.messages,
            int(own[:, [Flow.SEGMENTS_OUT, Flow.SEGMENTS_IN]].sum()),
            "messages",
            {},
            f"Not stated below {self.messages:,} messages each way in a connection.",
        )

    def _pings(self, view: NetworkView, own: Rows) -> Anomaly | None:
        sums = own.sum(axis=0)
        changes, pings = int(sums[Flow.ECHO_SIZES]), int(sums[Flow.PACKETS_OUT] + sums[Flow.PACKETS_IN])
        size = int(sums[Flow.PAYLOAD_OUT] + sums[Flow.PAYLOAD_IN])
        if changes < self.pings or changes < self.CHANGES * pings or size < self.PING_BYTES * pings:
            return None
        return self._state(
            view,
            own,
            "ICMP",
            changes,
            self.pings,
            pings,
            "changes",
            {"pings": pings, "bytes": size},
            f"Not stated below {self.pings:,} changes of size within a minute, or below a fifth of the pings.",
        )

    def _heavy(self, view: NetworkView) -> list[Anomaly]:
        """Logs of flows tell no names and no single sizes: questions and pings that are many and large."""
        found = [
            self._state(
                view,
                own,
                "heavy DNS",
                asked,
                self.HEAVY_QUERIES,
                asked,
                "queries",
                {"queries": asked, "bytes": float(own[:, Flow.BYTES_OUT].sum()), **onward},
                f"Not stated below {self.HEAVY_QUERIES:,} queries within a minute, or below {self.HEAVY_BYTES} bytes "
                "on average.",
            )
            for own, onward in _from_those_who_ask(
                view, list(view.groups(_HEAVY_DNS, Flow.PACKETS_OUT, self.HEAVY_QUERIES)), Flow.PACKETS_OUT
            )
            if (asked := int(own[:, Flow.PACKETS_OUT].sum()))
        ]
        if view.total(Total.ICMP_SENT) < self.HEAVY_PINGS * view.seconds / 60:
            return found
        for own in view.groups(self._echoes, Flow.PACKETS_OUT, self.HEAVY_PINGS):
            sums = own.sum(axis=0)
            sent, got = int(sums[Flow.PACKETS_OUT]), int(sums[Flow.PACKETS_IN])
            size = int(sums[Flow.BYTES_OUT] + sums[Flow.BYTES_IN])
            if got < self.HEAVY_PINGS or size < self.HEAVY_BYTES * (sent + got):
                continue
            found.append(
                self._state(
                    view,
                    own,
                    "heavy pings",
                    sent,
                    self.HEAVY_PINGS,
                    sent + got,
                    "pings",
                    {"pings": sent + got, "bytes": size},
                    f"Not stated below {self.HEAVY_PINGS:,} pings each way within a minute, or below "
                    f"{self.HEAVY_BYTES} bytes on average.",
                )
            )
        return self.strongest(found, _MOST_STATED)

    def _state(
        self,
        view: NetworkView,
        own: Rows,
        what: str,
        count: int,
        least: int,
        samples: int,
        unit: str,
        details: dict[str, Any],
        instead: str,
    ) -> Anomaly:
        return state(
            view,
            type=AnomalyType.TUNNEL,
            detector=self.name,
            about=client_of(own[0]),
            who=EntityKind.CLIENT,
            severity=Severity.HIGH if count >= 5 * least else Severity.MEDIUM,
            score=excess_score(count, least),
            observed=float(count),
            threshold=float(least),
            sample_count=samples,
            unit=unit,
            formula=Formula("count", {"count": float(count)}, float(count)),
            start=int(own[:, Flow.START].min()),
            evidence_total=count,
            details={"what": what, "server": server_of(own[0]), "seconds": view.recent_seconds, **details},
            counterfactual=instead,
        )


def _questions(own: Rows) -> tuple[int, int, int]:
    """Questions of DNS, those for types that hold anything, and those for long names."""
    asked, rare, long = (
        own[:, [Flow.DNS_QUERIES, Flow.DNS_RARE_TYPES, Flow.DNS_LONG_NAMES]].sum(axis=0).tolist()
    )
    return asked, rare, long


def _from_those_who_ask(
    view: NetworkView, talks: Sequence[Rows], count: Flow
) -> Iterator[tuple[Rows, dict[str, Any]]]:
    """Talks that may be tunnels, without those of resolvers that pass on what they were asked, and where that goes.

    Args:
        view: Where the resolvers become accused. talks: Of a client and a server each. count: The column of questions.
    """
    ends = [(client_of(own[0]), server_of(own[0]), int(own[:, count].sum())) for own in talks]
    by_server: Counter[str] = Counter()
    by_pair: Counter[tuple[str, str]] = Counter()
    for client, server, asked in ends:
        by_server[server] += asked
        by_pair[client, server] += asked
    passed = [2 * (by_server[client] - by_pair[server, client]) >= asked for client, server, asked in ends]
    if all(passed):
        passed = [False] * len(talks)
    onward: dict[str, list[str]] = {}
    for own, on in zip(talks, passed, strict=True):
        if on:
            onward.setdefault(client_of(own[0]), []).append(server_of(own[0]))
    for own, on in zip(talks, passed, strict=True):
        if not on:
            further = onward.get(server_of(own[0]))
            if further is not None:
                # What it does otherwise now is its clients' doing.
                view.accused.add(server_of(own[0]))
            yield own, {} if further is None else {"onward": further}


def _carriers(rows: Rows) -> NDArray[np.bool_]:
    """Contacts that could carry something."""
    protocol, port = rows[:, Flow.PROTOCOL], rows[:, Flow.SERVER_PORT]
    dns = (protocol == Protocol.UDP) & (rows[:, Flow.DNS_QUERIES] > 0)
    tcp = (protocol == Protocol.TCP) & (port == _DNS)
    pings = (protocol == Protocol.ICMP) | (protocol == Protocol.ICMPV6)
    pings &= rows[:, Flow.ECHO_SIZES] > 0
    wanted: NDArray[np.bool_] = dns | tcp | pings
    return wanted


def _heavy_dns(rows: Rows) -> NDArray[np.bool_]:
    """Questions that are large on average."""
    wanted: NDArray[np.bool_] = (rows[:, Flow.PROTOCOL] == Protocol.UDP) & (rows[:, Flow.SERVER_PORT] == _DNS)
    wanted &= rows[:, Flow.BYTES_OUT] >= HEAVY_BYTES * rows[:, Flow.PACKETS_OUT]
    return wanted & (rows[:, Flow.PACKETS_OUT] > 0)


_HEAVY_DNS: Final = Interest(_heavy_dns, (*CLIENT, *SERVER))


def _echoes(own: Own, rows: Rows) -> NDArray[np.bool_]:
    """Pings between one's own hosts and others."""
    protocol = rows[:, Flow.PROTOCOL]
    wanted: NDArray[np.bool_] = (protocol == Protocol.ICMP) | (protocol == Protocol.ICMPV6)
    client = own.internal(rows[:, Flow.CLIENT_HIGH], rows[:, Flow.CLIENT_LOW])
    wanted &= client != own.internal(rows[:, Flow.SERVER_HIGH], rows[:, Flow.SERVER_LOW])
    return wanted


_CARRIERS: Final = Interest(_carriers, (*CLIENT, *SERVER, Flow.PROTOCOL))

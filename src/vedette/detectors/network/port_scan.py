"""Looking for open ports and hosts."""

from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.few_stated import FewStated
from vedette.detectors.network.addresses import is_many
from vedette.detectors.network.first_contacts import FirstContacts
from vedette.detectors.network.grouping import Rows, busy, distinct
from vedette.detectors.network.minute import Weight
from vedette.detectors.network.recent_windows import Interest
from vedette.detectors.network.scan_shape import scan_shape
from vedette.detectors.network.view import CLIENT, SERVER, NetworkView, client_of, server_of, state
from vedette.detectors.statement import excess_score
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Formula, Severity
from vedette.schema.flows import Flow, Known, Protocol

_MOST_STATED: Final = 50
"""Sources stated in one window; a spoofed flood has more, and is stated as such."""


class PortScan(FewStated):
    """A source that tries ports or hosts to see which answer.

    Signal: SYNs and destination ports of a source in the last minute; first contacts that fail and succeed, for as
        long as the source goes on (a port that an internal source ever tried is none: a host that lost its line
        tries again whom it knows, and a monitor what is off); TCP packets that no connection sends (FIN alone, no
        flag, FIN with PSH and URG); UDP to ports that say nothing.
    Baseline: none: a scan is told by its shape.
    Decision: more than `syns` SYNs to more than `ports` ports within a minute; or the likelihood ratio of first
        contacts, under "most fail" (0.8) against "most succeed" (0.2), passes `odds`, and where it goes on for an hour
        and as many were answered as it takes failures, that against "half fail", as of who asks peers all day, the
        paper's 99; or at least `probes` odd packets; or more than `ports` UDP ports of one host that do not answer. A
        walk that was told is over when none has failed for a quarter of an hour, or twice as many more were answered
        as it takes failures: what its host does otherwise is no scan. Of one host it is vertical, of many hosts at up
        to three ports horizontal, else a strobe. By the odds a source elsewhere is of low severity: every public
        address is looked at by strangers all day, and what they get from it is told by others. In the first ten
        minutes nobody knows what hosts within ask for again and again: what the odds say of them then waits until they
        are over, or the input ends, and is stated unless half of what failed was asked for again.
    Explanation: what was tried, how much of it failed.
    Known false alarms: monitoring that begins to poll what is down; peer-to-peer clients that try
        peers of yesterday, which is why a failing first contact counts once, and `odds` are far above the paper's 99.
    References: Jung, Paxson, Berger, Balakrishnan, "Fast Portscan Detection Using Sequential Hypothesis Testing",
        IEEE S&P 2004; formulas `count`, `sequential_odds`.
    """

    name: ClassVar[str] = "network.port_scan"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.PORT_SCAN,)

    def __init__(self, *, syns: int = 100, ports: int = 20, odds: float = 1e6, probes: int = 2) -> None:
        self.syns = syns
        self.ports = ports
        self.odds = odds
        self.probes = probes
        self.left_out = 0
        self._first = FirstContacts(self.name, odds)

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return self._first.to_state()

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        self._first.from_state(content)

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State scans that went on in the window."""
        found: dict[str, Anomaly] = {}
        for anomaly in (*self._classic(view), *self._odd(view), *self._udp(view), *self._first.look(view)):
            # The most severe of a source: more of a scan must not look like less.
            known = found.setdefault(anomaly.entity.value, anomaly)
            if anomaly.severity.rank > known.severity.rank:
                found[anomaly.entity.value] = anomaly
        self.left_out = self._first.left_out
        return self.strongest(list(found.values()), _MOST_STATED)

    def _classic(self, view: NetworkView) -> list[Anomaly]:
        found = []
        if not view.window.known & Known.FLAGS:
            return []
        for rows in view.groups(_SYNS, Flow.SYN_OUT, self.syns + 1):
            syns = int(rows[:, Flow.SYN_OUT].sum())
            ports = distinct(rows, Flow.SERVER_PORT)
            if syns > self.syns and ports > self.ports:
                found.append(self._tell(view, rows, "SYN", "syns", syns, self.syns, ports))
        return found

    def _odd(self, view: NetworkView) -> list[Anomaly]:
        found = []
        for rows in view.groups(_PROBES, Flow.PROBES, self.probes):
            probes = int(rows[:, Flow.PROBES].sum())
            if probes >= self.probes:
                fin = int(rows[:, Flow.PROBES_FIN].sum())
                how = "FIN" if fin == probes else "FIN, NULL or Xmas" if fin else "NULL or Xmas"
                ports = distinct(rows, Flow.SERVER_PORT)
                found.append(self._tell(view, rows, how, "probes", probes, self.probes, ports))
        return found

    def _udp(self, view: NetworkView) -> list[Anomaly]:
        found = []
        for rows in view.groups(_DATAGRAMS, Flow.OPENED, self.ports + 1):
            silent = rows[(rows[:, Flow.PACKETS_IN] == 0) & (rows[:, Flow.PACKETS_OUT] > 0)]
            for own in busy(silent, self.ports + 1, *SERVER):
                ports = distinct(own, Flow.SERVER_PORT)
                host = (int(own[0, Flow.SERVER_HIGH]), int(own[0, Flow.SERVER_LOW]))
                if ports > self.ports and not is_many(*host):
                    found.append(self._tell(view, own, "UDP", "ports", ports, self.ports, ports))
        return found

    def _tell(
        self, view: NetworkView, rows: Rows, how: str, unit: str, count: int, threshold: int, ports: int
    ) -> Anomaly:
        hosts = distinct(rows, *SERVER)
        failed = int(rows[:, Flow.FAILED].sum())
        outside = not view.own.internal(rows[:1, Flow.CLIENT_HIGH], rows[:1, Flow.CLIENT_LOW])[0]
        return state(
            view,
            type=AnomalyType.PORT_SCAN,
            detector=self.name,
            about=client_of(rows[0]),
            who=EntityKind.CLIENT,
            severity=Severity.HIGH if how == "SYN" and count >= 5 * threshold else Severity.MEDIUM,
            score=excess_score(count, threshold),
            observed=float(count),
            threshold=float(threshold),
            sample_count=int(rows[:, Flow.OPENED].sum()),
            unit=unit,
            formula=Formula("count", {"count": float(count)}, float(count)),
            start=int(rows[:, Flow.START].min()),
            evidence_total=count,
            details={
                "what": how,
                "shape": scan_shape(hosts, ports),
                "hosts": hosts,
                "ports": ports,
                "ports_threshold": self.ports,
                "failed": failed,
                "seconds": view.recent_seconds,
                "target": server_of(rows[0]),
                "outside": bool(outside),
            },
            counterfactual=_instead(how, self.syns, self.ports, self.probes),
        )


def _clients_of(protocol: int, column: Flow, weight: Weight) -> Interest:
    """Contacts by client, of clients that did something of the kind."""

    def wanted(rows: Rows) -> NDArray[np.bool_]:
        kept: NDArray[np.bool_] = (rows[:, Flow.PROTOCOL] == protocol) & (rows[:, column] > 0)
        return kept

    return Interest(wanted, CLIENT, weight)


_SYNS: Final = _clients_of(Protocol.TCP, Flow.SYN_OUT, Weight.SYNS)
_PROBES: Final = _clients_of(Protocol.TCP, Flow.PROBES, Weight.PROBES)
_DATAGRAMS: Final = _clients_of(Protocol.UDP, Flow.OPENED, Weight.SILENT)


def _instead(how: str, syns: int, ports: int, probes: int) -> str:
    if how == "SYN":
        return f"Not stated at {syns:,} SYNs or {ports:,} ports within a minute, or fewer."
    if how == "UDP":
        return f"Not stated at {ports:,} silent ports of a host within a minute, or fewer."
    return f"Not stated below {probes:,} such packets within a minute."

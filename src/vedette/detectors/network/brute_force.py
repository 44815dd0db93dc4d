"""Guessing passwords of services that are logged into: SSH, FTP, RDP and the like."""

from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.memory import Memoryless
from vedette.detectors.network.grouping import Rows
from vedette.detectors.network.minute import Weight
from vedette.detectors.network.ports import LOGINS, Ports
from vedette.detectors.network.recent_windows import Interest
from vedette.detectors.network.view import CLIENT, SERVER, NetworkView, client_of, server_of, state
from vedette.detectors.statement import excess_score
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Formula, Severity
from vedette.schema.flows import Flow, Protocol


class NetworkBruteForce(Memoryless):
    """One client opens many short, similar connections to a service that is logged into.

    Signal: answered connections of one client to one such port of one host in the last minute, and their bytes.
    Baseline: none: people log in once.
    Decision: at least `connections`, of at most `size` bytes each on average, with something said both ways.
    Explanation: how many, how large each.
    Known false alarms: deployment tools that open a session for each file; monitoring of a login port.
    References: Hofstede et al., "SSH Compromise Detection using NetFlow/IPFIX", SIGCOMM CCR 2014; formula `count`.
    """

    name: ClassVar[str] = "network.brute_force"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.BRUTE_FORCE,)

    def __init__(self, *, connections: int = 20, size: int = 20_000) -> None:
        self.connections = connections
        self.size = size
        self.left_out = 0

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State guessing that went on in the window."""
        found = []
        for own in view.groups(_LOGINS, Flow.SUCCEEDED, self.connections):
            count = int(own[:, Flow.SUCCEEDED].sum())
            each = float(own[:, [Flow.BYTES_OUT, Flow.BYTES_IN]].sum()) / count
            if each > self.size or not own[:, Flow.PAYLOAD_OUT].sum() or not own[:, Flow.PAYLOAD_IN].sum():
                continue
            port = int(own[0, Flow.SERVER_PORT])
            found.append(
                state(
                    view,
                    type=AnomalyType.BRUTE_FORCE,
                    detector=self.name,
                    about=client_of(own[0]),
                    who=EntityKind.CLIENT,
                    severity=Severity.HIGH if count >= 5 * self.connections else Severity.MEDIUM,
                    score=excess_score(count, self.connections),
                    observed=float(count),
                    threshold=float(self.connections),
                    sample_count=count,
                    unit="connections",
                    formula=Formula("count", {"count": float(count)}, float(count)),
                    start=int(own[:, Flow.START].min()),
                    evidence_total=count,
                    details={
                        "what": f"{server_of(own[0])} {port}",
                        "service": LOGINS[port],
                        "server": server_of(own[0]),
                        "bytes_each": each,
                        "seconds": view.recent_seconds,
                    },
                    counterfactual=(
                        f"Not stated below {self.connections:,} connections within a minute, or above "
                        f"{self.size:,} bytes each."
                    ),
                )
            )
        return found[:20]


_PORTS: Final = Ports(LOGINS)


def _logins(rows: Rows) -> NDArray[np.bool_]:
    wanted = (rows[:, Flow.PROTOCOL] == Protocol.TCP) & _PORTS.among(rows[:, Flow.SERVER_PORT])
    kept: NDArray[np.bool_] = wanted & (rows[:, Flow.SUCCEEDED] > 0)
    return kept


_LOGINS: Final = Interest(_logins, (*CLIENT, *SERVER, Flow.SERVER_PORT), Weight.LOGINS)

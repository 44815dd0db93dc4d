"""Hosts that go from one to the other within a network."""

from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.network.addresses import address
from vedette.detectors.network.held_back import HeldBack
from vedette.detectors.network.ports import ADMINISTERED, Ports
from vedette.detectors.network.recent import RecentKeys
from vedette.detectors.network.view import CLIENT, SERVER, NetworkView, state
from vedette.detectors.statement import excess_score
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Formula, Severity
from vedette.schema.flows import Flow, Protocol
from vedette.schema.spans import DAY_US, MINUTE_US

_MOST_PAIRS: Final = 131_072
"""Pairs of internal hosts of which one was answered by the other; that which was silent for the longest is dropped."""
_MOST: Final = 16_384
"""Internal hosts followed; likewise."""
_PAUSE_US: Final = 15 * MINUTE_US
"""After which who is new is counted anew, as an incident is over."""
_NEW, _SINCE, _LATEST, _TOLD, _PORTS_SEEN = range(5)
"""Numbers remembered of a host: others that it was answered by for the first time, since when and until when without a
pause (microseconds), how many they were when it was stated, and by which ports, a bit for each of `ADMINISTERED`."""
_PAIR: Final = [*CLIENT, *SERVER]


class Lateral(Remembering):
    """An internal host goes to many others of its network, by ports at which hosts are administered, and never did.

    Signal: internal hosts by which an internal host is answered for the first time at SSH, telnet, RPC, NetBIOS, SMB,
        RDP, VNC or WinRM, without a pause of a quarter of an hour.
    Baseline: whom it was answered by there before, from its first day on; nothing is stated before a network was
        watched for a day, as nobody knows who goes to whom each day.
    Decision: at least `hosts`; stated again when they are twice as many.
    Explanation: how many, in how long, at which ports.
    Known false alarms: a new machine of an administrator, or a new monitor, backup or scanner of one's own.
    References: MITRE ATT&CK TA0008; formula `count`.
    """

    name: ClassVar[str] = "network.lateral"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.NEW_DESTINATION,)

    def __init__(self, *, hosts: int = 10) -> None:
        self.hosts = hosts
        self.left_out = 0
        self._pairs = RecentKeys(4, _MOST_PAIRS)
        self._hosts = RecentKeys(2, _MOST, numbers=5)
        self._early = HeldBack(DAY_US)

    def memories(self) -> Sequence[Memory]:
        """See `Remembering`."""
        return self._pairs, self._hosts, self._early

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State the hosts that went to so many others, and learn who was answered by whom."""
        young = self._early.is_young(view)
        rows = view.window.contacts
        told = (rows[:, Flow.PROTOCOL] == Protocol.TCP) & (rows[:, Flow.SUCCEEDED] > 0)
        told &= _PORTS.among(rows[:, Flow.SERVER_PORT])
        at = np.flatnonzero(told)
        for ends in (CLIENT, SERVER):
            at = at[view.own.internal(rows[at, ends[0]], rows[at, ends[1]])]
        found: list[Anomaly] = []
        for claimed in self._pairs.claim(rows[at][:, _PAIR]):
            new = rows[at[claimed.rows][claimed.fresh]]
            if len(new):
                found += self._went(view, new, states=not young)
        self.left_out = self._hosts.forgotten + self._pairs.forgotten
        return found

    def _went(self, view: NetworkView, new: NDArray[np.int64], *, states: bool) -> list[Anomaly]:
        found = []
        hosts, of, count = np.unique(new[:, CLIENT], axis=0, return_inverse=True, return_counts=True)
        for claimed in self._hosts.claim(hosts):
            for number, place in enumerate(claimed.place.tolist(), start=claimed.rows.start):
                host = self._hosts.numbers[place]
                if view.start - host[_LATEST] > _PAUSE_US:
                    host[:] = 0, view.start, 0, 0, 0
                host[_LATEST] = view.start
                host[_NEW] += count[number]
                for port in new[of.ravel() == number, Flow.SERVER_PORT].tolist():
                    host[_PORTS_SEEN] |= 1 << _PLACES[port]
                if states and host[_NEW] >= max(self.hosts, 2 * host[_TOLD]):
                    host[_TOLD] = host[_NEW]
                    found.append(self._tell(view, hosts[number], host))
        return found

    def _tell(self, view: NetworkView, key: NDArray[np.int64], host: NDArray[np.int64]) -> Anomaly:
        count = int(host[_NEW])
        services = [
            name for port, name in ADMINISTERED.items() if int(host[_PORTS_SEEN]) >> _PLACES[port] & 1
        ]
        return state(
            view,
            type=AnomalyType.NEW_DESTINATION,
            detector=self.name,
            about=address(int(key[0]), int(key[1])),
            who=EntityKind.CLIENT,
            severity=Severity.HIGH if count >= 5 * self.hosts else Severity.MEDIUM,
            score=excess_score(count, self.hosts),
            observed=float(count),
            threshold=float(self.hosts),
            sample_count=count,
            unit="hosts",
            formula=Formula("count", {"count": float(count)}, float(count)),
            start=int(host[_SINCE]),
            details={
                "what": "hosts within",
                "services": services,
                "seconds": (view.end - int(host[_SINCE])) / 1e6,
            },
            counterfactual=f"Not stated below {self.hosts:,} hosts without a pause of a quarter of an hour.",
        )


_PORTS: Final = Ports(ADMINISTERED)
_PLACES: Final = {port: place for place, port in enumerate(ADMINISTERED)}

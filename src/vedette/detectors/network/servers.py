"""Services of one's own that stop answering."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.few_stated import FewStated
from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.network.addresses import PRIVATE, Own
from vedette.detectors.network.grouping import Rows, distinct, heaviest
from vedette.detectors.network.minute import Total
from vedette.detectors.network.recent import RecentKeys
from vedette.detectors.network.recent_windows import Interest
from vedette.detectors.network.view import CLIENT, SERVER, NetworkView, client_of, server_of, state
from vedette.detectors.statement import excess_score
from vedette.schema.anomaly import Anomaly, AnomalyType, Contribution, EntityKind, Formula, Severity
from vedette.schema.flows import Flow, Known, Protocol
from vedette.schema.spans import DAY_US, HOUR_US

_MOST_STATED: Final = 20
"""Services stated in one window."""
_MOST: Final = 16_384
"""Services of which it is remembered that they answered; the one that was silent for the longest is dropped."""
_FIRST, _LAST = range(2)
"""When a service answered first and last, microseconds."""
_SERVICE: Final = [*SERVER, Flow.SERVER_PORT]


class SilentServers(FewStated, Remembering):
    """A service of one's own that answered until now answers hardly anybody any more.

    Signal: TCP connections to a port of an internal host in the last minute: those that were refused or not answered,
        of how many clients, and those that were answered.
    Baseline: that it answered for an hour at least, and within the last day.
    Decision: at least `connections` that failed, of at least `clients` clients, and of all at least the share
        `failed`. Not where a flood of it was stated: that is why.
    Explanation: the share, how many clients ask in vain, since when it has not answered.
    Known false alarms: a service that was switched off, for a day; hosts that go to sleep while many ask for them.
    References: formula `share`.
    """

    name: ClassVar[str] = "network.servers"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.ERROR_SPIKE,)

    def __init__(
        self, *, connections: int = 20, clients: int = 3, failed: float = 0.8, own: Own = PRIVATE
    ) -> None:
        self.connections = connections
        self.clients = clients
        self.failed = failed
        self.left_out = 0
        self._asked = Interest(partial(_asked, own), (*SERVER, Flow.SERVER_PORT))
        self._known = RecentKeys(len(_SERVICE), _MOST, numbers=2)

    def memories(self) -> Sequence[Memory]:
        """See `Remembering`."""
        return (self._known,)

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State the services that do not answer in the window, and learn which do."""
        if not view.window.known & Known.OUTCOME:
            return []
        found = self._silent(view) if view.total(Total.REFUSED) else []
        self._learn(view)
        self.left_out = self._known.forgotten
        return self.strongest(found, _MOST_STATED)

    def _silent(self, view: NetworkView) -> list[Anomaly]:
        found = []
        for rows in view.groups(self._asked, Flow.FAILED, self.connections):
            failed, answered = int(rows[:, Flow.FAILED].sum()), int(rows[:, Flow.SUCCEEDED].sum())
            share = failed / (failed + answered)
            if share < self.failed or server_of(rows[0]) in view.claimed:
                continue
            in_vain = rows[rows[:, Flow.FAILED] > 0]
            clients = distinct(in_vain, *CLIENT)
            if clients < self.clients or not (last := self._answered(view, rows[0])):
                continue
            found.append(self._tell(view, in_vain, failed, answered, clients, last))
        return found

    def _answered(self, view: NetworkView, row: Rows) -> int:
        """When a service answered last, microseconds; 0 if not long enough, or long ago."""
        if not self._known.has(row[None, _SERVICE])[0]:
            return 0
        (claimed,) = self._known.claim(row[None, _SERVICE])
        first, last = self._known.numbers[claimed.place[0]].tolist()
        return last if last - first >= HOUR_US and view.start - last <= DAY_US else 0

    def _learn(self, view: NetworkView) -> None:
        rows = view.window.contacts
        told = np.flatnonzero((rows[:, Flow.PROTOCOL] == Protocol.TCP) & (rows[:, Flow.SUCCEEDED] > 0))
        told = told[view.own.internal(rows[told, Flow.SERVER_HIGH], rows[told, Flow.SERVER_LOW])]
        for claimed in self._known.claim(rows[told][:, _SERVICE]):
            numbers = self._known.numbers
            fresh = claimed.place[claimed.fresh]
            numbers[fresh, _FIRST] = view.start
            numbers[claimed.place, _LAST] = view.start

    def _tell(
        self, view: NetworkView, rows: Rows, failed: int, answered: int, clients: int, last: int
    ) -> Anomaly:
        share = failed / (failed + answered)
        port = int(rows[0, Flow.SERVER_PORT])
        return state(
            view,
            type=AnomalyType.ERROR_SPIKE,
            detector=self.name,
            about=server_of(rows[0]),
            who=EntityKind.HOST,
            severity=Severity.HIGH,
            score=excess_score(failed, self.connections),
            observed=share,
            threshold=self.failed,
            sample_count=failed + answered,
            unit="ratio",
            formula=Formula("share", {"part": float(failed), "whole": float(failed + answered)}, share),
            start=int(rows[:, Flow.START].min()),
            evidence_total=failed,
            contributions=tuple(
                Contribution("client", client_of(row), float(row[Flow.FAILED]) / failed)
                for row in heaviest(rows, Flow.FAILED, 3)
            ),
            details={
                "what": f"port {port}",
                "port": port,
                "failed": failed,
                "clients": clients,
                "seconds": view.recent_seconds,
                "silent": (view.end - last) / 1e6,
            },
            counterfactual=(
                f"Not stated below {self.connections:,} failed connections of {self.clients:,} clients within a "
                f"minute, or where more than {1 - self.failed:.0%} are answered."
            ),
        )


def _asked(own: Own, rows: Rows) -> NDArray[np.bool_]:
    """Contacts over TCP with internal hosts that were answered, or not."""
    wanted: NDArray[np.bool_] = rows[:, Flow.PROTOCOL] == Protocol.TCP
    wanted &= (rows[:, Flow.FAILED] > 0) | (rows[:, Flow.SUCCEEDED] > 0)
    at = np.flatnonzero(wanted)
    wanted[at] = own.internal(rows[at, Flow.SERVER_HIGH], rows[at, Flow.SERVER_LOW])
    return wanted

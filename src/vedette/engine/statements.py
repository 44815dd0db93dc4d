"""What was stated so far: anomalies, the incidents that they make up, and what of it has been handed out."""

from collections.abc import Sequence

import msgspec

from vedette.engine.spending import spending
from vedette.explain.words import counterfactual, describe
from vedette.incidents.grouping import Grouper, GroupingSettings
from vedette.incidents.occurrences import Occurrences
from vedette.schema.anomaly import Anomaly
from vedette.schema.findings import Coverage, Spending
from vedette.schema.incident import Incident
from vedette.schema.live import Notice
from vedette.schema.state import check, decode, encode


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What `Statements` hold."""

    grouper: bytes
    occurrences: bytes
    anomalies: list[Anomaly]
    incidents: list[Incident]
    notices: list[Notice]
    """Of older versions; none are kept here any more."""
    alarms: list[tuple[str, int]]
    spent: list[tuple[str, int]]
    closed_spent: int
    left_out: int


class Statements:
    """Completes anomalies, groups them, and holds what nobody has taken yet.

    Args:
        most: Anomalies that wait to be taken, at most; further ones are counted in `left_out`.
        grouping: How anomalies become incidents.

    Attributes:
        alarms: By detector, anomalies that rest on a threshold of the budget, or of a z-score.
    """

    def __init__(self, most: int, grouping: GroupingSettings | None = None) -> None:
        self.grouper = Grouper(grouping)
        self.occurrences = Occurrences()
        self.alarms: dict[str, int] = {}
        self.left_out = 0
        self._most = most
        self._anomalies: list[Anomaly] = []
        self._incidents: list[Incident] = []
        # Of incidents that closed: those that spent of the budget, by service and in all.
        self._spent: dict[str, int] = {}
        self._closed_spent = 0

    def state(self, anomaly: Anomaly) -> None:
        """Take an anomaly in; they come in order of their windows."""
        anomaly = msgspec.structs.replace(
            anomaly,
            description=describe(anomaly),
            counterfactual=counterfactual(anomaly),
            earlier=self.occurrences.earlier(anomaly),
        )
        incident = self.grouper.add(anomaly)
        anomaly = msgspec.structs.replace(anomaly, incident_id=incident)
        if "surprise" in anomaly.details:
            self.alarms[anomaly.detector] = self.alarms.get(anomaly.detector, 0) + 1
        if len(self._anomalies) < self._most:
            self._anomalies.append(anomaly)
        else:
            self.left_out += 1

    def close(self, end: int) -> None:
        """End a window: close the incidents that have been quiet for long."""
        for draft in self.grouper.close(end):
            self._incidents.append(draft.finish(closed=True))
            if draft.budgeted:
                self._closed_spent += 1
                for service in draft.services:
                    self._spent[service] = self._spent.get(service, 0) + 1

    def take(self) -> list[Anomaly]:
        """Hand out new anomalies, in the order in which they were stated; who takes them groups them.

        What is kept is bounded: incidents that may still go on, and what later anomalies are compared with.
        """
        anomalies, self._anomalies, self._incidents = self._anomalies, [], []
        return anomalies

    def all(self) -> tuple[list[Anomaly], list[Incident]]:
        """Everything that was not taken, in the order of a report: anomalies by time, incidents the worst first."""
        incidents = self._incidents + [draft.finish(closed=False) for draft in self.grouper.drafts]
        return (
            sorted(self._anomalies, key=lambda a: (a.start, a.id)),
            sorted(incidents, key=lambda i: (-i.severity.rank, i.start, i.id)),
        )

    @property
    def waiting(self) -> int:
        """Anomalies that nobody has taken yet."""
        return len(self._anomalies)

    @property
    def spent(self) -> int:
        """Incidents so far that rest on a threshold of the budget, or of a z-score."""
        return self._closed_spent + sum(draft.budgeted for draft in self.grouper.drafts)

    def spending(self, per_week: float | None, services: Sequence[str], coverage: Coverage) -> list[Spending]:
        """An account of each service's budget; see `vedette.engine.spending`."""
        spent = dict(self._spent)
        for draft in self.grouper.drafts:
            for service in sorted(draft.services) if draft.budgeted else ():
                spent[service] = spent.get(service, 0) + 1
        return spending(per_week, services, spent, coverage)

    def to_state(self) -> bytes:
        """Everything that was not taken, and what may still go on, as bytes."""
        return encode(
            _State(
                self.grouper.to_state(),
                self.occurrences.to_state(),
                self._anomalies,
                self._incidents,
                [],
                sorted(self.alarms.items()),
                sorted(self._spent.items()),
                self._closed_spent,
                self.left_out,
            )
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        state = decode(content, _State, "statements")
        check(len(state.anomalies) <= self._most, "statements")
        self.grouper.from_state(state.grouper)
        self.occurrences.from_state(state.occurrences)
        self._anomalies, self._incidents = state.anomalies, state.incidents
        self.alarms, self._spent = dict(state.alarms), dict(state.spent)
        self._closed_spent, self.left_out = state.closed_spent, state.left_out

"""When the like of an anomaly was stated before."""

from dataclasses import dataclass

from vedette.incidents.grouping import GroupingSettings
from vedette.schema.anomaly import Anomaly, AnomalyType, Earlier

MOST_KINDS = 10_000
"""Kinds of anomaly remembered: routes are many. Of later kinds nothing is remembered, and that is counted."""

_Kind = tuple[AnomalyType, str, str | None]


@dataclass(slots=True)
class _Occurrence:
    """A run of anomalies of one kind, none long after the one before, and what the run before it was."""

    begin: Anomaly
    end: int
    observed: float
    before: Earlier | None


class Occurrences:
    """Remembers the last occurrence of each kind of anomaly: its type, service and route.

    Anomalies that follow each other within an incident's gap are one occurrence, whoever causes them. They have to
    come in order of their windows.
    """

    def __init__(self, gap: int | None = None) -> None:
        self._gap = GroupingSettings().gap if gap is None else gap
        self._last: dict[_Kind, _Occurrence] = {}
        self.left_out = 0
        """Anomalies whose kind was one too many."""

    def earlier(self, anomaly: Anomaly) -> Earlier | None:
        """The nearest occurrence before the one that an anomaly belongs to; None if there was none."""
        kind = (anomaly.type, anomaly.service, anomaly.route)
        last = self._last.get(kind)
        if last is not None and anomaly.start <= last.end + self._gap:
            last.end = max(last.end, anomaly.end)
            last.observed = max(last.observed, anomaly.observed)
            return last.before
        if last is None and len(self._last) >= MOST_KINDS:
            self.left_out += 1
            return None
        before = None if last is None else Earlier(last.begin.id, last.begin.start, last.end, last.observed)
        self._last[kind] = _Occurrence(anomaly, anomaly.end, anomaly.observed, before)
        return before

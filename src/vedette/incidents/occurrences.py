"""When the like of an anomaly was stated before."""

import msgspec

from vedette.incidents.grouping import GroupingSettings
from vedette.schema.anomaly import Anomaly, AnomalyType, Earlier
from vedette.schema.state import check, decode, encode

MOST_KINDS = 10_000
"""Kinds of anomaly remembered: routes are many. For a further one, that which was stated longest ago is forgotten."""

_Kind = tuple[AnomalyType, str, str | None]


_Observed = dict[str, float]
"""The most that was observed, of a drop the least, by unit: one type is stated in several."""


class _Over(msgspec.Struct, frozen=True):
    """A run that is over; `anomaly_id` is its first. Older versions kept one number, of whichever unit."""

    anomaly_id: str
    start: int
    end: int
    observed: _Observed | float

    def earlier(self, unit: str) -> Earlier:
        """As an anomaly of a unit tells it."""
        observed = self.observed.get(unit) if isinstance(self.observed, dict) else None
        return Earlier(self.anomaly_id, self.start, self.end, observed)


class _Occurrence(msgspec.Struct, array_like=True):
    """A run of anomalies of one kind, none long after the one before, and what the run before it was."""

    kind: _Kind
    begin: str
    """Id of the first."""
    start: int
    end: int
    observed: _Observed | float
    before: _Over | None

    def add(self, anomaly: Anomaly) -> None:
        """Take a further one in."""
        self.end = max(self.end, anomaly.end)
        known = self.observed if isinstance(self.observed, dict) else {}
        further = min if anomaly.type is AnomalyType.TRAFFIC_DROP else max
        most = known.get(anomaly.unit, anomaly.observed)
        self.observed = {**known, anomaly.unit: further(most, anomaly.observed)}

    def over(self) -> _Over:
        """As a run that is over."""
        return _Over(self.begin, self.start, self.end, self.observed)


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What `Occurrences` remember, that whose last began longest ago first."""

    last: list[_Occurrence]
    left_out: int


class Occurrences:
    """Remembers the last occurrence of each kind of anomaly: its type, service and route.

    Anomalies that follow each other within an incident's gap are one occurrence, whoever causes them. They have to
    come in order of their windows.
    """

    def __init__(self, gap: int | None = None) -> None:
        self._gap = GroupingSettings().gap if gap is None else gap
        self._last: dict[_Kind, _Occurrence] = {}
        self.left_out = 0
        """Kinds that were forgotten."""

    def earlier(self, anomaly: Anomaly) -> Earlier | None:
        """The nearest occurrence before the one that an anomaly belongs to; None if there was none."""
        kind = (anomaly.type, anomaly.service, anomaly.route)
        last = self._last.get(kind)
        if last is not None and anomaly.start <= last.end + self._gap:
            last.add(anomaly)
            return None if last.before is None else last.before.earlier(anomaly.unit)
        if last is None and len(self._last) >= MOST_KINDS:
            self.left_out += 1
            del self._last[next(iter(self._last))]
        before = None if last is None else last.over()
        # At the end: the first is the one that was stated longest ago.
        self._last.pop(kind, None)
        observed = {anomaly.unit: anomaly.observed}
        self._last[kind] = _Occurrence(kind, anomaly.id, anomaly.start, anomaly.end, observed, before)
        return None if before is None else before.earlier(anomaly.unit)

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode(_State(list(self._last.values()), self.left_out))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        state = decode(content, _State, "occurrences")
        check(len(state.last) <= MOST_KINDS, "occurrences")
        self._last, self.left_out = {one.kind: one for one in state.last}, state.left_out

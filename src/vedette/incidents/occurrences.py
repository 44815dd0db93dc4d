"""When the like of an anomaly was stated before."""

import msgspec

from vedette.incidents.grouping import GroupingSettings
from vedette.schema.anomaly import Anomaly, AnomalyType, Earlier
from vedette.schema.state import check, decode, encode

MOST_KINDS = 10_000
"""Kinds of anomaly remembered: routes are many. For a further one, that which was stated longest ago is forgotten."""

_Kind = tuple[AnomalyType, str, str | None]


class _Occurrence(msgspec.Struct, array_like=True):
    """A run of anomalies of one kind, none long after the one before, and what the run before it was."""

    kind: _Kind
    begin: str
    """Id of the first."""
    start: int
    end: int
    observed: float
    before: Earlier | None


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
            last.end = max(last.end, anomaly.end)
            last.observed = max(last.observed, anomaly.observed)
            return last.before
        if last is None and len(self._last) >= MOST_KINDS:
            self.left_out += 1
            del self._last[next(iter(self._last))]
        before = None if last is None else Earlier(last.begin, last.start, last.end, last.observed)
        # At the end: the first is the one that was stated longest ago.
        self._last.pop(kind, None)
        self._last[kind] = _Occurrence(kind, anomaly.id, anomaly.start, anomaly.end, anomaly.observed, before)
        return before

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

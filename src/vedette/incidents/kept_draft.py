"""A draft as a part of a state."""

import msgspec

from vedette.incidents.draft import Draft
from vedette.incidents.kinds import TOLD_APART, Kind
from vedette.schema.anomaly import Anomaly, AnomalyType, Entity
from vedette.schema.state import check


class KeptDraft(msgspec.Struct, frozen=True, array_like=True):
    """A `Draft` as a part of a state; what has no order is sorted."""

    kind: Kind
    first: Anomaly
    end: int
    services: list[str]
    clients: list[str]
    carriers: list[str]
    entities: list[tuple[Entity, int]]
    anomalies: list[str]
    worst: list[Anomaly]
    counts: list[tuple[AnomalyType, float]]
    requests: int
    unnamed: int
    crowded: bool
    budgeted: bool
    changed: bool
    told: int
    start: int | None = None
    apart: int = TOLD_APART
    breadth: int | None = None
    probes: list[tuple[str, float]] = msgspec.field(default_factory=list)
    """Older versions did not count them."""

    @classmethod
    def of(cls, draft: Draft) -> "KeptDraft":
        """What is kept of a draft."""
        return cls(
            draft.kind,
            draft.first,
            draft.end,
            sorted(draft.services),
            sorted(draft.clients),
            sorted(draft.carriers),
            list(draft.entities.items()),
            draft.anomalies,
            list(draft.worst.values()),
            list(draft.counts.items()),
            draft.requests,
            draft.unnamed,
            draft.crowded,
            draft.budgeted,
            draft.changed,
            draft.told,
            draft.start,
            draft.apart,
            draft.breadth,
            list(draft.probes.items()),
        )

    def draft(self) -> Draft:
        """It again.

        Raises:
            StateError: It could not have been one.
        """
        check(
            bool(self.worst) and {a.type for a in self.worst} == {kind for kind, _ in self.counts},
            "incidents",
        )
        check(self.apart >= 0, "incidents")
        return Draft(
            self.kind,
            self.first,
            self.first.start if self.start is None else self.start,
            self.end,
            set(self.services),
            set(self.clients),
            set(self.carriers),
            dict(self.entities),
            self.anomalies,
            {anomaly.type: anomaly for anomaly in self.worst},
            dict(self.counts),
            self.requests,
            self.unnamed,
            self.crowded,
            self.budgeted,
            self.changed,
            self.told,
            self.apart,
            len(self.services) + len(self.worst) if self.breadth is None else self.breadth,
            dict(self.probes),
        )

"""What a store offers, whatever keeps it."""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

import msgspec

from vedette.schema.anomaly import Anomaly, AnomalyType, Entity, Severity
from vedette.schema.findings import Findings
from vedette.schema.incident import Incident, IncidentState
from vedette.schema.records import BaselineRecord, RunRecord, WindowRecord

T = TypeVar("T")

PAGE_LIMIT = 1000
"""Most items that one page holds."""
COUNT_LIMIT = 10_000
"""How far matching items are counted, unless told otherwise: counting on would cost more than the number is worth."""


class TimeSpan(msgspec.Struct, frozen=True, kw_only=True):
    """What overlaps [since, until): microseconds since the epoch, UTC; None is open."""

    since: int | None = None
    until: int | None = None


class AnomalyFilter(TimeSpan, frozen=True, kw_only=True):
    """Which anomalies; all conditions hold together."""

    types: Sequence[AnomalyType] = ()
    min_severity: Severity = Severity.LOW
    severities: Sequence[Severity] = ()
    service: str | None = None
    route: str | None = None
    entity: Entity | None = None
    incident_id: str | None = None
    resolved: bool | None = None
    """Whether a person said something of it: see `Resolution`."""


class IncidentFilter(TimeSpan, frozen=True, kw_only=True):
    """Which incidents; all conditions hold together."""

    min_severity: Severity = Severity.LOW
    service: str | None = None
    state: IncidentState | None = None


class WindowFilter(TimeSpan, frozen=True, kw_only=True):
    """Which windows: of one service, of the service itself (`route` None) or one of its routes."""

    service: str
    route: str | None = None


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some items, and where the next ones begin.

    Attributes:
        items: At most as many as asked for.
        cursor: For the next page, None when there is none.
    """

    items: list[T]
    cursor: str | None


class Store(Protocol):
    """Keeps findings, windows, baselines and runs. Saving the same thing again changes nothing.

    Every method raises `StoreError`. Pages of anomalies, incidents and runs come newest first, of windows and
    baselines in order of their keys; what is saved while one pages through is neither repeated nor skipped
    among what was there before.
    """

    def save(self, findings: Findings, run: RunRecord | None = None) -> None:
        """Keep anomalies and incidents, all or none; those with an id that is known replace it."""
        ...

    def save_windows(self, rows: Iterable[WindowRecord]) -> int:
        """Keep windows; one of the same service, route, start and span is replaced. Returns how many.

        Rows are taken from the iterable as they are written, so that any number fits in memory; an error
        leaves the batches before it written.
        """
        ...

    def save_baselines(self, rows: Iterable[BaselineRecord]) -> int:
        """Keep baselines; one of the same service, route, metric and season is replaced. Returns how many."""
        ...

    def anomaly(self, anomaly_id: str) -> Anomaly | None:
        """One anomaly."""
        ...

    def incident(self, incident_id: str) -> Incident | None:
        """One incident."""
        ...

    def anomalies(
        self, chosen: AnomalyFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Anomaly]:
        """Anomalies by start time, the newest first."""
        ...

    def incidents(
        self, chosen: IncidentFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Incident]:
        """Incidents by start time, the newest first."""
        ...

    def windows(
        self, chosen: WindowFilter, *, limit: int = 100, cursor: str | None = None
    ) -> Page[WindowRecord]:
        """Windows by start time, the oldest first."""
        ...

    def baselines(
        self, service: str | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[BaselineRecord]:
        """Baselines by service, route, metric and season."""
        ...

    def runs(self, *, limit: int = 100, cursor: str | None = None) -> Page[RunRecord]:
        """Runs, the newest first."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

"""How an engine is doing: what it has taken in, what it can judge yet, and where it met a bound."""

import msgspec

from vedette.schema.findings import Sampled, Spending


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one metric of a service can be judged.

    Attributes:
        metric: Its name. ready: Whether the service's own baseline can judge it.
        reason: Why not, in one sentence; empty if it can.
        windows: Windows that the baseline has learned. needed: Those that it needs.
        routes: Routes of the service that have been measured. routes_ready: Those that can be judged.
    """

    metric: str
    ready: bool
    reason: str
    windows: int
    needed: int
    routes: int
    routes_ready: int


class ServiceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One service. `logs_processed` counts its requests since the engine's memory began."""

    service: str
    logs_processed: int
    baselines: tuple[Readiness, ...]
    spending: Spending | None = None
    """None where no budget promises anything."""


class EngineStatus(msgspec.Struct, frozen=True, kw_only=True):
    """All services together. Counts since the engine's memory began, over all restarts; times in microseconds, UTC."""

    logs_processed: int
    late: int
    """Requests that came after their window had closed, or of times that were never believed."""
    windows_closed: int
    """Windows of event time, those without a request included."""
    event_time: int | None
    """The latest time that is believed; None before the first request."""
    closed_until: int | None
    """Event time up to which windows are closed."""
    incidents_open: int
    anomalies_waiting: int
    """Stated, and not taken by anybody yet."""
    baselines_ready: int
    """Metrics of services and routes that can be judged. baselines_waiting: those that have been measured and lack
    windows."""
    baselines_waiting: int
    share: float
    """Of the requests that are looked at in the next window; 1 unless there are more than can be."""
    sampled: tuple[Sampled, ...]
    """When only a share was looked at, the latest times."""
    capped: dict[str, int]
    """Memory cap to how often it was met."""
    services: tuple[ServiceStatus, ...]

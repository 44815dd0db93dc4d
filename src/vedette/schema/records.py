"""What a store keeps besides findings: the windows and baselines that they were judged by, and the runs."""

import msgspec


class WindowRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One closed window of a service (`route` None) or of one of its routes.

    Times are microseconds since the epoch, UTC. Latencies are None where the log records no durations.
    """

    service: str
    route: str | None
    start: int
    span_s: int
    """Seconds."""
    requests: int
    errors_4xx: int
    errors_5xx: int
    bytes_in: int
    """Bytes."""
    bytes_out: int
    """Bytes."""
    timed: int
    """Requests with a recorded duration."""
    latency_p50_s: float | None
    """Seconds."""
    latency_p95_s: float | None
    latency_p99_s: float | None
    distinct_clients: int
    """An estimate, where there were many."""


class BaselineRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was normal for one metric of a service (`route` None) or route, in one season."""

    service: str
    route: str | None
    metric: str
    season: str
    """The time of day or week that it holds for, like `hour-of-day 13`; `all` where it does not vary."""
    unit: str
    """Of every number below."""
    mean: float
    median: float
    stddev: float
    low: float
    """Below this (and above `high`) a value is rare."""
    high: float
    p90: float
    p99: float
    sample_count: int
    """Windows that it was learned from."""
    last_updated: int
    """End of the newest of them, microseconds since the epoch, UTC."""


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the program. Times are microseconds since the epoch, UTC."""

    id: str
    command: str
    """`scan` or `serve`."""
    version: str
    started: int
    finished: int
    sources: tuple[str, ...]
    anomalies: int
    incidents: int
    lines: int
    parsed: int
    interrupted: bool


class ForecastRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is expected next of one metric of a service. Times are microseconds since the epoch, UTC."""

    metric: str
    unit: str
    """Of `expected`, `lower` and `upper`."""
    start: tuple[int, ...]
    """Of windows to come."""
    expected: tuple[float, ...]
    lower: tuple[float, ...]
    """Below this (and above `upper`) comes less than one window in twenty."""
    upper: tuple[float, ...]
    sample_count: int
    """Windows that it was learned from."""

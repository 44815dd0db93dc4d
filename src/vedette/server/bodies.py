"""Bodies that are asked and answered; the OpenAPI document describes these."""

from typing import Annotated, Any, Self

import msgspec

from vedette.report.forecast import ErrorBudget
from vedette.report.wire import ANOMALY, INCIDENT
from vedette.schema.findings import EverydayRequests
from vedette.schema.judged import Habit, LogData, RuleMatch
from vedette.schema.records import WindowRecord

Ratio = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Banner(msgspec.Struct, frozen=True):
    """What answers here."""

    name: str
    version: str
    status: str
    """`starting`, `ok` or `degraded`, as `/health` says."""
    documentation: str
    """Path of the OpenAPI document."""


class PreparationAnswer(msgspec.Struct, frozen=True):
    """What a service that starts is about."""

    step: str
    """`kernels` (compiled, once on each machine), `rules` (compiled too) or `state` (what was learned before)."""
    done: int
    total: int
    """0 where they are not counted."""


class SourceHealth(msgspec.Struct, frozen=True):
    """One source of lines."""

    name: str
    state: str
    reason: str
    behind: int | None
    """Bytes that wait."""
    dropped: dict[str, int]


class FlowStreamHealth(msgspec.Struct, frozen=True):
    """One flow log, exporter or interface; counts are since the process began."""

    name: str
    format: str
    received: int
    """Lines, or datagrams."""
    flows: int
    late: int
    """Flows that came too late after others of the stream, and are in no window."""
    skipped: dict[str, int]
    """What is no flow, by reason."""
    clock_s: float | None
    """By how much its newest time is ahead of the clock here; null if not known."""


class HealthAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How the service does. `problems`, `sources` and `flows` are shown to callers who may read."""

    status: str
    phase: str
    logs_processed: int
    transformer_ready: bool
    active_models: list[str]
    problems: list[str] = []
    sources: list[SourceHealth] = []
    flows: list[FlowStreamHealth] = []
    lag_s: float | None = None
    sampling: float = 1.0
    preparation: PreparationAnswer | None = None
    """While `status` is `starting`: lines are taken in, and judged once it is over."""


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How far the models are. A model that is not ready says `not_ready` or false."""

    logs_processed: int
    """Of all services."""
    warmup_target: int
    """Requests to a service from which a model of it is trained, of the one that has come furthest."""
    warmup_complete: bool
    """Whether a model of any service was, or is being, trained: that takes 30 windows with requests, too."""
    training_in_progress: bool
    isolation_forest_ready: bool
    transformer_ready: bool
    vocabulary_size: int
    training_sequences: int
    iso_training_samples: int
    active_models: dict[str, Any]
    phase: str
    preparation: PreparationAnswer | None = None
    """While `phase` is `starting`."""


class DetectBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One log line, and the session it belongs to."""

    log_line: Annotated[
        str, msgspec.Meta(min_length=1, description="One line of an access log, in any known format.")
    ]
    session_id: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class DetectBatchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Log lines: texts, or objects like the body of `/detect`. `log_lines` is another name for `logs`."""

    logs: list[Any] | None = None
    log_lines: Annotated[list[Any], msgspec.Meta(description="The same as `logs`.")] | None = None


class RuleBased(msgspec.Struct, frozen=True):
    """What the signatures say."""

    is_attack: bool
    attack_types: list[str]
    confidence: Ratio
    patterns_matched: list[str]
    """Ids of the rules that hit, the most confident first."""
    matches: list[RuleMatch]
    """What each of them matched, and where."""
    everyday: bool = False
    """Whether it would be an attack, but is what the site is asked every day: what those rules say does not count."""


class Ensemble(msgspec.Struct, frozen=True):
    """What all members say together; one that abstains is not named."""

    score: Ratio
    """Probability that something is wrong."""
    votes: dict[str, bool]
    """Whether each alone would call it anomalous; `parameters` that it is unlike the site."""
    evidence: dict[str, float]
    """What each says: the natural logarithm of the factor by which it multiplies the odds."""
    weights: dict[str, float]
    """How much of its evidence counts."""
    active_models: list[str]


class DetectDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Why. A learned model says its `status` (`off`, `not_installed`, `not_ready` or `abstains`) and `why`."""

    logs_processed: int
    rule_based: RuleBased
    isolation_forest: dict[str, Any]
    transformer: dict[str, Any]
    parameters: Habit
    """Whether anything in the request is unlike all that the site served before."""
    ensemble: Ensemble
    log_data: LogData | None
    """What the line says; null if it is no line of an access log."""
    reason: str | None = None
    """Why it could not be judged, where `log_data` is null."""


class DetectAnswer(msgspec.Struct, frozen=True):
    """What is said of one line."""

    is_anomaly: bool
    anomaly_score: Ratio
    phase: str
    timestamp: str
    details: DetectDetails


class LineError(msgspec.Struct, frozen=True):
    """A line that could not be taken: the others are judged all the same."""

    error: str
    index: int
    """Its place in the batch, from 0."""


class BatchSummary(msgspec.Struct, frozen=True):
    """Counts of a batch: `total` = `anomalies` + `normal` + `unread` + `errors`."""

    total: int
    anomalies: int
    normal: int
    anomaly_rate: Ratio
    """Anomalies among the lines that were judged."""
    unread: int = 0
    """Lines that are no access log."""
    errors: int = 0
    """Entries that are no line."""


class BatchAnswer(msgspec.Struct, frozen=True):
    """One result for each entry, in order."""

    results: Annotated[
        list[dict[str, Any]],
        msgspec.Meta(
            description="Each as `/detect` answers, or `error` and `index` of an entry that is no line."
        ),
    ]
    summary: BatchSummary


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of an anomaly."""

    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class SaidFalse(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of a false alarm."""

    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    until_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    """For how long the like of it is not told; the exceptions' usual time if left out."""


class ResolutionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was noted."""

    id: str
    resolved: bool
    false_positive: bool
    resolved_by: str
    resolved_at: str
    note: str


CLASSIC = [
    ("anomaly_type", str),
    ("service_name", str),
    ("endpoint", str | None),
    ("timestamp", str),
    ("resolved", bool),
    ("false_positive", bool),
    ("resolved_by", str | None),
    ("resolved_at", str | None),
    ("resolution_note", str | None),
]
AnomalyAnswer = msgspec.defstruct(
    "AnomalyAnswer",
    [
        *[(f.name, f.type) for f in msgspec.structs.fields(ANOMALY)],
        *CLASSIC,
    ],
    namespace={
        "__doc__": "An anomaly. `anomaly_type`, `service_name`, `endpoint` and `timestamp` repeat `type`, `service`, "
        "`route` and `start` under their classic names."
    },
    kw_only=True,
)


class AnomaliesAnswer(msgspec.Struct, frozen=True):
    """Anomalies, the newest first."""

    anomalies: list[AnomalyAnswer]  # type: ignore[valid-type] # a type made at run time
    count: int
    """How many are in this answer."""
    filter: dict[str, Any]
    """What was asked for, as it was understood."""
    cursor: str | None = None
    """For the next page; null at the end."""


class IncidentsAnswer(msgspec.Struct, frozen=True):
    """Incidents, the newest first."""

    incidents: list[INCIDENT]  # type: ignore[valid-type] # as above
    count: int
    cursor: str | None = None


class IncidentAnswer(msgspec.Struct, frozen=True):
    """One incident with its anomalies, at most a thousand."""

    incident: INCIDENT  # type: ignore[valid-type] # as above
    anomalies: list[AnomalyAnswer]  # type: ignore[valid-type] # as above


class WindowAnswer(WindowRecord, frozen=True, kw_only=True):
    """One closed window. `start_time` is `start` in ISO 8601."""

    start_time: str

    @classmethod
    def of(cls, record: WindowRecord, start_time: str) -> Self:
        """A window as it is answered."""
        return cls(**msgspec.structs.asdict(record), start_time=start_time)


class WindowsAnswer(msgspec.Struct, frozen=True):
    """Windows, the oldest first."""

    windows: list[WindowAnswer]
    count: int
    cursor: str | None = None


class StatsAnswer(msgspec.Struct, frozen=True):
    """Counts over everything that is kept."""

    total: int
    by_severity: dict[str, int]
    by_type: dict[str, int]
    unresolved_count: int
    analysis_status: str
    last_analysis: str | None


class BaselineAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was normal for a service or one of its routes, at one time of day or week.

    Rates are requests per second, error rates 0..1, latencies seconds. Null: not measured.
    """

    service_name: str
    endpoint: str | None
    time_window: str
    """`hourly` (one hour of the day), `weekly` (one hour of the week) or `daily` (all hours together)."""
    hour: int | None
    """Of the day (0..23) or of the week (0..167, from Monday 00:00)."""
    sample_size: int
    avg_request_rate: float | None = None
    stddev_request_rate: float | None = None
    p50_request_rate: float | None = None
    p90_request_rate: float | None = None
    p99_request_rate: float | None = None
    avg_error_rate: float | None = None
    stddev_error_rate: float | None = None
    p50_error_rate: float | None = None
    p90_error_rate: float | None = None
    p99_error_rate: float | None = None
    avg_latency: float | None = None
    stddev_latency: float | None = None
    p50_latency: float | None = None
    p90_latency: float | None = None
    p99_latency: float | None = None
    last_updated: str | None = None


class BaselinesAnswer(msgspec.Struct, frozen=True):
    """Baselines of all services, or of one."""

    baselines: list[BaselineAnswer]
    count: int
    service: str | None = None
    cursor: str | None = None


class EverydayAnswer(msgspec.Struct, frozen=True):
    """What looks like attacks and was not told, by route and rule, the most requests first."""

    everyday: list[EverydayRequests]
    count: int
    service: str | None = None


class ForecastMetric(msgspec.Struct, frozen=True):
    """What is expected of one metric, window by window."""

    unit: str
    expected: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    sample_count: int


class ForecastAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is expected of a service next, and what is left of its error budget.

    `metrics` holds those whose baselines are ready; `error_budget` is null where `slo.error_budget` says none.
    """

    service: str
    horizon_s: int
    coverage: float
    start_time: list[str]
    metrics: dict[str, ForecastMetric]
    error_budget: ErrorBudget | None = None
    error_budget_summary: str | None = None


class ConfigAnswer(msgspec.Struct, frozen=True):
    """The configuration in force, secrets masked."""

    config: dict[str, Any]


class TakenAnswer(msgspec.Struct, frozen=True):
    """What became of pushed lines."""

    taken: int
    refused: int = 0
    reason: str = ""

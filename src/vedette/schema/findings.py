"""What a run found and what it covered: the document that `--json` writes and a store keeps."""

from dataclasses import dataclass, field

from vedette.schema.anomaly import Anomaly
from vedette.schema.incident import Incident


@dataclass(slots=True)
class SourceCoverage:
    """What was read of one source: its format and how its lines fared."""

    source: str
    format: str
    format_share: float
    """Share of the sampled lines that the chosen format parsed, 0..1."""
    lines: int = 0
    parsed: int = 0
    bytes: int = 0
    truncated: str | None = None
    """Why reading stopped early (a damaged gzip member, say), or None."""


@dataclass(slots=True)
class BudgetLine:
    """One detector's account of its false alarms."""

    detector: str
    tests: int
    """Entity windows that it judged."""
    promised: float
    """How many of them were expected to pass its threshold if nothing was wrong at all."""
    over: int
    """How many did: true alarms, and false ones."""


@dataclass(slots=True)
class Coverage:
    """How much of the input the findings rest on."""

    lines: int = 0
    parsed: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    """Reason to lines."""
    skipped_samples: list[tuple[str, str, int, str]] = field(default_factory=list)
    """(reason, source, line, text)."""
    filtered: int = 0
    """Requests outside --since/--until/--service."""
    late: int = 0
    """Requests older than the watermark: judged by signatures, left out of windows."""
    start: int | None = None
    end: int | None = None
    """Event time covered, microseconds since the epoch."""
    windows: int = 0
    """Entity windows judged by a baseline."""
    insufficient_data: int = 0
    """Entity windows seen whose baseline could not judge them yet."""
    insufficient_by: dict[str, int] = field(default_factory=dict)
    """The same by detector."""
    capped: dict[str, int] = field(default_factory=dict)
    """Table name to how much its memory cap folded into 'other'."""
    sources: list[SourceCoverage] = field(default_factory=list)
    budget: list[BudgetLine] = field(default_factory=list)
    """What each detector that spends the budget of false alarms promised and did; empty without a budget."""
    interrupted: bool = False
    seconds: float = 0.0
    """Wall time of the run."""


@dataclass(slots=True)
class Findings:
    """Anomalies in order of start time, incidents by severity then start, and coverage."""

    anomalies: list[Anomaly]
    incidents: list[Incident]
    coverage: Coverage

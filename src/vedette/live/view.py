"""What the HTTP service may ask of the running engine. Implemented by `vedette.live.service`."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec

from vedette.live.flow_streams import FlowStream
from vedette.schema.errors import VedetteError
from vedette.schema.findings import EverydayRequests
from vedette.schema.live import DetectedLine, DetectedLines, MemberWeights
from vedette.schema.records import ForecastRecord
from vedette.sources.source import SourceStatus

STARTING = "starting"
"""Status and phase of a service that cannot judge yet."""
RULES, BASELINES, FOREST, TRANSFORMER = "rule_based", "baselines", "isolation_forest", "transformer"
"""What `/status` and the answers to lines call the models."""


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of pushed lines. `refused` lines were not taken: send them again after `retry_after_s`."""

    taken: int
    refused: int = 0
    reason: str = ""
    retry_after_s: float = 0.0


class Preparation(msgspec.Struct, frozen=True):
    """What a service that starts is about, and how far it is with it.

    Attributes:
        step: `kernels` (inner loops are compiled, once on each machine), `rules` (signatures are), or `state` (what was
            learned before is read).
        done: How many of them are. total: How many there are; 0 where they are not counted.
    """

    step: str
    done: int = 0
    total: int = 0

    @property
    def told(self) -> str:
        """In words."""
        if self.step == "kernels" and not self.total:
            return "it is seen what has to be compiled"
        if self.step == "kernels":
            return f"{self.done} of {self.total} kernels are compiled, once for this machine"
        return "the rules are compiled" if self.step == "rules" else "what was learned before is read"


class NotReadyError(VedetteError):
    """The service starts, and cannot do this yet."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the service does its work, in the fields that `/health` promises."""

    status: str
    """`ok`, or `degraded` with `problems`; with `ok` they only say what somebody should know. `starting` before."""
    phase: str
    """`warmup`, `training`, `ensemble` or `waiting` (nothing has been read yet); `starting` before."""
    logs_processed: int
    transformer_ready: bool
    active_models: tuple[str, ...]
    problems: tuple[str, ...] = ()
    """Each one sentence with its remedy: a source that cannot be read, a full disk, a channel that fails."""
    sources: tuple[SourceStatus, ...] = ()
    flows: tuple[FlowStream, ...] = ()
    """Flow logs, exporters and interfaces, those heard of last first."""
    lag_s: float | None = None
    """Seconds from the newest line's own time to its being judged, or to now while more waits than can be taken; 0 when
    nothing has come for long, None before the first."""
    sampling: float = 1.0
    """Share of requests looked at: below 1 under overload."""
    preparation: Preparation | None = None
    """What it is about while it is `starting`."""


class Counters(msgspec.Struct, frozen=True, kw_only=True):
    """What `/metrics` shows of the live thread; each a total since the process began unless it says otherwise."""

    lines: int
    parsed: int
    skipped: dict[str, int]
    late: int
    anomalies: dict[tuple[str, str, str], int]
    """(service, type, severity) to how many were stated."""
    incidents_open: int
    windows: int
    commits: int
    commit_errors: int
    analysis_seconds: float
    """Spent in judging. analysis_count: batches."""
    analysis_count: int
    baselines: int
    """Now."""
    queue_bytes: int
    """Now: of files and of what was pushed, not judged yet."""
    dropped: dict[str, int]
    """By reason."""
    capped: dict[str, int]
    """Memory cap to how often it was hit."""
    lag_s: float | None
    sampling: float
    alerts_sent: dict[tuple[str, str], int] = {}
    """(channel, severity) to messages."""
    alert_errors: dict[str, int] = {}
    """Channel to tries that failed."""
    everyday: dict[tuple[str, str], int] = {}
    """(service, rule) to requests in which what the rule said did not count; since the state of the service began."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a page shows as it happens: `incident` (opened, worse, closed), `anomaly`, `counters`, `gap`."""

    id: int
    kind: str
    content: Any


class LiveView(Protocol):
    """The running service, as the HTTP rooms see it. Every method may be called from any thread, and is quick."""

    @property
    def ready(self) -> bool:
        """Whether it is past its start; before, methods that need the engine raise `NotReadyError`."""
        ...

    def health(self) -> Health:
        """How it is doing."""
        ...

    def status(self) -> dict[str, Any]:
        """The fields that `/status` promises."""
        ...

    def counters(self) -> Counters:
        """For `/metrics`."""
        ...

    def detect(self, lines: Sequence[bytes], sessions: Sequence[str | None]) -> list[DetectedLine]:
        """Judge lines at once by what needs no window, and hand them on to be learned from.

        Args:
            lines: Log lines without newlines, in any known format. sessions: For each, the session it belongs to.
        """
        ...

    def detect_all(
        self, lines: Sequence[bytes], sessions: Sequence[str | None], separator: bytes | None = None
    ) -> DetectedLines:
        """The same of many lines, as JSON.

        Args:
            lines, sessions: See `detect`. separator: With it they may be joined already.
        """
        ...

    def push(
        self,
        stream: str,
        lines: bytes,
        *,
        service: str | None = None,
        format: str | None = None,  # noqa: A002 - the word of the whole program
    ) -> Pushed:
        """Take lines into the journal; when this returns, those taken survive a crash."""
        ...

    def events(self, after: int | None) -> Iterator[Event | None]:
        """Events behind the one with id `after` (None: from now on); None about every 15 s when there is nothing."""
        ...

    def everyday(self) -> list[EverydayRequests]:
        """What was taken for everyday, the most requests first; nothing where that is switched off."""
        ...

    def forecast(self, service: str, horizon_s: int) -> list[ForecastRecord]:
        """What is expected of a service's metrics next; nothing of one that is not known, or is too young.

        Raises:
            TimeoutError: The engine has no time.
        """
        ...

    def configuration(self) -> dict[str, Any]:
        """The configuration in force, secrets masked."""
        ...

    def configure(self, changes: dict[str, Any]) -> list[str]:
        """Put changes into force without a restart, all or none; returns reasons why not, empty if done."""
        ...

    def answer(self, anomaly_id: str, *, real: bool) -> str | None:
        """Learn from what was said of an alarm; returns what changed of the members' weights, None if nothing did."""
        ...

    def weights(self) -> MemberWeights:
        """How much the evidence of each member counts, and how that came about."""
        ...

    def exclude(self, anomaly_id: str, note: str, until_days: int | None) -> str | None:
        """Feed a false alarm to the exceptions; returns why not, None if done."""
        ...

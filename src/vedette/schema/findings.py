"""What a run found and what it covered: the document that `--json` writes and a store keeps."""

from typing import Final

import msgspec

from vedette.schema.anomaly import Anomaly
from vedette.schema.incident import Incident
from vedette.schema.learned import MemberStatus

UNSTATED: Final = ".unstated"
"""Behind the name of a detector in `Coverage.capped`: findings that it did not state one by one."""


class SourceCoverage(msgspec.Struct):
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
    beyond: str | None = None
    """What its lines hold behind the last field that the format reads, as one of them has it, or which of their JSON's
    keys may be a status, a client or a duration, and are not read as one; None if nothing."""
    assumed_utc: bool = False
    """Whether its times say no zone and were read as UTC, as no other was named."""


class LeftOut(msgspec.Struct):
    """Files of directories that were not read, for one reason."""

    reason: str
    files: int
    first: str
    """Name of the first of them."""
    fault: bool = False
    """Whether they may be logs, or are, and could not be read."""


class BudgetLine(msgspec.Struct):
    """One detector's account of its false alarms."""

    detector: str
    tests: int
    """Entity windows that it judged."""
    promised: float
    """How many of them were expected to pass its threshold if nothing was wrong at all."""
    over: int
    """How many did: true alarms, and false ones."""
    alarms: int = 0
    """Anomalies stated because of it, after windows had to agree."""
    threshold: float = 0.0
    """The surprise (-log10 p) from which it alarmed at the end of the run: of the service with the highest."""
    threshold_z: float = 0.0
    """The same as standard deviations of a normal distribution, one-sided."""
    corrected: bool = False
    """The threshold is higher than the budget asks for: the surprises seen have a heavier tail than promised."""
    raised: dict[str, float] = {}
    """The thresholds of the services for which it is."""


class Spending(msgspec.Struct):
    """What a service's budget of false alarms allowed, and what was spent of it."""

    service: str
    per_week: float
    """False alarms that are accepted."""
    weeks: float
    """How long the log watches it."""
    allowed: float
    """`per_week` times `weeks`."""
    spent: int
    """Incidents opened that rest on a threshold of the budget: false alarms, and true ones."""


class Silenced(msgspec.Struct):
    """An exception, and what it left out."""

    exception: str
    """Its id."""
    about: str
    """What it leaves out, in words."""
    expires: str
    """The day from which it no longer holds."""
    expired: bool
    """Whether the log goes beyond that day."""
    ruleless: bool
    """Whether its rule does not exist (any more), so that it can leave out nothing."""
    requests: int
    """Requests in which a rule's say did not count."""
    anomalies: int
    """Statements about windows that were not made."""


class EverydayRequests(msgspec.Struct):
    """Requests that look like attacks to one rule, and are everyday on a route: what the rule said did not count."""

    service: str
    route: str
    rule: str
    """Its id. All three are `(other)` for what found no room."""
    requests: int
    """That would have been attacks."""
    since: str
    """The day of the first of them, UTC."""
    days: int
    """Days, of the 14 before, on which such requests were everyday, as of the last of them."""
    clients: int
    """Clients that made them on those days, at least: of each day, no more than 32 are told apart."""
    share: float
    """Of the route's requests on those days, 0..1."""


class Sampled(msgspec.Struct):
    """A time in which only a share of the requests was looked at, because there were more than could be.

    Sums of these windows are estimates; see `vedette.engine.sampling`.
    """

    share: float
    """1/2, 1/4 ... of the requests were looked at."""
    start: int
    end: int
    """Event time, microseconds since the epoch."""
    left_out: int
    """Requests that were not looked at."""


class WhatIf(msgspec.Struct):
    """What another setting would have given on the same log."""

    setting: str
    """`budget=1/day`."""
    incidents: int
    """Incidents of every kind."""
    by_severity: dict[str, int]
    """The same by severity."""
    anomalies: int
    spent: int
    """Of the incidents, those that rest on a threshold that the setting changes."""


class Coverage(msgspec.Struct):
    """How much of the input the findings rest on."""

    lines: int = 0
    parsed: int = 0
    skipped: dict[str, int] = msgspec.field(default_factory=dict)
    """Reason to lines."""
    skipped_samples: list[tuple[str, str, int, str]] = msgspec.field(default_factory=list)
    """(reason, source, line, text)."""
    filtered: int = 0
    """Requests outside --since/--until/--service; packets, and flows of logs, after --until."""
    learned: int = 0
    """Earlier requests, and flows, that baselines learned from before the first was judged."""
    too_new: int = 0
    """Requests of --baseline-from that are no older than what is scanned, where nothing at all was learned."""
    packets: int = 0
    """Packets that were read of captures."""
    flows: int = 0
    """Flows that packets came to, or that flow logs told of."""
    flows_early: int = 0
    """Of `flows`, those that began before --since: they are learned from, and nothing is stated of them."""
    packets_skipped: dict[str, int] = msgspec.field(default_factory=dict)
    """Reason to packets that are in no flow."""
    unread: list[str] = msgspec.field(default_factory=list)
    """Why inputs that were named were not read, or held nothing to read."""
    ended_early: list[str] = msgspec.field(default_factory=list)
    """What ends before others that were read with it, and when. Of captures and flow logs, what is missing from then on
    is no drop; of access logs that cannot be told from a service that is down."""
    left_out: list[LeftOut] = msgspec.field(default_factory=list)
    """Files that were found in directories, or behind patterns, and not read."""
    late_flows: int = 0
    """Flows older than the watermark, left out of windows."""
    waited_s: int = 0
    """How long, in event time, windows of flows waited for late ones, seconds; 0 where no flows were read."""
    untold: list[str] = msgspec.field(default_factory=list)
    """What not all that was read tells of flows, so that nothing is judged by it: names of `Known`, in lower case."""
    flows_in_part: int = 0
    """Flows longer than a window that were told of when windows they began in were over: these have nothing of them."""
    packets_dated_back: int = 0
    """Packets that stand in a capture behind others of more than a second later; they count when those do."""
    late: int = 0
    """Requests older than the watermark: judged by signatures, left out of windows."""
    start: int | None = None
    end: int | None = None
    """Event time covered, microseconds since the epoch."""
    windows: int = 0
    """Entity windows judged by a baseline."""
    insufficient_data: int = 0
    """Entity windows seen whose baseline could not judge them yet."""
    insufficient_by: dict[str, int] = msgspec.field(default_factory=dict)
    """The same by detector."""
    capped: dict[str, int] = msgspec.field(default_factory=dict)
    """Table name to how much its memory cap folded into 'other'; a detector's name and `UNSTATED` to findings beyond
    the most of a window."""
    sources: list[SourceCoverage] = msgspec.field(default_factory=list)
    budget: list[BudgetLine] = msgspec.field(default_factory=list)
    """What each detector that spends the budget of false alarms promised and did; empty without a budget."""
    spending: list[Spending] = msgspec.field(default_factory=list)
    """The same by service: the promise, and the alarms spent; empty without a budget."""
    silenced: list[Silenced] = msgspec.field(default_factory=list)
    """Exceptions that hold, and what each left out."""
    everyday: list[EverydayRequests] = msgspec.field(default_factory=list)
    """What looked like attacks and was not told, because a site's clients ask it every day."""
    sampled: list[Sampled] = msgspec.field(default_factory=list)
    """When only a share of the requests was looked at; empty if all were."""
    what_if: list[WhatIf] = msgspec.field(default_factory=list)
    """Other settings that were asked about, in that order."""
    members: list[MemberStatus] = msgspec.field(default_factory=list)
    """How far each learned model has come, by service."""
    interrupted: bool = False
    seconds: float = 0.0
    """Wall time of the run."""


class Findings(msgspec.Struct):
    """Anomalies in order of start time, incidents by severity then start, and coverage."""

    anomalies: list[Anomaly]
    incidents: list[Incident]
    coverage: Coverage

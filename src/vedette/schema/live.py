"""What a live service commits, tells and answers, besides findings."""

from enum import StrEnum
from typing import Any

import msgspec

from vedette.schema.anomaly import Anomaly
from vedette.schema.incident import Incident
from vedette.schema.records import BaselineRecord, WindowRecord


class Change(StrEnum):
    """What happened to an incident that somebody may want to be told."""

    OPENED = "opened"
    WORSE = "worse"
    """Its severity rose."""
    WIDENED = "widened"
    """It reached another service, or became of another type: who is told of those may not know of it yet."""
    CLOSED = "closed"


WIDEST = 64
"""Services and types of an incident from which on it does not widen any more: whom it concerns has been told."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one incident, to be told once to each channel that it is routed to.

    Times are microseconds since the epoch, UTC.
    """

    id: str
    """`<incident id>.<change>.<severity>`: the same after a restart that finds the same again. Where it widened, the
    change is followed by its breadth: it does so more than once."""
    change: Change
    incident: Incident
    """As it stood then."""
    route: str | None = None
    """The route of its worst anomaly, if that is about one."""
    anomaly_id: str | None = None
    """Its worst anomaly."""
    description: str = ""
    """What that one states."""
    time: int
    """Event time of the change."""


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept in one transaction: all of it, or none."""

    time: int
    """Event time up to which windows are closed, microseconds since the epoch, UTC."""
    state: bytes | None
    """The engine's snapshot and that of the intake, opaque; None leaves the last one (a spool replaying findings)."""
    positions: dict[str, bytes]
    """Source name to the position behind what the state has taken in."""
    anomalies: tuple[Anomaly, ...] = ()
    incidents: tuple[Incident, ...] = ()
    """New ones, and those that changed."""
    windows: tuple[WindowRecord, ...] = ()
    baselines: tuple[BaselineRecord, ...] = ()
    notices: tuple[Notice, ...] = ()


class Resume(msgspec.Struct, frozen=True, kw_only=True):
    """Where a service was when it last committed."""

    time: int
    state: bytes
    positions: dict[str, bytes]


class DetectedLine(msgspec.Struct, kw_only=True):
    """What is said of one line at once, as the API answers."""

    is_anomaly: bool
    anomaly_score: float
    """0..1."""
    phase: str
    timestamp: str
    """When it was judged, ISO 8601, UTC."""
    details: dict[str, Any]


class DetectedLines(msgspec.Struct, frozen=True):
    """What is said of many lines at once."""

    answers: list[bytes | memoryview]
    """Of each line, a `DetectedLine` as JSON; or of all together, joined as was asked for."""
    anomalies: int
    unread: int
    """Lines that are no access log."""


class MemberWeight(msgspec.Struct, frozen=True):
    """How much a member's evidence counts, and how much without anybody's answers."""

    member: str
    weight: float
    shipped: float


class MemberWeights(msgspec.Struct, frozen=True, kw_only=True):
    """The weights in force, and how they came about.

    Attributes:
        fitted: Whether to answers; `reason` says why not. confirmed, false_alarms: Alarms that were called so.
        different: How many of these answers differ. needed: Of each kind, to be fitted to.
    """

    members: tuple[MemberWeight, ...]
    fitted: bool
    reason: str
    confirmed: int
    false_alarms: int
    different: int
    needed: int

"""Anomalies with one cause: what a person is told about."""

from enum import StrEnum

import msgspec

from vedette.schema.anomaly import AnomalyType, Entity, Severity


class IncidentState(StrEnum):
    """Where an incident is in its life."""

    OPEN = "open"
    CLOSED = "closed"


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Anomalies that share time and entity or cause. Times: microseconds since the epoch, UTC, `end` exclusive."""

    id: str
    title: str
    severity: Severity
    score: float
    start: int
    end: int
    state: IncidentState
    types: tuple[AnomalyType, ...]
    services: tuple[str, ...]
    entities: tuple[Entity, ...]
    anomaly_ids: tuple[str, ...]
    summary: str
    advice: tuple[str, ...]
    requests: int = 0
    """Requests that the incident rests on, at most: one on which two anomalies rest counts with each."""

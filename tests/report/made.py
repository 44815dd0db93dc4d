"""Findings made by hand, for every part of a report."""

from typing import Any

from vedette.schema.anomaly import (
    Anomaly,
    AnomalyType,
    Band,
    Contribution,
    Entity,
    EntityKind,
    Evidence,
    Formula,
    Severity,
)
from vedette.schema.findings import Coverage, Findings, SourceCoverage
from vedette.schema.incident import Incident, IncidentState

START = 1_772_438_400_000_000  # 2026-03-02T08:00:00Z
MINUTE = 60_000_000


def anomaly(number: int = 1, **changes: Any) -> Anomaly:
    fields: dict[str, Any] = {
        "id": f"a{number:016x}",
        "type": AnomalyType.ERROR_SPIKE,
        "severity": Severity.CRITICAL,
        "score": 0.9712345678901234,
        "start": START + 70 * MINUTE,
        "end": START + 75 * MINUTE,
        "service": "shop",
        "route": "/login",
        "entity": Entity(EntityKind.SERVICE, "shop"),
        "detector": "errors.ratio",
        "observed": 0.6146,
        "expected": Band(0.001, 0.004, 0.02),
        "threshold": 0.05,
        "sample_count": 70,
        "unit": "ratio",
        "formula": Formula("ratio_high", {"count": 258.0, "total": 420.0}, 41.5),
        "description": "61 % of 420 requests to shop /login failed with 5xx (258 errors), expected 0.40 %.",
        "contributions": (
            Contribution("route", "/login", 0.83),
            Contribution("route", "/checkout", 0.12),
            Contribution("client", "192.0.2.7", 0.22),
        ),
        "evidence": (
            Evidence(
                "access.log", 1234, '192.0.2.7 - - [02/Mar/2026:09:10:00 +0000] "POST /login HTTP/1.1" 503 12'
            ),
            Evidence(
                "access.log", 1240, '192.0.2.8 - - [02/Mar/2026:09:10:02 +0000] "POST /login HTTP/1.1" 503 12'
            ),
        ),
        "evidence_total": 258,
        "counterfactual": "Not stated at 5.0 % or less.",
        "clients": ("192.0.2.7", "192.0.2.8"),
        "details": {"requests": 420, "errors": 258},
        "incident_id": "i1",
    }
    return Anomaly(**{**fields, **changes})


def incident(number: int = 1, **changes: Any) -> Incident:
    fields: dict[str, Any] = {
        "id": f"i{number}",
        "title": "Error spike on shop /login",
        "severity": Severity.CRITICAL,
        "score": 0.9712345678901234,
        "start": START + 70 * MINUTE,
        "end": START + 75 * MINUTE,
        "state": IncidentState.CLOSED,
        "types": (AnomalyType.ERROR_SPIKE,),
        "services": ("shop",),
        "entities": (Entity(EntityKind.SERVICE, "shop"),),
        "anomaly_ids": (f"a{number:016x}",),
        "summary": "61 % of 420 requests to shop /login failed with 5xx (258 errors), expected 0.40 %.",
        "advice": ("Look at the failing route's application log.", "Then at the database."),
        "requests": 258,
    }
    return Incident(**{**fields, **changes})


def attack(number: int = 2, **changes: Any) -> Anomaly:
    fields: dict[str, Any] = {
        "type": AnomalyType.SQL_INJECTION,
        "severity": Severity.MEDIUM,
        "score": 0.9,
        "start": START + 20 * MINUTE,
        "end": START + 21 * MINUTE,
        "route": None,
        "entity": Entity(EntityKind.CLIENT, "198.51.100.4"),
        "detector": "signatures",
        "observed": 12.0,
        "expected": Band(None, None, None),
        "threshold": 1.0,
        "sample_count": 12,
        "unit": "hostile_requests",
        "formula": Formula("noisy_or", {"confidence": 0.9, "count": 1.0}, 0.9),
        "description": "12 hostile requests to shop from 198.51.100.4: SQL injection.",
        "contributions": (Contribution("client", "198.51.100.4", 1.0),),
        "evidence": (
            Evidence(
                "access.log",
                77,
                '198.51.100.4 - - [02/Mar/2026:08:20:00 +0000] "GET /p?id=1%20UNION%20SELECT" 200 99',
                "1 union select",
                "sqli.union",
            ),
        ),
        "evidence_total": 12,
        "clients": ("198.51.100.4",),
        "details": {"answered_2xx": 1, "clients": 1, "rule": "sqli.union", "why": "A union of selects."},
        "incident_id": f"i{number}",
    }
    return anomaly(number, **{**fields, **changes})


def coverage(**changes: Any) -> Coverage:
    fields: dict[str, Any] = {
        "lines": 4012,
        "parsed": 4000,
        "skipped": {"not_this_format": 10, "blank": 2},
        "skipped_samples": [("not_this_format", "access.log", 17, "total rubbish")],
        "filtered": 3,
        "learned": 0,
        "too_new": 0,
        "late": 1,
        "start": START,
        "end": START + 120 * MINUTE + 7,
        "windows": 240,
        "insufficient_data": 60,
        "insufficient_by": {"errors.ratio": 40, "latency.p95": 20},
        "capped": {"clients": 12},
        "sources": [
            SourceCoverage("access.log", "combined", 0.99, 4000, 3990, 1_000_000),
            SourceCoverage("old.log.gz", "combined", 1.0, 12, 10, 3000, "damaged gzip member at byte 2999"),
        ],
        "seconds": 1.25,
    }
    return Coverage(**{**fields, **changes})


def findings(**changes: Any) -> Findings:
    fields: dict[str, Any] = {
        "anomalies": [attack(), anomaly()],
        "incidents": [
            incident(),
            incident(
                2,
                title="SQL injection on shop by 198.51.100.4",
                severity=Severity.MEDIUM,
                score=0.9,
                start=START + 20 * MINUTE,
                end=START + 21 * MINUTE,
                types=(AnomalyType.SQL_INJECTION,),
                entities=(Entity(EntityKind.CLIENT, "198.51.100.4"),),
                summary="12 hostile requests to shop from 198.51.100.4: SQL injection.",
                advice=("Check the application log.",),
                requests=12,
            ),
        ],
        "coverage": coverage(),
    }
    return Findings(**{**fields, **changes})


def calm(**changes: Any) -> Findings:
    fields: dict[str, Any] = {
        "insufficient_data": 0,
        "insufficient_by": {},
        "skipped": {},
        "skipped_samples": [],
    }
    return findings(anomalies=[], incidents=[], coverage=coverage(**{**fields, **changes}))


def odd(value: float, share: float, time: int) -> Findings:
    """Findings whose numbers, shares and times may be anything."""
    one = anomaly(
        observed=value,
        threshold=value,
        score=value,
        counterfactual="",
        contributions=(Contribution("route", "/a", share), Contribution("client", "x", value)),
        formula=Formula("count", {"count": value}, value),
    )
    return findings(anomalies=[one], incidents=[incident(score=value, start=time, end=time + 1)])

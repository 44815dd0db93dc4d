"""Nouns that the tests of storage keep."""

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
from vedette.schema.incident import Incident, IncidentState
from vedette.schema.live import Change, Commit, Notice
from vedette.schema.records import BaselineRecord, RunRecord, WindowRecord

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def anomaly(number: int, **changes: Any) -> Anomaly:
    values: dict[str, Any] = {
        "id": f"a{number:04}",
        "type": AnomalyType.ERROR_SPIKE,
        "severity": Severity.HIGH,
        "score": 0.9,
        "start": number * MINUTE,
        "end": (number + 1) * MINUTE,
        "service": "shop",
        "route": "/cart",
        "entity": Entity(EntityKind.ROUTE, "/cart"),
        "detector": "errors",
        "observed": 0.4,
        "expected": Band(None, 0.01, 0.05),
        "threshold": 0.1,
        "sample_count": 200,
        "unit": "ratio",
        "formula": Formula("binomial_tail", {"n": 200.0, "k": 80.0}, 12.5),
        "description": "40 % of requests failed",
        "contributions": (Contribution("status", "503", 0.9),),
        "evidence": (Evidence("access.log", 7, "GET /\\x00 \U0001f600 \u202e", "x", "rule-1"),),
        "details": {"nested": {"list": [1, 2.5, None, "ü"]}},
        "incident_id": "i1",
    }
    return Anomaly(**values | changes)


def incident(number: int, **changes: Any) -> Incident:
    values: dict[str, Any] = {
        "id": f"i{number}",
        "title": "Errors on shop",
        "severity": Severity.HIGH,
        "score": 0.9,
        "start": number * MINUTE,
        "end": (number + 2) * MINUTE,
        "state": IncidentState.CLOSED,
        "types": (AnomalyType.ERROR_SPIKE,),
        "services": ("shop",),
        "entities": (Entity(EntityKind.SERVICE, "shop"),),
        "anomaly_ids": ("a0001",),
        "summary": "…",
        "advice": ("look",),
    }
    return Incident(**values | changes)


def window(number: int, **changes: Any) -> WindowRecord:
    values: dict[str, Any] = {
        "service": "shop",
        "route": None,
        "start": number * MINUTE,
        "span_s": 60,
        "requests": 100,
        "errors_4xx": 3,
        "errors_5xx": 1,
        "bytes_in": 0,
        "bytes_out": 1 << 40,
        "timed": 0,
        "latency_p50_s": None,
        "latency_p95_s": 0.25,
        "latency_p99_s": None,
        "distinct_clients": 40,
    }
    return WindowRecord(**values | changes)


def baseline(metric: str, **changes: Any) -> BaselineRecord:
    values: dict[str, Any] = {
        "service": "shop",
        "route": "/cart",
        "metric": metric,
        "season": "all",
        "unit": "ratio",
        "mean": 0.1,
        "median": 0.1,
        "stddev": 0.02,
        "low": 0.0,
        "high": 0.2,
        "p90": 0.15,
        "p99": 0.19,
        "sample_count": 60,
        "last_updated": 5 * MINUTE,
    }
    return BaselineRecord(**values | changes)


def run(number: int) -> RunRecord:
    return RunRecord(
        id=f"r{number}",
        command="scan",
        version="0.1.0",
        started=number,
        finished=number + 5,
        sources=("access.log",),
        anomalies=1,
        incidents=1,
        lines=100,
        parsed=99,
        interrupted=False,
    )


def notice(number: int, **changes: Any) -> Notice:
    values: dict[str, Any] = {
        "id": f"i{number}.opened.high",
        "change": Change.OPENED,
        "incident": incident(number, state=IncidentState.OPEN),
        "route": "/cart",
        "anomaly_id": f"a{number:04}",
        "description": "40 % of requests failed",
        "time": number * MINUTE,
    }
    return Notice(**values | changes)


def commit(number: int, **changes: Any) -> Commit:
    values: dict[str, Any] = {
        "time": number * MINUTE,
        "state": b"state %d" % number,
        "positions": {"tail": b"\0\xff%d" % number},
    }
    return Commit(**values | changes)

"""Findings as the API tells them: ours, and the classic names beside."""

from typing import Any

from vedette.report.json import noun_fields
from vedette.report.moments import iso
from vedette.schema.anomaly import Anomaly
from vedette.schema.records import BaselineRecord
from vedette.server.bodies import BaselineAnswer
from vedette.storage.live import Resolution


def anomaly_fields(anomaly: Anomaly, said: Resolution | None) -> dict[str, Any]:
    """One anomaly with what a person said of it."""
    fields = noun_fields(anomaly)
    return fields | {
        "anomaly_type": anomaly.type,
        "service_name": anomaly.service,
        "endpoint": anomaly.route,
        "timestamp": fields["start"],
        "resolved": said is not None,
        "false_positive": said is not None and said.false_positive,
        "resolved_by": None if said is None else said.by,
        "resolved_at": None if said is None else iso(said.at),
        "resolution_note": None if said is None else said.note,
    }


_WINDOWS = (("hour of day", "hourly"), ("hour of week", "weekly"))
_METRICS = {"requests": "request_rate", "error_ratio": "error_rate", "latency_p95_seconds": "latency"}


def time_window(season: str) -> tuple[str, int | None]:
    """A season's classic name, and the hour of the day or week that it is about, if it is about one."""
    words = season.replace("-", " ")
    for ours, classic in _WINDOWS:
        if words.startswith(ours):
            hour = words[len(ours) :].strip()
            return classic, int(hour) if hour.isdecimal() else None
    return "daily", None


def baseline_answers(records: list[BaselineRecord], span_s: int) -> list[BaselineAnswer]:
    """The baselines of one service or route: one for each season of its requests.

    A metric that does not vary with that season is told with its own: what is normal at all hours is so in that one.

    Args:
        records: All of one service or route.
        span_s: Length of a window, seconds: requests are kept per window, and told per second.
    """
    leading = [r for r in records if r.metric == "requests"] or records
    seasons = list(dict.fromkeys(time_window(r.season) for r in leading))
    return [_baseline(records, season, span_s) for season in seasons]


def _baseline(records: list[BaselineRecord], season: tuple[str, int | None], span_s: int) -> BaselineAnswer:
    first = records[0]
    chosen: dict[str, BaselineRecord] = {}
    for record in sorted(records, key=lambda r: (time_window(r.season) == season, r.last_updated)):
        chosen[record.metric] = record
    fields: dict[str, Any] = {
        "service_name": first.service,
        "endpoint": first.route,
        "time_window": season[0],
        "hour": season[1],
        "sample_size": max((chosen[m].sample_count for m in _METRICS if m in chosen), default=0),
        "last_updated": iso(max(r.last_updated for r in chosen.values())),
    }
    for metric, name in _METRICS.items():
        if metric not in chosen:
            continue
        record = chosen[metric]
        per = span_s if metric == "requests" else 1
        fields[f"avg_{name}"] = record.mean / per
        fields[f"stddev_{name}"] = record.stddev / per
        fields[f"p50_{name}"] = record.median / per
        fields[f"p90_{name}"] = record.p90 / per
        fields[f"p99_{name}"] = record.p99 / per
    return BaselineAnswer(**fields)

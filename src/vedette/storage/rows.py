"""Nouns to rows of `tables`, and back."""

from typing import Any, TypeVar

import msgspec
from sqlalchemy import Row

from vedette.schema.anomaly import Anomaly
from vedette.schema.incident import Incident
from vedette.schema.records import BaselineRecord, RunRecord, WindowRecord

S = TypeVar("S", bound=msgspec.Struct)

Values = dict[str, Any]


def anomaly_values(anomaly: Anomaly, run_id: str | None) -> Values:
    """Columns of `anomalies`."""
    return {
        "id": anomaly.id,
        "type": anomaly.type.value,
        "severity": anomaly.severity.rank,
        "start_us": anomaly.start,
        "end_us": anomaly.end,
        "service": anomaly.service,
        "route": anomaly.route,
        "entity_kind": anomaly.entity.kind.value,
        "entity_value": anomaly.entity.value,
        "incident_id": anomaly.incident_id,
        "run_id": run_id,
        "document": _document(anomaly),
    }


def incident_values(incident: Incident, run_id: str | None) -> Values:
    """Columns of `incidents`."""
    return {
        "id": incident.id,
        "severity": incident.severity.rank,
        "state": incident.state.value,
        "start_us": incident.start,
        "end_us": incident.end,
        "run_id": run_id,
        "document": _document(incident),
    }


def run_values(run: RunRecord) -> Values:
    """Columns of `runs`."""
    return {"id": run.id, "started_us": run.started, "document": _document(run)}


def window_values(window: WindowRecord) -> Values:
    """Columns of `windows`."""
    values = msgspec.structs.asdict(window)
    values["start_us"] = values.pop("start")
    values["route"] = window.route or ""
    return values


def baseline_values(baseline: BaselineRecord) -> Values:
    """Columns of `baselines`."""
    values = msgspec.structs.asdict(baseline)
    values["last_updated_us"] = values.pop("last_updated")
    values["route"] = baseline.route or ""
    return values


def window_of(row: Row[Any]) -> WindowRecord:
    """A window from its columns."""
    values = dict(row._mapping)  # noqa: SLF001 # SQLAlchemy's documented name for a row as a mapping
    return WindowRecord(start=values.pop("start_us"), route=values.pop("route") or None, **values)


def baseline_of(row: Row[Any]) -> BaselineRecord:
    """A baseline from its columns."""
    values = dict(row._mapping)  # noqa: SLF001 # as above
    return BaselineRecord(
        last_updated=values.pop("last_updated_us"), route=values.pop("route") or None, **values
    )


def document_of(kind: type[S], text: str) -> S:
    """What a `document` column holds.

    Raises:
        msgspec.DecodeError: It is not a document of that kind.
    """
    return msgspec.json.decode(text, type=kind)


def _document(noun: msgspec.Struct) -> str:
    return msgspec.json.encode(noun).decode()

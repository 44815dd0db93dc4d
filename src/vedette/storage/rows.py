"""Nouns to rows of `tables`, and back."""

from hashlib import blake2b
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Row

from vedette.schema.anomaly import Anomaly
from vedette.schema.incident import Incident
from vedette.schema.live import Notice
from vedette.schema.records import BaselineRecord, RunRecord
from vedette.storage.live import AuditLine, StoredKey, Telling
from vedette.storage.text import document

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
        "document": document(anomaly),
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
        "document": document(incident),
    }


def run_values(run: RunRecord) -> Values:
    """Columns of `runs`."""
    return {"id": run.id, "started_us": run.started, "document": document(run)}


def notice_values(notice: Notice) -> Values:
    """Columns of `notices`, of one that nobody has been told of."""
    return {
        "id": notice.id,
        "time_us": notice.time,
        "due_us": 0,
        "settled": 0,
        "document": document(notice),
    }


def telling_values(telling: Telling) -> Values:
    """Columns of `tellings`."""
    return {
        "notice_id": telling.notice_id,
        "channel": telling.channel,
        "at_us": telling.at,
        "next_try_us": telling.next_try,
        "document": document(telling),
    }


def audit_values(line: AuditLine) -> Values:
    """Columns of `audits`."""
    text = document(line)
    digest = blake2b(text.encode(), digest_size=16).hexdigest()
    return {"id": digest, "at_us": line.at, "document": text}


def key_values(key: StoredKey) -> Values:
    """Columns of `api_keys`."""
    return {"name": key.name, "document": document(key)}


def baseline_values(baseline: BaselineRecord) -> Values:
    """Columns of `baselines`."""
    values = msgspec.structs.asdict(baseline)
    values["last_updated_us"] = values.pop("last_updated")
    values["route"] = baseline.route or ""
    return values


def baseline_of(row: Row[Any]) -> BaselineRecord:
    """A baseline from its columns."""
    values = dict(row._mapping)  # noqa: SLF001 # SQLAlchemy's documented name for a row as a mapping
    return BaselineRecord(
        last_updated=values.pop("last_updated_us"), route=values.pop("route") or None, **values
    )


def document_of(kind: type[S], text: str) -> S:
    """What a `document` column holds.

    Raises:
        msgspec.DecodeError: It is not a document of that kind.
    """
    return msgspec.json.decode(text, type=kind)

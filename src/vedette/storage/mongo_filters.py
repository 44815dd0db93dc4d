"""Which anomalies and incidents are meant, in MongoDB's terms."""

from vedette.storage.mongo_access import Doc
from vedette.storage.store import AnomalyFilter, IncidentFilter, TimeSpan
from vedette.storage.text import printable


def anomalies_where(chosen: AnomalyFilter) -> Doc:
    """The conditions of a filter."""
    where: list[Doc] = [*_overlaps(chosen), {"severity": {"$gte": chosen.min_severity.rank}}]
    if chosen.types:
        where.append({"type": {"$in": [kind.value for kind in chosen.types]}})
    if chosen.severities:
        where.append({"severity": {"$in": [severity.rank for severity in chosen.severities]}})
    if chosen.entity is not None:
        value = printable(chosen.entity.value)
        where.append({"entity_kind": chosen.entity.kind.value, "entity_value": value})
    for name, wanted in (
        ("service", chosen.service),
        ("route", chosen.route),
        ("incident_id", chosen.incident_id),
    ):
        if wanted is not None:
            where.append({name: printable(wanted)})
    if chosen.resolved is not None:
        where.append({"resolution": {"$ne": None} if chosen.resolved else None})
    return {"$and": where}


def incidents_where(chosen: IncidentFilter) -> Doc:
    """The conditions of a filter."""
    where: list[Doc] = [*_overlaps(chosen), {"severity": {"$gte": chosen.min_severity.rank}}]
    if chosen.state is not None:
        where.append({"state": chosen.state.value})
    if chosen.service is not None:
        where.append({"services": printable(chosen.service)})
    return {"$and": where}


def _overlaps(span: TimeSpan) -> list[Doc]:
    where: list[Doc] = []
    if span.since is not None:
        where.append({"end_us": {"$gt": span.since}})
    if span.until is not None:
        where.append({"start_us": {"$lt": span.until}})
    return where

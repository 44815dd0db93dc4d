"""Anomalies and incidents in an SQL database: how they are kept, and which are meant."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Table, delete, select

from vedette.schema.anomaly import Anomaly
from vedette.schema.incident import Incident
from vedette.storage import rows as to
from vedette.storage.sql_access import batches, put
from vedette.storage.store import AnomalyFilter, IncidentFilter, TimeSpan
from vedette.storage.tables import ANOMALIES, INCIDENT_SERVICES, INCIDENTS, RESOLUTIONS

ROWS_AT_ONCE = 5000
"""Rows that are made ready for one statement."""
IDS_AT_ONCE = 500


def put_findings(
    connection: Connection, anomalies: Sequence[Anomaly], incidents: Sequence[Incident], run_id: str | None
) -> None:
    """Keep findings; those with an id that is known replace it, the last of those with the same id."""
    for some in batches(anomalies, ROWS_AT_ONCE):
        put(connection, ANOMALIES, [to.anomaly_values(anomaly, run_id) for anomaly in some])
    latest = list({incident.id: incident for incident in incidents}.values())
    for batch in batches(latest, ROWS_AT_ONCE):
        put(connection, INCIDENTS, [to.incident_values(incident, run_id) for incident in batch])
        known = INCIDENT_SERVICES.c.incident_id
        for ids in batches([incident.id for incident in batch], IDS_AT_ONCE):
            connection.execute(delete(INCIDENT_SERVICES).where(known.in_(ids)))
        put(
            connection,
            INCIDENT_SERVICES,
            [
                {"service": service, "incident_id": incident.id}
                for incident in batch
                for service in dict.fromkeys(incident.services)
            ],
        )


def anomalies_where(chosen: AnomalyFilter) -> list[ColumnElement[bool]]:
    """The conditions of a filter."""
    c = ANOMALIES.c
    conditions = [*_overlaps(ANOMALIES, chosen), *_at_least(ANOMALIES, chosen.min_severity.rank)]
    if chosen.types:
        conditions.append(c.type.in_([kind.value for kind in chosen.types]))
    if chosen.severities:
        conditions.append(c.severity.in_([severity.rank for severity in chosen.severities]))
    if chosen.entity is not None:
        conditions += [c.entity_kind == chosen.entity.kind.value, c.entity_value == chosen.entity.value]
    for column, value in (
        (c.service, chosen.service),
        (c.route, chosen.route),
        (c.incident_id, chosen.incident_id),
    ):
        if value is not None:
            conditions.append(column == value)
    if chosen.resolved is not None:
        said = select(RESOLUTIONS.c.anomaly_id).where(RESOLUTIONS.c.anomaly_id == c.id).exists()
        conditions.append(said if chosen.resolved else ~said)
    return conditions


def incidents_where(chosen: IncidentFilter) -> list[ColumnElement[bool]]:
    """The conditions of a filter."""
    conditions = [*_overlaps(INCIDENTS, chosen), *_at_least(INCIDENTS, chosen.min_severity.rank)]
    if chosen.state is not None:
        conditions.append(INCIDENTS.c.state == chosen.state.value)
    if chosen.service is not None:
        of_service = select(INCIDENT_SERVICES.c.incident_id).where(
            INCIDENT_SERVICES.c.service == chosen.service
        )
        conditions.append(INCIDENTS.c.id.in_(of_service))
    return conditions


def _overlaps(table: Table, span: TimeSpan) -> list[ColumnElement[bool]]:
    conditions = []
    if span.since is not None:
        conditions.append(table.c.end_us > span.since)
    if span.until is not None:
        conditions.append(table.c.start_us < span.until)
    return conditions


def _at_least(table: Table, rank: int) -> list[ColumnElement[bool]]:
    return [table.c.severity >= rank] if rank else []

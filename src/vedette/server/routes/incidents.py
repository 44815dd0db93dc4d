"""What people are told about, and the windows behind it."""

from typing import Annotated

from litestar import get
from litestar.params import FromPath, QueryParameter

from vedette.report.json import noun_fields
from vedette.report.moments import iso
from vedette.schema.anomaly import Anomaly, Severity
from vedette.schema.incident import Incident, IncidentState
from vedette.server.answer import problems
from vedette.server.asked import Cursor, Limit, Name, Since, Until, moment_asked, one_of
from vedette.server.bodies import IncidentAnswer, IncidentsAnswer, WindowAnswer, WindowsAnswer
from vedette.server.problem import ProblemError
from vedette.server.rooms import Inside, Rooms
from vedette.server.routes.anomalies import with_what_was_said
from vedette.server.scopes import PREFIX
from vedette.storage.store import PAGE_LIMIT, AnomalyFilter, IncidentFilter, WindowFilter


@get(f"{PREFIX}/incidents", tags=["incidents"], responses=problems(503), sync_to_thread=True)
def incidents(
    rooms: Inside,
    service: Name = None,
    incident_state: Annotated[str | None, QueryParameter(name="state", max_length=100)] = None,
    min_severity: Name = None,
    start_time: Since = None,
    end_time: Until = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> IncidentsAnswer:
    """Incidents, the newest first; all filters hold together."""
    chosen = IncidentFilter(
        service=service,
        state=one_of("state", incident_state, IncidentState) if incident_state else None,
        min_severity=one_of("min_severity", min_severity, Severity) if min_severity else Severity.LOW,
        since=moment_asked("start_time", start_time),
        until=moment_asked("end_time", end_time),
    )
    page = rooms.store.incidents(chosen, limit=limit, cursor=cursor)
    return IncidentsAnswer([noun_fields(i) for i in page.items], len(page.items), page.cursor)


@get(
    f"{PREFIX}/incidents/{{incident_id:str}}",
    tags=["incidents"],
    responses=problems(404, 503),
    sync_to_thread=True,
)
def incident(rooms: Inside, incident_id: FromPath[str]) -> IncidentAnswer:
    """One incident with its anomalies, the newest first, at most a thousand."""
    found, anomalies = kept(rooms, incident_id)
    return IncidentAnswer(noun_fields(found), with_what_was_said(rooms, anomalies))


def kept(rooms: Rooms, incident_id: str) -> tuple[Incident, list[Anomaly]]:
    """An incident, and its anomalies, the newest first, at most a thousand.

    Raises:
        ProblemError: There is no such incident.
    """
    found = rooms.store.incident(incident_id)
    if found is None:
        raise ProblemError(
            404, f"there is no incident {incident_id[:80]!r}: it was never kept, or is kept no longer"
        )
    return found, rooms.store.anomalies(AnomalyFilter(incident_id=incident_id), limit=PAGE_LIMIT).items


@get(f"{PREFIX}/windows", tags=["windows"], responses=problems(503), sync_to_thread=True)
def windows(
    rooms: Inside,
    service: Annotated[str, QueryParameter(max_length=1000, description="Name of the service.")],
    endpoint: Annotated[
        str | None, QueryParameter(max_length=1000, description="A route; left out for the service itself.")
    ] = None,
    start_time: Since = None,
    end_time: Until = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> WindowsAnswer:
    """Closed windows of a service or one of its routes, the oldest first: for charts."""
    chosen = WindowFilter(
        service=service,
        route=endpoint,
        since=moment_asked("start_time", start_time),
        until=moment_asked("end_time", end_time),
    )
    page = rooms.store.windows(chosen, limit=limit, cursor=cursor)
    return WindowsAnswer(
        [WindowAnswer.of(record, iso(record.start)) for record in page.items], len(page.items), page.cursor
    )

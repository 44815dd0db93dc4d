"""What was found, and what people say of it."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from vedette.report.moments import iso
from vedette.schema.anomaly import Anomaly, AnomalyType, Severity
from vedette.schema.live import MemberWeights
from vedette.server.answer import problems
from vedette.server.asked import Cursor, Limit, Name, Since, Until, moment_asked, one_of, several
from vedette.server.bodies import (
    AnomaliesAnswer,
    AnomalyAnswer,
    ResolutionAnswer,
    Said,
    SaidFalse,
    StatsAnswer,
)
from vedette.server.classic import anomaly_fields
from vedette.server.problem import ProblemError
from vedette.server.ready import needs_engine
from vedette.server.rooms import Inside, Rooms, caller_of
from vedette.server.scopes import PREFIX
from vedette.storage.live import AuditLine, Resolution
from vedette.storage.store import AnomalyFilter

_Names = Annotated[
    str | None, QueryParameter(max_length=1000, description="One, or several parted by commas.")
]


@get(f"{PREFIX}/anomalies", tags=["anomalies"], responses=problems(503), sync_to_thread=True)
def anomalies(
    rooms: Inside,
    service: Name = None,
    endpoint: Name = None,
    anomaly_type: Annotated[str | None, QueryParameter(name="type", max_length=1000)] = None,
    severity: _Names = None,
    min_severity: Name = None,
    resolved: FromQuery[bool | None] = None,
    incident: Name = None,
    start_time: Since = None,
    end_time: Until = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> AnomaliesAnswer:
    """Anomalies, the newest first; all filters hold together."""
    chosen = AnomalyFilter(
        types=several("type", anomaly_type, AnomalyType),
        severities=several("severity", severity, Severity),
        min_severity=one_of("min_severity", min_severity, Severity) if min_severity else Severity.LOW,
        service=service,
        route=endpoint,
        incident_id=incident,
        resolved=resolved,
        since=moment_asked("start_time", start_time),
        until=moment_asked("end_time", end_time),
    )
    page = rooms.store.anomalies(chosen, limit=limit, cursor=cursor)
    asked = {
        "service": service,
        "endpoint": endpoint,
        "type": anomaly_type,
        "severity": severity,
        "min_severity": min_severity,
        "resolved": resolved,
        "incident": incident,
        "start_time": None if chosen.since is None else iso(chosen.since),
        "end_time": None if chosen.until is None else iso(chosen.until),
        "limit": limit,
    }
    return AnomaliesAnswer(with_what_was_said(rooms, page.items), len(page.items), asked, page.cursor)


@get(
    f"{PREFIX}/anomalies/{{anomaly_id:str}}",
    tags=["anomalies"],
    responses=problems(404, 503),
    sync_to_thread=True,
)
def anomaly(rooms: Inside, anomaly_id: FromPath[str]) -> AnomalyAnswer:  # type: ignore[valid-type] # a type made at run time
    """One anomaly with its whole arithmetic."""
    found = rooms.store.anomaly(anomaly_id)
    if found is None:
        raise _no_such(anomaly_id)
    answer: AnomalyAnswer = with_what_was_said(rooms, [found])[0]  # type: ignore[valid-type] # as above
    return answer


@post(
    f"{PREFIX}/anomalies/{{anomaly_id:str}}/resolve",
    status_code=200,
    tags=["anomalies"],
    responses=problems(404, 503),
    guards=[needs_engine],
    sync_to_thread=True,
)
def resolve(
    rooms: Inside,
    anomaly_id: FromPath[str],
    request: Request[Any, Any, Any],
    data: JSONBody[Said | None] = None,
) -> ResolutionAnswer:
    """Say that an anomaly was looked at and dealt with. Saying so again replaces what was said."""
    said = data or Said()
    return _say(rooms, request, anomaly_id, said.note, false_positive=False)


@post(
    f"{PREFIX}/anomalies/{{anomaly_id:str}}/false-positive",
    status_code=200,
    tags=["anomalies"],
    responses=problems(404, 409, 503),
    guards=[needs_engine],
    sync_to_thread=True,
)
def false_positive(
    rooms: Inside,
    anomaly_id: FromPath[str],
    request: Request[Any, Any, Any],
    data: JSONBody[SaidFalse | None] = None,
) -> ResolutionAnswer:
    """Say that an anomaly was a false alarm: the narrowest exception that fits is made, so that its like is not told.

    Status 409 with the reason where no exception can be made; nothing is noted then.
    """
    said = data or SaidFalse()
    if rooms.store.anomaly(anomaly_id) is None:
        raise _no_such(anomaly_id)
    reason = rooms.view.exclude(anomaly_id, said.note, said.until_days)
    if reason is not None:
        raise ProblemError(409, f"no exception can be made of it: {reason}")
    return _say(rooms, request, anomaly_id, said.note, false_positive=True)


@get(
    f"{PREFIX}/weights",
    tags=["anomalies"],
    responses=problems(503),
    guards=[needs_engine],
    sync_to_thread=True,
)
def weights(rooms: Inside) -> MemberWeights:
    """How much each member's evidence counts in the scores of requests, and whether answers to alarms changed that."""
    return rooms.view.weights()


@get(f"{PREFIX}/stats", tags=["anomalies"], responses=problems(503), sync_to_thread=True)
def stats(rooms: Inside) -> StatsAnswer:
    """Counts over everything that is kept. `last_analysis`: event time up to which all is judged."""
    found = rooms.store.stats()
    return StatsAnswer(
        found.total,
        found.by_severity,
        found.by_type,
        found.unresolved,
        rooms.view.health().phase,
        None if found.last_analysis is None else iso(found.last_analysis),
    )


def with_what_was_said(rooms: Rooms, found: list[Anomaly]) -> list[Any]:
    """Anomalies as they are answered."""
    said = rooms.store.resolutions([a.id for a in found]) if found else {}
    return [anomaly_fields(a, said.get(a.id)) for a in found]


def _say(
    rooms: Rooms,
    request: Request[Any, Any, Any],
    anomaly_id: FromPath[str],
    note: str,
    *,
    false_positive: bool,
) -> ResolutionAnswer:
    caller, now = caller_of(request.scope), rooms.clock()
    said = Resolution(anomaly_id=anomaly_id, false_positive=false_positive, by=caller.name, at=now, note=note)
    if not rooms.store.resolve(said):
        raise _no_such(anomaly_id)
    rooms.store.audit(
        AuditLine(
            at=now,
            who=caller.name,
            address=caller.address,
            action="false-positive" if false_positive else "resolve",
            target=anomaly_id,
            detail=note,
        )
    )
    changed = rooms.view.answer(anomaly_id, real=not false_positive)
    if changed is not None:
        rooms.store.audit(
            AuditLine(
                at=now,
                who=caller.name,
                address=caller.address,
                action="weights",
                target=anomaly_id,
                detail=changed,
            )
        )
    return ResolutionAnswer(
        id=anomaly_id,
        resolved=True,
        false_positive=false_positive,
        resolved_by=caller.name,
        resolved_at=iso(now),
        note=note,
    )


def _no_such(anomaly_id: str) -> ProblemError:
    return ProblemError(
        404, f"there is no anomaly {anomaly_id[:80]!r}: it was never kept, or is kept no longer"
    )

"""Incidents as pages: where the links of alerts lead to."""

from collections.abc import Mapping
from datetime import UTC
from http import HTTPStatus
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from vedette.live.view import Health
from vedette.report.html import POLICY, incident_page, list_page, refusal_page
from vedette.schema.anomaly import Severity
from vedette.server.answer import problems
from vedette.server.problem import problem_of, told
from vedette.server.rooms import Inside, Rooms
from vedette.server.routes.incidents import kept
from vedette.server.scopes import PREFIX
from vedette.storage.store import IncidentFilter

_LISTED = 100
_PAGE = ResponseSpec(str, generate_examples=False, media_type="text/html", description="A page.")


def _answer(pieces: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response[str]:
    policy = {"Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'"}
    return Response(
        pieces, status_code=status, media_type=MediaType.HTML, headers={**(headers or {}), **policy}
    )


def _above(request: Request[Any, Any, Any]) -> str:
    """What leads to a page's directory. Links are relative, as a proxy may have put the service below another path."""
    return "../" if request.scope["raw_path"].endswith(b"/") else ""


def _refused(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """What went wrong: a page for who can show pages, and a problem as everywhere for programs."""
    problem = problem_of(request, error)
    if "text/html" not in request.headers.get("accept", ""):
        return told(request, problem)
    rooms: Rooms = request.app.state["rooms"]
    health = rooms.view.health()
    page = refusal_page(
        HTTPStatus(problem.status).phrase,
        problem.detail,
        state=_state(health),
        remarks=health.problems,
        others=f"../{_above(request)}report" if request.path_params else None,
    )
    return _answer("".join(page), problem.status, problem.headers)


@get(
    "/report",
    tags=["incidents"],
    responses={200: _PAGE, **problems(503)},
    exception_handlers={Exception: _refused},
    sync_to_thread=True,
)
def report(request: Request[Any, Any, Any], rooms: Inside) -> Response[str]:
    """The latest hundred incidents as a page, the newest first."""
    page = rooms.store.incidents(IncidentFilter(min_severity=Severity.LOW), limit=_LISTED)
    above = _above(request)
    health = rooms.view.health()
    return _answer(
        "".join(
            list_page(
                page.items,
                UTC,
                lambda incident: f"{above}report/{incident}",
                state=_state(health),
                remarks=health.problems,
            )
        )
    )


def _state(health: Health) -> str:
    """How the service does, in a sentence."""
    if health.preparation is not None:
        return f"The service is starting: {health.preparation.told}."
    if not health.logs_processed and health.flows:
        return f"The service is {health.status}: flows are read."
    read = f"{health.logs_processed:,} requests were read" if health.logs_processed else "nothing was read"
    return f"The service is {health.status}: {read} so far."


@get(
    "/report/{incident_id:str}",
    tags=["incidents"],
    responses={200: _PAGE, **problems(404, 503)},
    exception_handlers={Exception: _refused},
    sync_to_thread=True,
)
def incident_report(
    request: Request[Any, Any, Any], rooms: Inside, incident_id: FromPath[str]
) -> Response[str]:
    """One incident as a page: what happened, to what, from whom, what to do, and the arithmetic of its anomalies."""
    found, anomalies = kept(rooms, incident_id)
    rest = f"at {PREFIX}/incidents/{found.id}"
    return _answer(
        "".join(incident_page(found, anomalies, UTC, rest=rest, others=f"../{_above(request)}report"))
    )

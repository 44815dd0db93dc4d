"""Incidents as pages: where the links of alerts lead to."""

from datetime import UTC
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from vedette.live.view import Health
from vedette.report.html import POLICY, incident_page, list_page
from vedette.schema.anomaly import Severity
from vedette.server.answer import problems
from vedette.server.rooms import Inside
from vedette.server.routes.incidents import kept
from vedette.server.scopes import PREFIX
from vedette.storage.store import IncidentFilter

_LISTED = 100
_PAGE = ResponseSpec(str, generate_examples=False, media_type="text/html", description="A page.")


def _answer(pieces: str) -> Response[str]:
    policy = {"Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'"}
    return Response(pieces, media_type=MediaType.HTML, headers=policy)


def _above(request: Request[Any, Any, Any]) -> str:
    """What leads to a page's directory. Links are relative, as a proxy may have put the service below another path."""
    return "../" if request.scope["raw_path"].endswith(b"/") else ""


@get("/report", tags=["incidents"], responses={200: _PAGE, **problems(503)}, sync_to_thread=True)
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

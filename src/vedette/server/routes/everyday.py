"""What looks like attacks, and is not told as such because the site is asked it every day."""

from litestar import get

from vedette.server.answer import problems
from vedette.server.asked import Name
from vedette.server.bodies import EverydayAnswer
from vedette.server.ready import needs_engine
from vedette.server.rooms import Inside
from vedette.server.scopes import PREFIX


@get(
    f"{PREFIX}/everyday",
    tags=["anomalies"],
    responses=problems(503),
    guards=[needs_engine],
    sync_to_thread=True,
)
def everyday(rooms: Inside, service: Name = None) -> EverydayAnswer:
    """Requests that rules call attacks and that are everyday on a route, so that what those rules say did not count."""
    rows = [row for row in rooms.view.everyday() if service is None or row.service == service]
    return EverydayAnswer(rows, len(rows), service)

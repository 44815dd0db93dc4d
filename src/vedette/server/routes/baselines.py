"""What is normal."""

from itertools import groupby

from litestar import get
from litestar.params import FromPath

from vedette.schema.records import BaselineRecord
from vedette.server.answer import problems
from vedette.server.asked import Cursor, Limit
from vedette.server.bodies import BaselineAnswer, BaselinesAnswer
from vedette.server.classic import baseline_answers
from vedette.server.rooms import Inside, Rooms
from vedette.server.scopes import PREFIX


@get(f"{PREFIX}/baselines", tags=["baselines"], responses=problems(503), sync_to_thread=True)
def baselines(rooms: Inside, limit: Limit = 100, cursor: Cursor = None) -> BaselinesAnswer:
    """Baselines of all services and their routes."""
    return _page(rooms, None, limit, cursor)


@get(f"{PREFIX}/baselines/{{service:str}}", tags=["baselines"], responses=problems(503), sync_to_thread=True)
def baselines_of_service(
    rooms: Inside, service: FromPath[str], limit: Limit = 100, cursor: Cursor = None
) -> BaselinesAnswer:
    """Baselines of one service and its routes; none for a service that is not known, or has too little history."""
    return _page(rooms, service, limit, cursor)


def _page(rooms: Rooms, service: str | None, limit: int, cursor: str | None) -> BaselinesAnswer:
    """At most `limit` of the store's rows, and those that complete the last service or route."""
    page = rooms.store.baselines(service, limit=limit, cursor=cursor)
    rows, following = list(page.items), page.cursor
    while following is not None:
        more = rooms.store.baselines(service, limit=1, cursor=following)
        if not more.items or _entity(more.items[0]) != _entity(rows[-1]):
            break
        rows += more.items
        following = more.cursor
    span_s = _span_s(rooms)
    answers: list[BaselineAnswer] = []
    for _, records in groupby(rows, _entity):
        answers += baseline_answers(list(records), span_s)
    return BaselinesAnswer(answers, len(answers), service, following)


def _entity(record: BaselineRecord) -> tuple[str, str | None]:
    return record.service, record.route


def _span_s(rooms: Rooms) -> int:
    """Seconds of a window: requests are kept by the window, and told by the second."""
    windows = rooms.view.configuration().get("windows", {})
    return int(windows.get("span_s", 60))

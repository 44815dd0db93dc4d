"""What comes next."""

from fnmatch import fnmatchcase
from typing import Annotated, Any

import numpy as np
from litestar import get
from litestar.params import FromPath, QueryParameter

from vedette.baselines.error_budget import Burn, Cells
from vedette.baselines.reach import COVERAGE
from vedette.config.error_budget import Slo, error_budget
from vedette.report.forecast import budget_line, budget_told
from vedette.report.moments import iso
from vedette.server.answer import problems
from vedette.server.bodies import ForecastAnswer, ForecastMetric
from vedette.server.problem import ProblemError
from vedette.server.ready import needs_engine
from vedette.server.rooms import Inside, Rooms
from vedette.server.scopes import PREFIX
from vedette.storage.store import PAGE_LIMIT, WindowFilter

_LONGEST_S = 7 * 86_400
_MOST_WINDOWS = 200_000
"""Windows that an error budget is taken of at most: ninety days of minutes are fewer."""

Horizon = Annotated[int, QueryParameter(ge=60, le=_LONGEST_S, description="How far to look ahead, seconds.")]


@get(
    f"{PREFIX}/forecast/{{service:str}}",
    tags=["baselines"],
    responses=problems(503),
    guards=[needs_engine],
    sync_to_thread=True,
)
def forecast(rooms: Inside, service: FromPath[str], horizon_s: Horizon = 3600) -> ForecastAnswer:
    """What is expected of a service's metrics, for charts, and when its error budget is gone at the present rate."""
    try:
        records = rooms.view.forecast(service, horizon_s)
    except TimeoutError:
        raise ProblemError(503, "the service is too busy to look ahead now; try again") from None
    burn = _burn(rooms, service)
    told = None if burn is None else budget_told(burn)
    return ForecastAnswer(
        service=service,
        horizon_s=horizon_s,
        coverage=COVERAGE,
        start_time=[iso(time) for time in records[0].start] if records else [],
        metrics={
            r.metric: ForecastMetric(r.unit, r.expected, r.lower, r.upper, r.sample_count) for r in records
        },
        error_budget=told,
        error_budget_summary=None if told is None else budget_line(told),
    )


def _burn(rooms: Rooms, service: str) -> Burn | None:
    """What became of a service's error budget, by the windows that are kept; None if it has none."""
    slo = Slo.model_validate(_slo(rooms.view.configuration()))
    chosen = next((s.budget for s in slo.services if fnmatchcase(service, s.service)), slo.error_budget)
    if chosen is None:
        return None
    ratio, period = error_budget(chosen)
    cells = Cells(period=period, lately=slo.lately_s * 1_000_000)
    cursor, seen = None, 0
    wanted = WindowFilter(service=service, route=None, since=rooms.clock() - period, until=None)
    while seen < _MOST_WINDOWS:
        page = rooms.store.windows(wanted, limit=PAGE_LIMIT, cursor=cursor)
        columns = np.array([(w.start, w.requests, w.errors_5xx) for w in page.items], dtype=np.float64)
        if len(columns):
            cells.add(columns[:, 0].astype(np.int64), columns[:, 1], columns[:, 2])
        seen, cursor = seen + len(page.items), page.cursor
        if cursor is None:
            break
    return cells.burn(ratio)


def _slo(configuration: dict[str, Any]) -> dict[str, Any]:
    """The section of the configuration as it was told, lists as the tuples that its keys ask for."""
    section = dict(configuration.get("slo", {}))
    return section | {"services": tuple(section.get("services", ()))}

"""What answers here, and how it does."""

from typing import Any

import msgspec
from litestar import Request, get

from vedette import __version__
from vedette.live.view import Preparation
from vedette.server.answer import problems
from vedette.server.bodies import (
    Banner,
    FlowStreamHealth,
    HealthAnswer,
    PreparationAnswer,
    SourceHealth,
    StatusAnswer,
)
from vedette.server.rooms import Inside, caller_of
from vedette.server.scopes import READ


@get("/", tags=["health"], responses=problems(), sync_to_thread=False)
def banner(rooms: Inside) -> Banner:
    """What answers here."""
    return Banner("vedette", __version__, rooms.view.health().status, "/schema")


@get("/health", tags=["health"], responses=problems(), sync_to_thread=False)
def health(rooms: Inside, request: Request[Any, Any, Any]) -> HealthAnswer:
    """How the service does: for load balancers, without a key.

    Status 200 as long as it answers: a failing source is no reason to take the service away. Problems, sources and
    flows name files and addresses, and are shown to callers who may read.
    """
    found = rooms.view.health()
    told = READ in caller_of(request.scope).scopes
    return HealthAnswer(
        status=found.status,
        phase=found.phase,
        logs_processed=found.logs_processed,
        transformer_ready=found.transformer_ready,
        active_models=list(found.active_models),
        problems=list(found.problems) if told else [],
        sources=[
            SourceHealth(s.name, s.state.value, s.reason, s.behind, s.dropped)
            for s in (found.sources if told else ())
        ],
        flows=[
            FlowStreamHealth(f.name, f.format, f.received, f.flows, f.late, f.skipped, f.clock_s)
            for f in (found.flows if told else ())
        ],
        lag_s=found.lag_s,
        sampling=found.sampling,
        preparation=_answer(found.preparation),
    )


@get("/status", tags=["health"], responses=problems(), sync_to_thread=False)
def status(rooms: Inside) -> StatusAnswer:
    """How far the models are."""
    return msgspec.convert(rooms.view.status(), StatusAnswer, from_attributes=True)


def _answer(preparation: Preparation | None) -> PreparationAnswer | None:
    if preparation is None:
        return None
    return PreparationAnswer(preparation.step, preparation.done, preparation.total)

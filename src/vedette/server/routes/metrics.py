"""Metrics for Prometheus."""

from typing import Any

from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec

from vedette.server.answer import problems
from vedette.server.metrics import Exposition


@get(
    "/metrics",
    tags=["health"],
    responses={200: ResponseSpec(str, generate_examples=False, media_type="text/plain"), **problems()},
    sync_to_thread=True,
)
def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Metrics in Prometheus' text format, or in OpenMetrics where that is asked for."""
    exposition: Exposition = request.app.state.exposition
    body, media_type = exposition.write(request.headers.get("accept", ""))
    # As a header: of a media type `text/...` a charset would be said twice, which scrapers refuse to read.
    return Response(body, headers={"content-type": media_type})

"""Taking lines in: plain, from Loki's shippers, and from OpenTelemetry's."""

from typing import Annotated, Any

from litestar import MediaType, Request, Response, post
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.params import QueryParameter

from vedette.parsers.registry import names
from vedette.server.answer import problems
from vedette.server.bodies import TakenAnswer
from vedette.server.documented import octets, reads, text
from vedette.server.media import JSON, NDJSON, PROTOBUF, TEXT, plain
from vedette.server.problem import Fault, ProblemError
from vedette.server.pushed import Push, log_lines, take, undone
from vedette.server.rooms import Inside, Rooms, aside
from vedette.sources.loki_push import decode_loki_push
from vedette.sources.otlp import decode_otlp_logs
from vedette.sources.pushed import PushedLines

_STREAM = 500
_ANY = "auto"
_OBJECT = Schema(type=OpenAPIType.OBJECT)


@post(
    "/ingest",
    status_code=202,
    tags=["ingest"],
    responses=problems(415, 503),
    operation_class=reads(
        "Log lines, as a server writes them. In JSON lines, a text or an object with `log_line` stands for its line, "
        "and any other object is the line of a JSON log.",
        {TEXT: text("Lines."), NDJSON: text("JSON lines.")},
    ),
)
async def ingest(
    rooms: Inside,
    request: Request[Any, Any, Any],
    stream: Annotated[
        str | None,
        QueryParameter(
            max_length=_STREAM, description="Whose lines these are; or the header `X-Vedette-Stream`."
        ),
    ] = None,
    log_format: Annotated[
        str | None,
        QueryParameter(
            name="format", max_length=100, description="Of the lines; or the header `X-Vedette-Format`."
        ),
    ] = None,
    service: Annotated[
        str | None,
        QueryParameter(
            max_length=100, description="Service of all lines; or the header `X-Vedette-Service`."
        ),
    ] = None,
) -> TakenAnswer:
    """Take log lines in. Status 202 once they are on disk and survive a crash; they are judged soon after.

    Status 503 if they could not be kept: nothing was taken, and the same body may be sent again.
    """
    headers = request.headers
    service = service or headers.get("x-vedette-service")
    log_format = _format(log_format, "query") or _format(headers.get("x-vedette-format"), "header")
    body = await request.body()
    kind = plain(headers.get("content-type", TEXT).encode("latin-1"))
    lines = await aside(
        log_lines, body, headers.get("content-encoding", ""), kind, rooms.settings.limits.body_bytes
    )
    push = Push(
        stream or headers.get("x-vedette-stream") or service or "push",
        service,
        log_format,
        lines,
    )
    return await aside(take, rooms.view, [push])


@post(
    "/loki/api/v1/push",
    status_code=204,
    tags=["ingest"],
    responses=problems(415, 503),
    operation_class=reads(
        "A push as Loki takes it: Promtail, Alloy, Fluent Bit, Vector and others send it.",
        {JSON: _OBJECT, PROTOBUF: octets("A `PushRequest` in Snappy's block format.")},
    ),
)
async def loki_push(rooms: Inside, request: Request[Any, Any, Any]) -> None:
    """Take log lines in as Loki does. Labels become the stream, and name the service."""
    await _pushed(rooms, request, loki=True)


@post(
    "/v1/logs",
    status_code=200,
    tags=["ingest"],
    responses=problems(415, 503),
    operation_class=reads(
        "An `ExportLogsServiceRequest` of OTLP/HTTP.",
        {JSON: _OBJECT, PROTOBUF: octets("In protobuf.")},
    ),
)
async def otlp_logs(rooms: Inside, request: Request[Any, Any, Any]) -> Response[bytes]:
    """Take log records in as an OpenTelemetry collector does; the answer has the request's media type."""
    await _pushed(rooms, request, loki=False)
    kind = plain(request.headers.get("content-type", JSON).encode("latin-1"))
    # All was taken: a response without `partial_success`, which in protobuf is nothing at all.
    if kind == PROTOBUF:
        return Response(b"", media_type=PROTOBUF)
    return Response(b"{}", media_type=MediaType.JSON)


def _format(name: str | None, place: str) -> str | None:
    """A format that a sender names; None leaves it to the lines.

    Raises:
        ProblemError: There is none of that name: nobody would ever read what was taken.
    """
    if name is None or name == _ANY:
        return None
    if name not in names():
        field = "format" if place == "query" else "X-Vedette-Format"
        rule = "is no format: leave it out, or see `vedette formats`"
        raise ProblemError(422, f"{field} = {name[:80]!r}: {rule}", [Fault(field, rule, place)])
    return name


async def _pushed(rooms: Rooms, request: Request[Any, Any, Any], *, loki: bool) -> None:
    body, headers = await request.body(), request.headers
    decode = decode_loki_push if loki else decode_otlp_logs
    kind = headers.get("content-type", JSON)

    def work() -> None:
        found: list[PushedLines] = undone(
            lambda: decode(
                body, kind, headers.get("content-encoding", ""), limit=rooms.settings.limits.body_bytes
            )
        )
        take(rooms.view, [Push(lines.stream, lines.service, None, lines.lines) for lines in found])

    await aside(work)

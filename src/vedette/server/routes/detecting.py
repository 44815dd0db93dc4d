"""Judging lines at once."""

from collections.abc import AsyncIterator
from typing import Any

from litestar import MediaType, Request, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp

from vedette.server.answer import Answer, problems
from vedette.server.batch import Entries, Tally, answer_stream
from vedette.server.bodies import BatchAnswer, DetectAnswer, DetectBody
from vedette.server.direct import many_lines, one_line
from vedette.server.documented import batch, reads, text
from vedette.server.media import JSON, NDJSON, plain
from vedette.server.ready import needs_engine
from vedette.server.rooms import Inside, aside
from vedette.server.streamed import Streamed


@post(
    "/detect",
    status_code=200,
    tags=["detect"],
    responses={200: ResponseSpec(DetectAnswer, generate_examples=False), **problems(503)},
    guards=[needs_engine],
    sync_to_thread=False,
)
def detect(rooms: Inside, data: JSONBody[DetectBody]) -> Answer[bytes]:
    """Judge one log line at once, by what needs no window; it is learned from too.

    A line that is no access log is answered with `log_data` null and a `reason`: it is neither called an anomaly, nor
    looked at.
    """
    return Answer(one_line(rooms, data), media_type=MediaType.JSON)


@post(
    "/detect/batch",
    status_code=200,
    tags=["detect"],
    responses={200: ResponseSpec(BatchAnswer, generate_examples=False), **problems(415, 503)},
    guards=[needs_engine],
    operation_class=reads(
        "Log lines: one JSON body of at most 10,000 unless configured otherwise, or a stream of JSON lines of any "
        "length. Each line of a stream is a text, an entry, or itself the line of a JSON log.",
        {JSON: batch(10_000), NDJSON: text("One JSON text or object a line.")},
    ),
)
async def detect_batch(rooms: Inside, request: Request[Any, Any, Any]) -> ASGIApp:
    """Judge many log lines.

    A stream of JSON lines (`application/x-ndjson`) is answered while it comes: one result a line, in order, then a
    line with the `summary`. An entry that is no line gets an object with `error` and `index` in its place.
    """
    if plain(request.headers.get("content-type", "").encode("latin-1")) == NDJSON:

        async def judge(entries: Entries, tally: Tally) -> Any:
            return await aside(entries.judge, rooms.view.detect_all, tally, b"\n")

        pieces = answer_stream(_pieces(request), judge, rooms.settings.limits.line_bytes)
        return Streamed(pieces, NDJSON)
    answer = await many_lines(rooms, await request.body())
    return ASGIResponse(body=b"".join(answer), media_type=MediaType.JSON)


async def _pieces(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    async for piece in request.stream():
        if piece:
            yield piece

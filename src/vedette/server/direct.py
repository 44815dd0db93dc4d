"""`POST /detect` and `/detect/batch` without the framework, where half of the time of the first went.

The framework's routes stay, documented in the OpenAPI document, and answer streams; both are the same functions.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from vedette.report.json import as_json
from vedette.server.batch import Piece, answer_batch, read_line
from vedette.server.batch_body import read_batch, read_json
from vedette.server.bodies import DetectBody
from vedette.server.media import NDJSON, plain
from vedette.server.problem import Fault, ProblemError
from vedette.server.ready import until_ready
from vedette.server.rooms import Rooms, aside

PATH: Final = "/detect"
BATCH_PATH: Final = "/detect/batch"
FEW_PIECES: Final = 3
"""Pieces that are sent one by one; more would cost more than putting them together."""


def one_line(rooms: Rooms, asked: DetectBody) -> bytes:
    """The answer to one line, as JSON.

    Raises:
        ProblemError: It is no line.
    """
    try:
        line = read_line(asked.log_line, rooms.settings.limits.line_bytes)
    except ValueError as error:
        raise ProblemError(422, f"log_line: {error}", [Fault("log_line", str(error))]) from None
    (found,) = rooms.view.detect((line,), (asked.session_id,))
    return as_json(found)


async def many_lines(rooms: Rooms, body: bytes) -> list[Piece]:
    """The answer to many lines, as pieces of JSON: of a thousand lines it is 700 KB, not copied once more.

    Raises:
        ProblemError: The body is none, or too long a list.
    """
    limits = rooms.settings.limits

    def answered() -> list[Piece]:
        entries = read_batch(body, limits.batch_lines, limits.line_bytes)
        return answer_batch(rooms.view.detect_all, entries, limits.line_bytes)

    return await aside(answered)


class Direct:
    """An ASGI application that answers questions about lines, and leaves everything else to another.

    Args:
        rooms: Whose view judges. other: What answers the rest.
    """

    def __init__(self, rooms: Rooms, other: Callable[[Any, Any, Any], Any]) -> None:
        self._rooms = rooms
        self._other = other

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Take one request."""
        path = scope["path"] if scope["type"] == "http" and scope["method"] == "POST" else ""
        pieces: list[Piece]
        if path == PATH:
            await until_ready(self._rooms)
            pieces = [one_line(self._rooms, read_json(_ONE, await _body(receive)))]
        elif path == BATCH_PATH and not _is_stream(scope):
            await until_ready(self._rooms)
            pieces = await many_lines(self._rooms, await _body(receive))
        else:
            await self._other(scope, receive, send)
            return
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"application/json"),
                    (b"content-length", b"%d" % sum(map(len, pieces))),
                ],
            }
        )
        for piece in pieces[:-1] if len(pieces) <= FEW_PIECES else ():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        rest = pieces[-1] if len(pieces) <= FEW_PIECES else b"".join(pieces)
        await send({"type": "http.response.body", "body": rest})


def _is_stream(scope: Any) -> bool:
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    return plain(kind) == NDJSON


async def _body(receive: Any) -> bytes:
    message = await receive()
    pieces: list[bytes] = [message.get("body", b"")]
    while message.get("more_body", False):
        message = await receive()
        pieces.append(message.get("body", b""))
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


_ONE = msgspec.json.Decoder(DetectBody)

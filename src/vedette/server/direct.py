"""`POST /detect` without the framework, where half of the time went.

The framework's route stays, documented in the OpenAPI document; both are this one function.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from vedette.report.json import as_json
from vedette.server.batch import read_line
from vedette.server.bodies import DetectBody
from vedette.server.problem import Fault, ProblemError, invalid
from vedette.server.rooms import Rooms

PATH: Final = "/detect"


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


class Direct:
    """An ASGI application that answers `POST /detect`, and leaves everything else to another.

    Args:
        rooms: Whose view judges. other: What answers the rest.
    """

    def __init__(self, rooms: Rooms, other: Callable[[Any, Any, Any], Any]) -> None:
        self._rooms = rooms
        self._other = other
        self._decoder = msgspec.json.Decoder(DetectBody)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Take one request."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._other(scope, receive, send)
            return
        body = one_line(self._rooms, self._read(await _body(receive)))
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))],
            }
        )
        await send({"type": "http.response.body", "body": body})

    def _read(self, body: bytes) -> DetectBody:
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise invalid(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProblemError(400, f"the body is not JSON: {error}") from None


async def _body(receive: Any) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
    return body

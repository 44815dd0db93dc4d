"""Records, sinks that remember, and drivers for applications."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from vedette.middleware.record import Record


def record(**changes: Any) -> Record:
    values: dict[str, Any] = {
        "time": 1777629600.123456,
        "duration": 0.0421,
        "method": "GET",
        "path": b"/users/7",
        "query": b"q=caf%C3%A9",
        "route": "/users/{user_id}",
        "protocol": "HTTP/1.1",
        "status": 200,
        "bytes_in": 0,
        "bytes_out": 512,
        "peer": "10.0.0.9",
        "forwarded": b"198.51.100.7, 10.0.0.3",
        "user_agent": b"Mozilla/5.0",
        "referer": b"https://shop.example.com/",
        "host": b"shop.example.com",
    }
    return Record(**values | changes)


EXAMPLES = (
    record(),
    record(method="POST", path=b"/orders", query=b"", route=None, status=503, bytes_in=181, duration=2.5),
    record(forwarded=None, referer=None, user_agent=None, peer="2001:db8::7", bytes_out=None),
    record(user_agent=b'a "quoted" \\ \x9f \xe2\x80\xae \x1b', path=b"/%00/\xff", status=404, route=None),
)
"""What the golden log holds."""


class Remembering:
    """A sink that keeps what it is given; it can fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.records: list[Record] = []
        self._error = error

    def put(self, record: Record) -> None:
        if self._error is not None:
            raise self._error
        self.records.append(record)


def scope(path: str = "/", method: str = "GET", **changes: Any) -> dict[str, Any]:
    headers = changes.pop("headers", [(b"host", b"shop.example.com"), (b"user-agent", b"test/1")])
    values = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("10.0.0.9", 4711),
        "server": ("127.0.0.1", 80),
    }
    return values | changes


def call(
    app: Callable[..., Awaitable[None]], of: dict[str, Any], body: Iterable[bytes] = (b"",)
) -> list[dict[str, Any]]:
    """Run one request of an ASGI application; returns what it sent."""
    pieces = list(body)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not pieces:
            await asyncio.Event().wait()
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(dict(message))

    asyncio.run(app(of, receive, send))  # type: ignore[arg-type]
    return sent


def environ(path: str = "/", method: str = "GET", **changes: Any) -> dict[str, Any]:
    from wsgiref.util import setup_testing_defaults

    made: dict[str, Any] = {
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "REMOTE_ADDR": "10.0.0.9",
        "HTTP_HOST": "shop.example.com",
        "HTTP_USER_AGENT": "test/1",
        "SERVER_PROTOCOL": "HTTP/1.1",
    } | changes
    setup_testing_defaults(made)
    return made


def get(app: Any, of: dict[str, Any]) -> tuple[str, bytes]:
    """Run one request of a WSGI application as a server would; returns its status and body."""
    begun: list[str] = []
    written: list[bytes] = []

    def start(status: str, headers: Any, *_: Any) -> Callable[[bytes], object]:
        begun.append(status)
        return written.append

    body = app(of, start)
    try:
        return_value = b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()
    return begun[-1], b"".join(written) + return_value

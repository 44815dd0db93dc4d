"""Middleware for ASGI applications: FastAPI, Starlette, Litestar, Django (https://asgi.readthedocs.io)."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from time import perf_counter
from typing import Any

from vedette.middleware.record import HEADER_BYTES, TARGET_BYTES, Record, encoded_path
from vedette.middleware.ship import Ship
from vedette.middleware.sink import Sink, now

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

CLIENT_GONE = 499
"""What nginx logs for a client that went away before it was answered."""
_SENT_BY_SERVER = frozenset({"http.response.pathsend", "http.response.zerocopysend"})
_BODYLESS = frozenset({"GET", "HEAD", "OPTIONS", "DELETE", "TRACE"})


class VedetteASGI:
    """Records each HTTP request of an application; web sockets and lifespan pass untouched.

    Args:
        app: The application.
        url: Of a Vedette server; see `Ship`. service, key, key_file: Likewise.
        sink: Where records go, instead.
    """

    def __init__(
        self,
        app: Application,
        url: str | None = None,
        *,
        service: str | None = None,
        key: str | None = None,
        key_file: str | None = None,
        sink: Sink | None = None,
    ) -> None:
        self._app = app
        self.sink: Sink = Ship(url, key=key, key_file=key_file, service=service) if sink is None else sink

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application, and record what it does."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self.sink)
        try:
            await self._app(scope, exchange.receive if exchange.counts_body else receive, exchange.send)
        except Exception:
            exchange.end(500)
            raise
        except BaseException:
            # Cancelled: the server does so when the client has gone.
            exchange.end(CLIENT_GONE)
            raise
        exchange.end(500)


class _Exchange:
    """One request while it runs."""

    __slots__ = (
        "_began",
        "_headers",
        "_path",
        "_query",
        "_received",
        "_root",
        "_scope",
        "_send",
        "_sent",
        "_sink",
        "_status",
        "_wait",
        "counts_body",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, sink: Sink) -> None:
        self._began: float | None = perf_counter()
        self._scope = scope
        self._wait = receive
        self._send = send
        self._sink = sink
        self._status = 0
        self._sent = 0
        self._received = 0
        # The application may change these in place; routers do.
        self._root = scope.get("root_path") or ""
        self._path = scope.get("raw_path")
        self._query = scope.get("query_string") or b""
        self._headers: Iterable[tuple[bytes, bytes]] = scope.get("headers") or ()
        if self._path is None:
            self._path = scope.get("path") or ""
        self.counts_body = scope.get("method") not in _BODYLESS

    async def receive(self) -> Message:
        """Pass on what the client sends, counting it."""
        message = await self._wait()
        body = message.get("body")
        if body:
            self._received += len(body)
        return message

    async def send(self, message: Message) -> None:
        """Pass on what the application sends, counting it."""
        kind = message.get("type")
        last = False
        if kind == "http.response.body":
            self._sent += len(message.get("body") or b"")
            last = not message.get("more_body", False)
        elif kind == "http.response.start":
            self._status = message.get("status") or 0
        elif kind in _SENT_BY_SERVER:
            last = not message.get("more_body", False)
            self._sent = -1
        await self._send(message)
        if last:
            self.end(self._status)

    def end(self, status: int) -> None:
        """Record it, once. `status`: what the client sees if the application has not begun to answer."""
        began, self._began = self._began, None
        if began is None:
            return
        duration = perf_counter() - began
        # Whatever fails here must not be the application's failure.
        with suppress(Exception):
            self._sink.put(self._record(duration, self._status or status))

    def _record(self, duration: float, status: int) -> Record:
        scope = self._scope
        agent = referer = host = length = forwarded = None
        for name, value in self._headers:
            if name == b"user-agent":
                agent = value[:HEADER_BYTES]
            elif name == b"host":
                host = value[:HEADER_BYTES]
            elif name == b"referer":
                referer = value[:HEADER_BYTES]
            elif name == b"content-length":
                length = value
            elif name == b"x-forwarded-for":
                # Several headers are one list (RFC 9110, 5.3); its end counts, which the nearest proxy wrote.
                forwarded = value if forwarded is None else forwarded + b", " + value
        received = int(length) if length is not None and length.isdigit() else self._received
        path = self._path
        raw = encoded_path(path) if isinstance(path, str) else bytes(path or b"/").partition(b"?")[0]
        client = scope.get("client")
        version = scope.get("http_version") or "1.1"
        return Record(
            now(),
            duration,
            scope.get("method") or "",
            raw[:TARGET_BYTES],
            self._query[:TARGET_BYTES],
            _route(scope, self._root),
            f"HTTP/{version}",
            status,
            received,
            None if self._sent < 0 else self._sent,
            client[0] if client else None,
            None if forwarded is None else forwarded[-HEADER_BYTES:],
            agent,
            referer,
            host,
        )


def _route(scope: Scope, root: str) -> str | None:
    """The route's template where the framework left it: Starlette and FastAPI, Litestar, or `vedette_route`."""
    marked = scope.get("vedette.route")
    if marked is not None:
        return str(marked)
    found = getattr(scope.get("route"), "path_format", None) or getattr(scope.get("route"), "path", None)
    if found is not None:
        # Under a mount, a route knows its own part alone.
        return f"{(scope.get('root_path') or '')[len(root) :]}{found}"
    template = scope.get("path_template")
    return None if template is None else str(template)

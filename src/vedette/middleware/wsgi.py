"""Middleware for WSGI applications: Flask, Django (PEP 3333)."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from time import perf_counter
from typing import Any

from vedette.middleware.record import HEADER_BYTES, TARGET_BYTES, Record, encoded_path
from vedette.middleware.ship import Ship
from vedette.middleware.sink import Sink, now

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class VedetteWSGI:
    """Records each request of an application.

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

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Run the application, and record what it does."""
        exchange = _Exchange(environ, start_response, self.sink)
        try:
            body = self._app(environ, exchange.start)
        except BaseException:
            exchange.end(500)
            raise
        wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(wrapper, type) and isinstance(body, wrapper):
            # The server sends the file itself, faster than anybody could count.
            exchange.sent = None
            exchange.end(500)
            return body
        if type(body) in (list, tuple):
            # Servers ask how long these are, to tell the length of the answer.
            return _Whole(body, exchange)
        return _Pieces(body, exchange)


class _Exchange:
    """One request while it runs."""

    __slots__ = (
        "_began",
        "_environ",
        "_path",
        "_query",
        "_route",
        "_script",
        "_sink",
        "_start",
        "_status",
        "sent",
    )

    def __init__(self, environ: Environ, start_response: StartResponse, sink: Sink) -> None:
        self._began: float | None = perf_counter()
        self._environ = environ
        self._start = start_response
        self._sink = sink
        self._status = 0
        self._route: str | None = None
        self.sent: int | None = 0
        # Applications that dispatch to others change these in place.
        self._script = environ.get("SCRIPT_NAME") or ""
        self._path = environ.get("PATH_INFO") or ""
        self._query = environ.get("QUERY_STRING") or ""

    def start(self, status: str, headers: Any, *exc_info: Any) -> Callable[[bytes], object]:
        """Pass on the beginning of the answer."""
        write = self._start(status, headers, *exc_info)
        self._status = int(status[:3]) if status[:3].isdigit() else 0
        # Flask forgets its request when the application has returned.
        with suppress(Exception):
            self._route = _route(self._environ, self._script)

        def counted(text: bytes) -> object:
            self.add(len(text))
            return write(text)

        return counted

    def add(self, size: int) -> None:
        """Count bytes of the answer."""
        if self.sent is not None:
            self.sent += size

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
        get = self._environ.get
        length = get("CONTENT_LENGTH") or ""
        received: int | None = int(length) if length.isascii() and length.isdigit() else 0
        if not length and get("HTTP_TRANSFER_ENCODING"):
            received = None
        forwarded = get("HTTP_X_FORWARDED_FOR")
        return Record(
            now(),
            duration,
            get("REQUEST_METHOD") or "",
            self._raw_path()[:TARGET_BYTES],
            self._query.encode("latin-1", "replace")[:TARGET_BYTES],
            self._route or _route(self._environ, self._script),
            get("SERVER_PROTOCOL") or "HTTP/1.1",
            status,
            received,
            self.sent,
            get("REMOTE_ADDR") or None,
            None if forwarded is None else forwarded.encode("latin-1", "replace")[-HEADER_BYTES:],
            _header(get("HTTP_USER_AGENT")),
            _header(get("HTTP_REFERER")),
            _header(get("HTTP_HOST")),
        )

    def _raw_path(self) -> bytes:
        """The path as it was sent, where the server tells it."""
        raw = self._environ.get("RAW_URI") or self._environ.get("REQUEST_URI")
        if isinstance(raw, str) and raw.startswith("/"):
            return raw.partition("?")[0].encode("latin-1", "replace")
        # PEP 3333: bytes, each as the character of its number.
        decoded = (self._script + self._path).encode("latin-1", "replace")
        return encoded_path(decoded.decode("utf-8", "surrogateescape"))


class _Whole(list[bytes]):
    """A body that is there as a whole."""

    __slots__ = ("_exchange",)

    def __init__(self, body: Iterable[bytes], exchange: _Exchange) -> None:
        super().__init__(body)
        self._exchange = exchange
        exchange.add(sum(map(len, self)))

    def close(self) -> None:
        """The server has sent it, or given up."""
        self._exchange.end(500)


class _Pieces:
    """A body that comes in pieces."""

    __slots__ = ("_body", "_exchange", "_pieces")

    def __init__(self, body: Iterable[bytes], exchange: _Exchange) -> None:
        self._body = body
        self._pieces: Iterator[bytes] | None = None
        self._exchange = exchange

    def __iter__(self) -> "_Pieces":
        return self

    def __next__(self) -> bytes:
        try:
            if self._pieces is None:
                self._pieces = iter(self._body)
            piece = next(self._pieces)
        except BaseException:
            # Its end, or a failure: either way there is no more.
            self._exchange.end(500)
            raise
        self._exchange.add(len(piece))
        return piece

    def close(self) -> None:
        """The server has sent it, or given up."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._exchange.end(500)


def _header(value: str | None) -> bytes | None:
    return None if value is None else value.encode("latin-1", "replace")[:HEADER_BYTES]


def _route(environ: Environ, script: str) -> str | None:
    """The route's template where the framework left it: Flask's request, or what `vedette_route` marked."""
    marked = environ.get("vedette.route")
    if marked is not None:
        return str(marked)
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    found = getattr(rule, "rule", None)
    return None if found is None else f"{(environ.get('SCRIPT_NAME') or '')[len(script) :]}{found}"

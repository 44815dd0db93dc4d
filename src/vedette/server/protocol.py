"""One connection: uvicorn's own protocol, with an end to how long and how slow a request's head may be."""

import asyncio
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from vedette.server.problem import MEDIA_TYPE, problem_body

CONNECTIONS: Final = 1000
"""Open at one time."""
HEAD_BYTES: Final = 1 << 16
"""Longest head of a request: its line and headers."""
HEAD_S: Final = 10.0
"""How long a head may take to arrive, from its first byte, or from the connection's beginning."""


class BoundedProtocol(HttpToolsProtocol):
    """A connection. uvicorn's parser keeps headers of any length, and waits for them for ever."""

    _head_bytes = 0
    _reading_head = True
    _until: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            self._refuse(503, f"{CONNECTIONS} connections are open already: come back later")
            return
        self._until = self.loop.call_later(HEAD_S, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; the head so far is counted."""
        if self._reading_head:
            self._head_bytes += len(data)
            if self._until is None:
                self._until = self.loop.call_later(HEAD_S, self._too_slow)
        super().data_received(data)
        # A head that ended in this piece was short enough if the piece was: pieces are at most 256 KiB.
        if self._reading_head and self._head_bytes > HEAD_BYTES:
            self._refuse(431, f"the request's head is longer than {HEAD_BYTES} bytes")

    def on_message_begin(self) -> None:
        """A head begins."""
        self._reading_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """It has ended."""
        self._reading_head, self._head_bytes = False, 0
        self._stop_waiting()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(400, msg)

    def _too_slow(self) -> None:
        self._until = None
        if self._reading_head:
            self._refuse(408, f"the request's head took longer than {HEAD_S:g} s to arrive")

    def _stop_waiting(self) -> None:
        if self._until is not None:
            self._until.cancel()
            self._until = None

    def _refuse(self, status: int, detail: str) -> None:
        if self.transport.is_closing():
            return
        self._stop_waiting()
        body = problem_body(status, detail, "")
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


PROTOCOL: Any = BoundedProtocol
"""uvicorn's type of it names its own two."""

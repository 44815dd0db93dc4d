"""What is recorded of a request, and how it is written: the format `vedette-json`.

Keys are those of OpenTelemetry's semantic conventions for HTTP
(https://opentelemetry.io/docs/specs/semconv/http/http-spans/), flat, each a line of JSON.
"""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import quote

FORMAT = "vedette-json"
TARGET_BYTES = 8192
"""Longest path, and longest query, that is kept; more is cut."""
HEADER_BYTES = 2048
"""The same of a header."""


class Record(NamedTuple):
    """One request, as it came: bytes are decoded where they are written, off the request's way.

    Times are seconds, sizes bytes; None is what is not known.
    """

    time: float
    """When its last byte was handed to the server, since the epoch."""
    duration: float
    method: str
    path: bytes
    """As sent, still percent-encoded."""
    query: bytes
    route: str | None
    protocol: str
    status: int
    bytes_in: int | None
    bytes_out: int | None
    peer: str | None
    forwarded: bytes | None
    user_agent: bytes | None
    referer: bytes | None
    host: bytes | None

    @property
    def size(self) -> int:
        """About how much memory it takes, bytes."""
        return (
            400
            + len(self.path)
            + len(self.query)
            + len(self.forwarded or b"")
            + len(self.user_agent or b"")
            + len(self.referer or b"")
            + len(self.host or b"")
        )


def encode(records: Iterable[Record], service: str | None = None) -> bytes:
    """Lines of JSON, each with its newline; keys of what is not known are left out."""
    return b"".join(_line(record, service) for record in records)


def _line(record: Record, service: str | None) -> bytes:
    fields: dict[str, Any] = {
        "time": round(record.time, 6),
        "http.request.method": record.method,
        "url.path": _text(record.path),
        "url.query": _text(record.query) or None,
        "http.route": record.route,
        "network.protocol": record.protocol,
        "http.response.status_code": record.status,
        "http.server.request.duration": round(record.duration, 6),
        "http.request.size": record.bytes_in,
        "http.response.size": record.bytes_out,
        "network.peer.address": record.peer,
        "http.request.header.x-forwarded-for": _text(record.forwarded),
        "user_agent.original": _text(record.user_agent),
        "http.request.header.referer": _text(record.referer),
        "server.address": _text(record.host),
        "service.name": service,
    }
    known = {name: value for name, value in fields.items() if value is not None}
    return json.dumps(known, separators=(",", ":")).encode() + b"\n"


def _text(raw: bytes | None) -> str | None:
    r"""Bytes as text; those that are no UTF-8 as `\x9f`, as web servers log them."""
    return None if raw is None else raw.decode("utf-8", "backslashreplace")


def encoded_path(path: str) -> bytes:
    """A decoded path as it may have been sent, for servers that keep only the decoded one."""
    return quote(path.encode("utf-8", "surrogateescape"), safe="/:@!$&'()*+,;=~-._").encode()

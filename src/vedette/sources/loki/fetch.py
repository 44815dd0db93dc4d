"""Asks a Loki for pages over HTTP (https://grafana.com/docs/loki/latest/reference/loki-http-api/).

By the standard library's `http.client`: one connection that stays open, and answers read to a limit.
"""

import http.client
import re
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from vedette import __version__
from vedette.sources.loki.walk import Ask, Entry, selector_of

ANSWER_BYTES = 256 << 20
"""Longest answer: a page of 5,000 lines of 50 kB."""
TIMEOUT_S = 30.0
_LIMIT = re.compile(rb"max entries limit[^(]*\((?:limit > max_entries_limit \()?(\d+) > (\d+)\)")
_WORDS = 200


class _Value(msgspec.Struct, array_like=True):
    time: str
    line: str
    metadata: Any = None


class _Stream(msgspec.Struct):
    stream: dict[str, str] = {}
    values: list[_Value] = []


class _Result(msgspec.Struct, rename={"kind": "resultType"}):
    kind: str
    result: list[msgspec.Raw]


class _Answer(msgspec.Struct):
    data: _Result


class _Series(msgspec.Struct):
    data: list[dict[str, str]] = []


class LokiError(Exception):
    """Loki did not give a page; says why, without secrets.

    Attributes:
        retry_after_s: When it asked to come back, if it did.
        lower_limit: It gives fewer entries at once; `highest` says how many, if it does.
    """

    def __init__(
        self,
        reason: str,
        *,
        retry_after_s: float | None = None,
        lower_limit: bool = False,
        highest: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.lower_limit = lower_limit
        self.highest = highest


@dataclass(frozen=True, slots=True)
class Server:
    """A Loki.

    Attributes:
        url: Its address, without `/loki/api/...`.
        tenant: Sent as `X-Scope-OrgID`.
        username, password: For basic authentication. token: Sent as `Authorization: Bearer`.
    """

    url: str
    tenant: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    def headers(self) -> dict[str, str]:
        """What is sent with each request."""
        headers = {
            "User-Agent": f"vedette/{__version__}",
            "Accept": "application/json",
            # Structured metadata stays apart from labels: else each trace would be a stream of its own.
            "X-Loki-Response-Encoding-Flags": "categorize-labels",
        }
        if self.tenant is not None:
            headers["X-Scope-OrgID"] = self.tenant
        if self.username is not None:
            login = b64encode(f"{self.username}:{self.password or ''}".encode()).decode()
            headers["Authorization"] = f"Basic {login}"
        elif self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        return headers


class Fetcher:
    """Asks one Loki, over one connection."""

    def __init__(self, server: Server) -> None:
        self._parts = urlsplit(server.url.rstrip("/"))
        self._headers = server.headers()
        self._connection: http.client.HTTPConnection | None = None

    def entries(self, ask: Ask) -> list[Entry]:
        """A page.

        Raises:
            LokiError: There is none.
        """
        body = self._get(
            "query_range",
            {
                "query": ask.query,
                "start": ask.start,
                "end": ask.end,
                "limit": ask.limit,
                "direction": "forward",
            },
        )
        try:
            data = msgspec.json.decode(body, type=_Answer).data
            if data.kind != "streams":
                raise LokiError(
                    f"the query gives {data.kind[:20]}, not lines; leave out functions like rate()"
                )
            streams = [msgspec.json.decode(stream, type=_Stream) for stream in data.result]
            return [
                Entry(int(value.time), stream.stream, value.line)
                for stream in streams
                for value in stream.values
            ]
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise LokiError(f"its answer does not read: {str(error)[:_WORDS]}") from None

    def series(self, ask: Ask) -> list[dict[str, str]]:
        """The streams that match.

        Raises:
            LokiError: It did not say.
        """
        body = self._get("series", {"match[]": selector_of(ask.query), "start": ask.start, "end": ask.end})
        try:
            return msgspec.json.decode(body, type=_Series).data
        except msgspec.MsgspecError as error:
            raise LokiError(f"its answer does not read: {str(error)[:_WORDS]}") from None

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _get(self, what: str, parameters: Mapping[str, str | int]) -> bytes:
        path = f"{self._parts.path}/loki/api/v1/{what}?{urlencode(parameters)}"
        try:
            response, body = self._exchange(path)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            said = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise LokiError(f"{self._parts.netloc}: {said[:_WORDS]}; see that Loki runs there") from None
        if len(body) > ANSWER_BYTES:
            self.close()
            raise LokiError(f"its answer has more than {ANSWER_BYTES} bytes", lower_limit=True)
        if response.status == http.client.OK:
            return body
        raise _refusal(response, body)

    def _exchange(self, path: str) -> tuple[http.client.HTTPResponse, bytes]:
        if self._connection is None:
            self._connection = self._connect()
        try:
            self._connection.request("GET", path, headers=self._headers)
            response = self._connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # It closed an idle connection: once more, over a new one.
            self.close()
            self._connection = self._connect()
            self._connection.request("GET", path, headers=self._headers)
            response = self._connection.getresponse()
        body = response.read(ANSWER_BYTES + 1)
        if response.will_close or len(body) > ANSWER_BYTES:
            self.close()
        return response, body

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(
                host, port, timeout=TIMEOUT_S, context=ssl.create_default_context()
            )
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)


_REMEDIES = {
    401: "give `username` and `password`, or `token`",
    403: "see what the user may read",
    404: "give the address without /loki/api/v1",
}


def _refusal(response: http.client.HTTPResponse, body: bytes) -> LokiError:
    status = response.status
    found = _LIMIT.search(body)
    if status == http.client.BAD_REQUEST and b"max entries limit" in body:
        return LokiError(
            "it gives fewer lines at once", lower_limit=True, highest=int(found[2]) if found else None
        )
    said = " ".join(body[:_WORDS].decode("utf-8", "replace").split())
    clean = "".join(c for c in said if c.isprintable())
    reason = f"HTTP {status}" + (f": {clean}" if clean else "")
    if status in _REMEDIES:
        reason += f"; {_REMEDIES[status]}"
    pause = response.headers.get("Retry-After", "")
    return LokiError(reason, retry_after_s=float(pause) if pause.isdigit() else None)

"""Ships records to a Vedette server: lines of JSON through `POST /ingest`."""

import json
import os
import random
from pathlib import Path
from urllib.parse import quote, urlsplit

from vedette.middleware.record import FORMAT, Record, encode
from vedette.middleware.sink import DeliveryError, Queue, RefusedError

TIMEOUT_S = 5.0
_REFUSALS = frozenset({400, 413, 415, 422})
ANSWER_BYTES = 64 << 10
_REMEDIES = {
    401: ": the key is missing or unknown: give key_file=, or VEDETTE_KEY, as `vedette key create` printed it",
    403: ": the key may not send lines: make one with `vedette key create NAME --scope ingest`",
    404: ": there is no Vedette at this address: check the path in url=",
    405: ": there is no Vedette at this address: check url=",
}


class Ship(Queue):
    """A queue to a server.

    Args:
        url: Of the server, like `http://vedette:8430`; by default the environment's `VEDETTE_URL`.
        key: An API key with the scope `ingest`; by default that of `key_file`, or the environment's `VEDETTE_KEY`.
        key_file: File that holds the key.
        service: Name of the application; without it, the server goes by the host that was asked for.
        queue: As `Queue` takes them: `most_records`, `batch_age_s` ...

    Raises:
        ValueError: The URL is none, or there is no key where it should be.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        key: str | None = None,
        key_file: str | None = None,
        service: str | None = None,
        **queue: float,
    ) -> None:
        url = url or os.environ.get("VEDETTE_URL") or ""
        if not url:
            raise ValueError(
                "url: there is none: give url=, or set VEDETTE_URL, to the address of a Vedette server, "
                "like http://vedette:8430"
            )
        if key is not None and key_file is not None:
            raise ValueError("key, key_file: must be one of them, not both")
        if key is None:
            key = _read(key_file) if key_file else os.environ.get("VEDETTE_KEY")
        super().__init__(HttpDelivery(url, key, service), **queue)  # type: ignore[arg-type]


def _read(key_file: str) -> str:
    """The key that a file holds."""
    try:
        key = Path(key_file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ValueError(f"key_file = {key_file!r}: cannot be read: {why}") from None
    if not key:
        raise ValueError(f"key_file = {key_file!r}: holds no key; `vedette key create` prints one")
    return key


class HttpDelivery:
    """Posts batches over one connection, which is opened anew when it broke."""

    def __init__(self, url: str, key: str | None, service: str | None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(
                f"url = {url!r}: must be the address of a Vedette server, like http://vedette:8430"
            )
        if key is not None and not (key.isascii() and key.isprintable()):
            raise ValueError("key: must be printable ASCII")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        stream = quote(service or "middleware", safe="")
        self._target = f"{parts.path.rstrip('/')}/ingest?format={FORMAT}&stream={stream}"
        self._headers = {"Content-Type": "application/x-ndjson"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"
        self._service = service
        self._connection: object | None = None

    def deliver(self, records: list[Record]) -> int:
        """See `Delivery`."""
        # Not before: no application should wait for this import, nor a process that only forks.
        import http.client

        connection = self._connection
        if not isinstance(connection, http.client.HTTPConnection):
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            connection = self._connection = kind(self._host, self._port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", self._target, encode(records, self._service), self._headers)
            answer = connection.getresponse()
            body = answer.read(ANSWER_BYTES)
            if answer.will_close or not answer.isclosed():
                self.close()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise DeliveryError(f"{self._host}: {type(error).__name__}", _jitter()) from None
        if 200 <= answer.status < 300:
            return _taken(body, len(records))
        reason = f"{self._host}: HTTP {answer.status}" + _REMEDIES.get(answer.status, "")
        if answer.status in _REFUSALS:
            raise RefusedError(reason)
        wait = answer.headers.get("Retry-After", "")
        raise DeliveryError(reason, float(wait) if wait.isdecimal() else _jitter())

    def close(self) -> None:
        """See `Delivery`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()  # type: ignore[attr-defined]


def _taken(body: bytes, sent: int) -> int:
    """How many of the lines the server says that it took, from the first on; all if it says nothing of it."""
    try:
        said = json.loads(body)
        taken = said["taken"]
    except (ValueError, TypeError, KeyError):
        return sent
    return min(max(taken, 0), sent) if isinstance(taken, int) else sent


def _jitter() -> float:
    # So that a hundred processes do not come back at the same instant; no secret rests on it.
    return random.uniform(0.0, 1.0)  # noqa: S311

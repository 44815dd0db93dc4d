"""One HTTP POST with a deadline.

By the standard library's `http.client`: a message now and then needs no pool of connections, nothing more is to be
installed, and what matters here is in plain sight: no redirect to another host, an answer that is read to a limit,
and a deadline over the whole exchange, which neither `urllib.request` nor httpx offers (their time-outs start anew
with every byte that drips in).
"""

import contextlib
import http.client
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec

from vedette import __version__
from vedette.channels.channel import Failed, Result, Sent

ANSWER_BYTES = 64 << 10
"""How much of an answer is read."""
REDIRECTS = 3
LONGEST_PAUSE_S = 3600.0
"""A longer `Retry-After` is taken for this."""
_REFUSALS = frozenset({400, 413, 414, 415, 422})
"""The message itself is at fault."""
_DROPPING = frozenset({301, 302, 303})
"""Redirects that are followed by asking for a page (RFC 9110, 15.4), without what was posted."""


class PostError(Exception):
    """It could not be posted; says why, without the path and query of the address, which may be secret."""


class Answer(msgspec.Struct, frozen=True):
    """What came back: the status, the headers `Retry-After`, and the first `ANSWER_BYTES` of the body."""

    status: int
    retry_after: str | None
    body: bytes


def basic(username: str, password: str) -> str:
    """The value of `Authorization` for basic authentication."""
    return f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"


def post(address: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Answer:
    """Post to an http or https address, directly or through the proxy that the environment names.

    Raises:
        PostError: Nothing came back in time, or a redirect led elsewhere.
    """
    parts = urlsplit(address)
    sent = {
        "User-Agent": f"vedette/{__version__}",
        "Content-Type": "application/json",
        **headers,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    for _ in range(REDIRECTS + 1):
        answer, location = _exchange(parts, body, sent, timeout_s)
        if location is None:
            return answer
        there = urlsplit(urljoin(parts.geturl(), location))
        if (there.scheme, there.netloc) != (parts.scheme, parts.netloc):
            raise PostError(
                f"{parts.hostname}: redirects elsewhere, which is not followed: give that address"
            )
        parts = there
    raise PostError(f"{parts.hostname}: redirects in a circle")


def result(answer: Answer, reference: str = "") -> Result:
    """What an answer means for a message."""
    if 200 <= answer.status < 300:
        return Sent(reference)
    said = " ".join(answer.body[:200].decode("utf-8", "replace").split())
    clean = "".join(c for c in said if c.isprintable())
    if answer.status in _DROPPING:
        clean = (
            "redirects elsewhere, and a message is dropped on such a way: give the address that it leads to"
        )
    reason = f"HTTP {answer.status}" + (f": {clean}" if clean else "")
    return Failed(reason, _pause(answer.retry_after), refused=answer.status in _REFUSALS)


def deliver(
    address: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float, reference: str = ""
) -> Result:
    """Post, and say what that means."""
    try:
        return result(post(address, body, headers, timeout_s=timeout_s), reference)
    except PostError as error:
        return Failed(str(error))


def _pause(text: str | None) -> float | None:
    """Seconds that a `Retry-After` asks for (RFC 9110, 10.2.3): a number, or a date."""
    if text is None:
        return None
    try:
        seconds = float(text) if text.strip().replace(".", "", 1).isdigit() else _until(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_PAUSE_S)


def _until(text: str) -> float:
    moment = parsedate_to_datetime(text)
    return (moment - datetime.now(UTC)).total_seconds()


def _exchange(
    parts: SplitResult, body: bytes, headers: Mapping[str, str], timeout_s: float
) -> tuple[Answer, str | None]:
    host = parts.hostname or ""
    connection, target, more = _connection(parts, timeout_s)
    # Shut from outside when time is over: a socket's own time-out starts anew with every byte.
    late = threading.Event()
    # Kept here, because the connection forgets its socket as soon as the headers of the answer are there.
    sockets: list[socket.socket] = []

    def stop() -> None:
        late.set()
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(timeout_s, stop)
    watch.daemon = True
    watch.start()
    try:
        connection.connect()
        sockets.append(connection.sock)
        if late.is_set():
            raise TimeoutError  # Time was over before there was a socket to shut.
        connection.request("POST", target, body, {**headers, **more})
        response = connection.getresponse()
        text = response.read(ANSWER_BYTES)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            raise PostError(f"{host}: no whole answer within {timeout_s:g} s") from None
        raise PostError(f"{host}: {_why(error)}") from None
    finally:
        watch.cancel()
        connection.close()
    if late.is_set():
        raise PostError(f"{host}: no whole answer within {timeout_s:g} s")
    location = response.headers.get("Location") if response.status in (307, 308) else None
    return Answer(response.status, response.headers.get("Retry-After"), text), location


def _connection(
    parts: SplitResult, timeout_s: float
) -> tuple[http.client.HTTPConnection, str, dict[str, str]]:
    """A connection not opened yet, what to ask for over it, and headers for a proxy."""
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    proxy = None if proxy_bypass(host) else getproxies().get(parts.scheme)
    if proxy is None:
        return _open(host, port, secure, timeout_s), path, {}
    through = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    login = {}
    if through.username is not None:
        login = {"Proxy-Authorization": basic(unquote(through.username), unquote(through.password or ""))}
    connection = _open(through.hostname or "", through.port or 3128, secure, timeout_s)
    if not secure:
        return connection, parts._replace(fragment="").geturl(), login
    connection.set_tunnel(host, port, login)
    return connection, path, {}


def _open(host: str, port: int, secure: bool, timeout_s: float) -> http.client.HTTPConnection:
    if secure:
        return http.client.HTTPSConnection(
            host, port, timeout=timeout_s, context=ssl.create_default_context()
        )
    return http.client.HTTPConnection(host, port, timeout=timeout_s)


def tls_reason(error: ssl.SSLError) -> str:
    """Why, in words: `TLSV1_ALERT_INTERNAL_ERROR` is `tlsv1 alert internal error`."""
    return (error.reason or type(error).__name__).replace("_", " ").lower()


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        if error.reason == "WRONG_VERSION_NUMBER":
            return "it does not speak TLS on this port: give the port that does, or an address that begins with http://"
        return f"TLS failed: {tls_reason(error)}"
    if isinstance(error, socket.gaierror):
        return "there is no such host"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, http.client.RemoteDisconnected):
        return "it closed the connection without an answer"
    if isinstance(error, http.client.BadStatusLine):
        return "what answers there is no HTTP server: check host and port"
    return f"no HTTP answer ({type(error).__name__})"

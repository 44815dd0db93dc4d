"""The socket, and uvicorn on it."""

import errno
import os
import socket
import ssl
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from vedette.config.server import Server, ServerTls
from vedette.schema.errors import VedetteError
from vedette.server.protocol import PROTOCOL

BACKLOG = 1024
TURN_S = 0.0005
"""How long a thread runs while others wait; Python's own 5 ms is for throughput."""
DRAIN_S = 5
"""How long requests under way may take when the service ends."""
KEEP_ALIVE_S = 75
"""How long a connection without a request stays open: longer than proxies usually keep theirs."""


class ListenError(VedetteError):
    """The service cannot listen where it should."""


class _Uvicorn(uvicorn.Server):
    """uvicorn, that leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None are captured."""
        yield


class Place:
    """Where the service will answer, taken: nobody else can have it, and nobody is let in yet.

    Args:
        settings: Where to listen, and how.

    Raises:
        ListenError: It cannot listen there.
    """

    def __init__(self, settings: Server) -> None:
        _check_tls(settings.tls)
        self._named = _named(settings)
        self._path = None if settings.unix_socket is None else Path(settings.unix_socket)
        self.socket = (
            _bound(settings.host, settings.port, self._named) if self._path is None else _local(self._path)
        )
        self.address = self._address("https" if settings.tls.cert_file is not None else "http")
        """Where it will answer, as a URL or a socket's path."""

    def open(self) -> None:
        """Let callers in; they wait until somebody answers.

        Raises:
            ListenError: Another program has begun to listen there since.
        """
        try:
            self.socket.listen(BACKLOG)
        except OSError as error:
            raise _refusal(self._named, error) from None

    def close(self) -> None:
        """Let go of it."""
        self.socket.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _address(self, scheme: str) -> str:
        if self._path is not None:
            return f"unix:{self._path}"
        host, port = self.socket.getsockname()[:2]
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class Listening:
    """Listens from when it is made, and answers while it runs.

    Args:
        app: What answers. settings: Where to listen, and how. place: Where, if that is taken already; closed with this.

    Raises:
        ListenError: It cannot listen there.
    """

    def __init__(self, app: Any, settings: Server, place: Place | None = None) -> None:
        tls = settings.tls
        self._place = place or Place(settings)
        self._place.open()
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                http=PROTOCOL,
                ws="none",
                loop="uvloop",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                # What is no HTTP is answered, and no reason to fill the log.
                log_level="error",
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=DRAIN_S,
                ssl_certfile=tls.cert_file,
                ssl_keyfile=tls.key_file,
            )
        )
        self.address = self._place.address
        """Where it answers, as a URL or a socket's path."""

    def run(self) -> None:
        """Answer until `stop`.

        Threads of this process take turns more often while it runs: the live thread is seldom idle, and a request that
        takes half a millisecond would wait for it five at each of its own system calls.
        """
        sys.setswitchinterval(TURN_S)
        self._server.run(sockets=[self._place.socket])

    def stop(self) -> None:
        """End soon: requests under way are answered first. For signal handlers and other threads, at any time."""
        self._server.should_exit = True

    def close(self) -> None:
        """Let go of the socket."""
        self._place.close()


def _named(settings: Server) -> str:
    """The keys that say where to listen, with their values."""
    if settings.unix_socket is not None:
        return f"server.unix_socket = {settings.unix_socket!r}"
    return f"server.host = {settings.host!r}, server.port = {settings.port}"


def _refusal(where: str, error: OSError) -> ListenError:
    remedy = {
        errno.EADDRINUSE: "another program listens there: give another with --port, or end it",
        errno.EACCES: "ports below 1024 are for root: give a higher one",
        errno.EADDRNOTAVAIL: "this machine has no such address",
    }.get(error.errno or 0, error.strerror or str(error))
    return ListenError(f"{where}: cannot listen: {remedy}")


def _bound(host: str, port: int, where: str) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ListenError(f"{where}: no address of that name: {reason}") from None
    found = socket.socket(family, kind, protocol)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(address)
    except OSError as error:
        found.close()
        raise _refusal(where, error) from None
    return found


def _local(path: Path) -> socket.socket:
    """A Unix socket that the owner and the group may use; one that a dead process left is replaced."""
    where = f"server.unix_socket = {str(path)!r}"
    try:
        if stat.S_ISSOCK(path.stat().st_mode) and not _answers(path):
            path.unlink()
    except FileNotFoundError:
        pass
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o117)
    try:
        found.bind(str(path))
    except OSError as error:
        found.close()
        raise ListenError(f"{where}: cannot listen: {error.strerror or error}") from None
    finally:
        os.umask(mask)
    return found


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        try:
            other.connect(str(path))
        except OSError:
            return False
        return True


def _check_tls(tls: ServerTls) -> None:
    """Say what is wrong with a certificate before anything listens."""
    if tls.cert_file is None or tls.key_file is None:
        return
    for key, path in (("cert_file", tls.cert_file), ("key_file", tls.key_file)):
        try:
            Path(path).open("rb").close()
        except OSError as error:
            raise ListenError(
                f"server.tls.{key} = {path}: cannot be read ({error.strerror}): must be a PEM file of the service's"
            ) from None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.cert_file, tls.key_file)
    except ssl.SSLError as error:
        raise ListenError(
            f"server.tls: {tls.cert_file} and {tls.key_file} are no certificate and its key, as PEM: "
            f"{error.reason or error}"
        ) from None

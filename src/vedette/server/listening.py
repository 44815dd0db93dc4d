"""The HTTP service on its socket: uvicorn, started and ended by the program and not by signals of its own."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from vedette.config.server import Server as Settings
from vedette.schema.errors import VedetteError

_BACKLOG = 1024
_GRACE_S = 5
"""For requests in flight when the service is told to end."""


class ListenError(VedetteError):
    """The address that is configured cannot be listened at."""


class _Uvicorn(uvicorn.Server):
    """Leaves signals to the program."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None are captured."""
        yield


class Listening:
    """One HTTP service. Listens from the moment it is made; answers while `run` runs.

    Args:
        app: The ASGI application. settings: Where to listen, and how.

    Raises:
        ListenError: The address cannot be listened at.
    """

    def __init__(self, app: Any, settings: Settings) -> None:
        self._socket = _bind(settings)
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                ssl_certfile=settings.tls.cert_file,
                ssl_keyfile=settings.tls.key_file,
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        scheme = "https" if settings.tls.cert_file else "http"
        if settings.unix_socket is not None:
            self.address = f"unix:{settings.unix_socket}"
        else:
            host, port = self._socket.getsockname()[:2]
            self.address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    def run(self) -> None:
        """Answer until `stop`."""
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def stop(self) -> None:
        """Answer what is being asked, and end. May be called from a signal handler, and from any thread."""
        self._server.should_exit = True

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


def _bind(settings: Settings) -> socket.socket:
    if settings.unix_socket is not None:
        return _bind_unix(Path(settings.unix_socket))
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ListenError(
            f"{settings.host}:{settings.port}: cannot be listened at ({error.strerror or error}): give another with "
            "--host and --port, or end what listens there"
        ) from None


def _bind_unix(path: Path) -> socket.socket:
    if path.is_socket():
        # Left behind by a process that was killed; one that lives still answers.
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                raise ListenError(f"{path}: another process answers there: end it, or give another path")
        path.unlink()
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(str(path))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ListenError(f"{path}: cannot be listened at ({error.strerror}): give another path") from None
    return listening

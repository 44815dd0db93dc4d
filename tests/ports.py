"""Ports for servers that must be told one, and ports at which nobody listens."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager


def port_for_a_server() -> int:
    """A port that nobody else is given before a server takes it.

    One that was merely free a moment ago may be the next to be handed out. What was connected to, and closed here
    first, is left in TIME_WAIT for a minute: the system gives it to nobody, but servers, which set SO_REUSEADDR, may
    have it.
    """
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()),
        closing(server.accept()[0]),
    ):
        port: int = server.getsockname()[1]
    return port


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that refuses connections: it is held, but nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]

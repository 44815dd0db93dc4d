"""The real thing: a socket, uvicorn on it, and a thread that runs it."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import httpx

from tests.patience import PATIENCE_S
from tests.server.doubles import House
from vedette.server.listening import Listening, Place


@contextmanager
def listening(house: House, place: Place | None = None, **settings: Any) -> Iterator[Listening]:
    """A service that answers, until the block ends."""
    given = house.settings.model_dump(mode="json") | {"port": 0} | settings
    house.settings = type(house.settings).model_validate_json(json.dumps(given))
    found = Listening(house.app(), house.settings, place)
    thread = Thread(target=found.run)
    thread.start()
    try:
        yield found
    finally:
        found.stop()
        thread.join(PATIENCE_S)
        found.close()
        assert not thread.is_alive()


def client(found: Listening, **kwargs: Any) -> httpx.Client:
    return httpx.Client(base_url=found.address, timeout=PATIENCE_S, **kwargs)


def raw(found: Listening, *pieces: bytes) -> bytes:
    """Send bytes, and read until the service closes the connection."""
    url = httpx.URL(found.address)
    with socket.create_connection((url.host, url.port or 80), timeout=PATIENCE_S) as connection:
        for piece in pieces:
            connection.sendall(piece)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
        return answer

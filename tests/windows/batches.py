"""Small batches for tests of windows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vedette.schema.requests import Clients, Coded, Requests
from vedette.windows.judged import Judged

AGENT_UNKNOWN, AGENT_BOT = 0, 1


@dataclass(frozen=True)
class Row:
    """One request, as a test states it. Time in seconds."""

    time: float
    client: int = 1
    route: str = "/"
    status: int = 200
    service: int = 0
    bytes_out: int = 100
    duration: float = 0.1
    method: bytes = b"GET"
    referer: bytes | None = b"https://example.org/"
    agent: bytes | None = b"Mozilla/5.0"
    types: int = 0


def batch(rows: Sequence[Row]) -> tuple[Requests, Judged]:
    """A batch of these rows, in their order."""
    n = len(rows)
    keys = sorted({row.client for row in rows})
    routes = Coded.of([row.route.encode() for row in rows])
    agents = Coded.of([row.agent for row in rows])
    requests = Requests(
        source="test",
        line=np.arange(1, n + 1),
        time=np.array([round(row.time * 1e6) for row in rows], dtype=np.int64),
        status=np.array([row.status for row in rows], dtype=np.int16),
        bytes_in=np.full(n, -1, dtype=np.int64),
        bytes_out=np.array([row.bytes_out for row in rows], dtype=np.int64),
        duration=np.array([row.duration for row in rows], dtype=np.float64),
        flags=np.zeros(n, dtype=np.uint16),
        peer=Coded.of([None] * n),
        forwarded=Coded.of([None] * n),
        method=Coded.of([row.method for row in rows]),
        target=routes,
        protocol=Coded.of([b"HTTP/1.1"] * n),
        user_agent=agents,
        referer=Coded.of([row.referer for row in rows]),
        service=Coded.of([None] * n),
        buffer=np.zeros(0, dtype=np.uint8),
        raw_start=np.zeros(n, dtype=np.int64),
        raw_length=np.zeros(n, dtype=np.int32),
        client=Clients(
            np.array([keys.index(row.client) for row in rows], dtype=np.int32),
            np.zeros(len(keys), dtype=np.uint64),
            np.array(keys, dtype=np.uint64),
        ),
        route=routes,
    )
    types = np.array([row.types for row in rows], dtype=np.int64)
    kinds = np.array(
        [AGENT_BOT if b"bot" in text else AGENT_UNKNOWN for text in agents.vocabulary], dtype=np.uint8
    )
    services: NDArray[np.int32] = np.array([row.service for row in rows], dtype=np.int32)
    return requests, Judged(services, types, types != 0, kinds, AGENT_BOT, 5)

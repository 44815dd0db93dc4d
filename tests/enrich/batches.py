"""Small batches for tests of enrichment."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vedette.schema.requests import Coded, RequestFlag, Requests


@dataclass(frozen=True)
class Row:
    """One request, as a test states it."""

    peer: bytes | None = b"192.0.2.1"
    forwarded: bytes | None = None
    target: bytes | None = b"/"
    service: bytes | None = None
    agent: bytes | None = None
    http: bool = True
    template: bytes | None = None


def batch(rows: Sequence[Row], source: str = "access.log") -> Requests:
    """A batch of these rows, in their order."""
    n = len(rows)
    absent = Coded.of([None] * n)
    return Requests(
        source=source,
        line=np.arange(1, n + 1),
        time=np.zeros(n, dtype=np.int64),
        status=np.full(n, 200, dtype=np.int16),
        bytes_in=np.full(n, -1, dtype=np.int64),
        bytes_out=np.full(n, -1, dtype=np.int64),
        duration=np.full(n, np.nan),
        flags=np.array([0 if row.http else int(RequestFlag.NOT_HTTP) for row in rows], dtype=np.uint16),
        peer=Coded.of([row.peer for row in rows]),
        forwarded=Coded.of([row.forwarded for row in rows]),
        method=absent,
        target=Coded.of([row.target for row in rows]),
        protocol=absent,
        user_agent=Coded.of([row.agent for row in rows]),
        referer=absent,
        service=Coded.of([row.service for row in rows]),
        buffer=np.zeros(64, dtype=np.uint8),
        raw_start=np.zeros(n, dtype=np.int64),
        raw_length=np.zeros(n, dtype=np.int32),
        template=Coded.of([row.template for row in rows]) if any(row.template for row in rows) else None,
    )

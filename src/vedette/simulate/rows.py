"""What happened, before it is written: one row per request, in numbers only."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SECOND: Final = 1_000_000
"""Microseconds."""

TEXT: Final = -1
"""`route` of a target (or `from_route` of a referer) that is text number `arg` of the world's pool."""

NO_LABEL: Final = -1

IPV6: Final = 1 << 40
"""Set in `client` for an IPv6 client; the low 32 bits then number its /64."""

ROW: Final = np.dtype(
    [
        ("start", np.int64),  # microseconds since the epoch
        ("duration", np.int64),  # microseconds
        ("client", np.int64),
        ("arg", np.int64),  # what the route's parameters are made of
        ("from_arg", np.int64),  # the same for the referer
        ("size", np.int64),  # response bytes
        ("bytes_in", np.int32),
        ("agent", np.int32),
        ("route", np.int16),
        ("via", np.int16),  # the route that answers a target that is free text
        ("from_route", np.int16),
        ("status", np.int16),
        ("label", np.int16),
        ("method", np.int8),
        ("protocol", np.int8),
        ("tenant", np.int8),
        ("returning", np.bool_),  # the client's caches are warm
    ]
)

Rows = NDArray[np.void]

METHODS: Final = (b"GET", b"POST", b"HEAD", b"PUT", b"CONNECT", b"TRACE")
GET, POST, HEAD, PUT = range(4)

PROTOCOLS: Final = (b"HTTP/1.1", b"HTTP/2.0", b"HTTP/1.0")
HTTP_1_1, HTTP_2, HTTP_1_0 = range(3)


def empty_rows(n: int) -> Rows:
    """N rows with nothing in them but 'no label' and 'no referer'."""
    rows = np.zeros(n, dtype=ROW)
    rows["label"] = NO_LABEL
    rows["from_route"] = TEXT
    return rows


def ends(rows: Rows) -> NDArray[np.int64]:
    """When each request ended, int64 (n,), microseconds since the epoch: its line is written then."""
    return np.asarray(rows["start"] + rows["duration"], dtype=np.int64)

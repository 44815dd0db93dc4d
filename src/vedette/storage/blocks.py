"""Windows of one start, many routes, as one small blob.

A row per route and minute costs a database some 130 bytes; column-wise and compressed it is some 20. A block holds
everything needed to read it: no dictionary elsewhere can go missing.
"""

import zlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.records import WindowRecord
from vedette.storage.text import printable

COUNTS: Final = (
    "requests",
    "errors_4xx",
    "errors_5xx",
    "bytes_in",
    "bytes_out",
    "timed",
    "distinct_clients",
)
LATENCIES: Final = ("latency_p50_s", "latency_p95_s", "latency_p99_s")

_SIZES: Final[dict[int, np.dtype[Any]]] = {
    1: np.dtype("<u1"),
    2: np.dtype("<u2"),
    4: np.dtype("<u4"),
    8: np.dtype("<i8"),
}


class Block(msgspec.Struct, frozen=True, array_like=True):
    """n windows of one service, start and span, as columns."""

    routes: list[str]
    """Sorted; the service itself is `''`."""
    counts: list[bytes]
    """For each of `COUNTS`: n little-endian integers of 1, 2 or 4 bytes unsigned, or 8 signed."""
    durations: bytes
    """The distinct latencies, sorted: little-endian float64, seconds."""
    places: list[bytes]
    """For each of `LATENCIES`: n integers as in `counts`: 0 for None, else 1 + the place in `durations`."""
    covered: bytes = b""
    """Of a rolled-up hour: one bit for each second from its start (numpy's `packbits`) that has been added."""


def pack(windows: Iterable[WindowRecord], covered: bytes = b"") -> bytes:
    """Windows of one service, start and span as a blob; of windows with the same route the last one counts.

    Raises:
        OverflowError: A count does not fit 63 bits. ValueError: A count is negative.
    """
    by_route = {printable(window.route or ""): window for window in windows}
    routes = sorted(by_route)
    rows = [by_route[route] for route in routes]
    latencies = [[getattr(row, name) for row in rows] for name in LATENCIES]
    durations = sorted({value for column in latencies for value in column if value is not None})
    place: dict[float | None, int] = {value: number for number, value in enumerate(durations, start=1)}
    place[None] = 0
    block = Block(
        routes,
        [_narrow([getattr(row, name) for row in rows]) for name in COUNTS],
        np.asarray(durations, dtype="<f8").tobytes(),
        [_narrow([place[value] for value in column]) for column in latencies],
        covered,
    )
    return zlib.compress(msgspec.msgpack.encode(block))


def unpack(blob: bytes) -> Block:
    """Undo the outer part of `pack`.

    Raises:
        ValueError: It is not such a blob.
    """
    try:
        return msgspec.msgpack.decode(zlib.decompress(blob), type=Block)
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(str(error)) from None


def rows_of(
    block: Block, service: str, start: int, span_s: int, only: str | None = None
) -> Sequence[WindowRecord]:
    """The windows of a block; with `only` that of one route (`''`: the service itself), if it is there."""
    if only is None:
        chosen = range(len(block.routes))
    elif only in block.routes:
        place = block.routes.index(only)
        chosen = range(place, place + 1)
    else:
        return ()
    picked = slice(chosen.start, chosen.stop)
    counts = [_wide(column, len(block.routes))[picked].tolist() for column in block.counts]
    durations = [None, *np.frombuffer(block.durations, dtype="<f8").tolist()]
    latencies = [
        [durations[place] for place in _wide(column, len(block.routes))[picked].tolist()]
        for column in block.places
    ]
    return [
        WindowRecord(
            service=service,
            route=block.routes[number] or None,
            start=start,
            span_s=span_s,
            **dict(zip(COUNTS, (column[row] for column in counts), strict=True)),
            **dict(zip(LATENCIES, (column[row] for column in latencies), strict=True)),
        )
        for row, number in enumerate(chosen)
    ]


def _narrow(values: Sequence[int]) -> bytes:
    """Integers in as few bytes as the largest takes."""
    wide = np.asarray(values, dtype=np.int64)
    if wide.min(initial=0) < 0:
        raise ValueError(f"{wide.min()} is no count")
    most = int(wide.max(initial=0))
    size = next((size for size in (1, 2, 4) if most < 1 << 8 * size), 8)
    return wide.astype(_SIZES[size]).tobytes()


def _wide(column: bytes, count: int) -> NDArray[np.int64]:
    return np.frombuffer(column, dtype=_SIZES[len(column) // max(count, 1)]).astype(np.int64)

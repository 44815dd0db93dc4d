"""Windows of an hour as one.

Counts add up. The distinct clients of an hour cannot be had from those of its minutes: what is kept is the most that
any of them had. Quantiles are those of the mixture of the minutes, each taken as a distribution through its median,
p95 and p99: log-normal from one to the next, and mirrored below the median. That is an approximation, with a bound that
always holds: a quantile of a mixture lies between the least and the greatest of its parts' quantiles.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.schema.records import WindowRecord
from vedette.storage.blocks import pack, rows_of, unpack

HOUR_S: Final = 3600
HOUR_US: Final = HOUR_S * 1_000_000
_FULL_HOUR: Final = b"\xff" * (HOUR_S // 8)
_STEPS: Final = 400
"""Values that stand for one part's distribution."""
_QUANTILES: Final = (0.5, 0.95, 0.99)
_NORMAL: Final = NormalDist()
_DEVIATES: Final = np.asarray([_NORMAL.inv_cdf((step + 0.5) / _STEPS) for step in range(_STEPS)])
"""The standard normal distribution at the middle of each step."""
_Z95: Final = _NORMAL.inv_cdf(0.95)
_Z99: Final = _NORMAL.inv_cdf(0.99)


def rolled_up(
    start: int, windows: Iterable[WindowRecord], earlier: Iterable[WindowRecord] = (), covered: bytes = b""
) -> tuple[list[WindowRecord], bytes]:
    """One hour's windows of one service, a window for each route.

    Args:
        start: Of the hour, microseconds since the epoch. windows: Shorter ones that begin in it.
        earlier: What was rolled up for this hour before.
        covered: The seconds of the hour that these hold, as this function returned them. A window that lies in one
            of them has been added already (somebody has read an old log again): it is left out.

    Returns:
        The windows, each with a span of an hour, and the seconds that they hold.
    """
    seconds = _seconds(covered)
    before = seconds.copy()
    parts = list(earlier)
    for window in windows:
        first = (window.start - start) // 1_000_000
        place = slice(first, first + window.span_s)
        if not before[place].any():
            parts.append(window)
            seconds[place] = True
    parts.sort(key=lambda window: window.route or "")
    rows = [_merged(start, list(group)) for _, group in groupby(parts, key=lambda window: window.route or "")]
    return rows, np.packbits(seconds).tobytes()


def rolled_block(service: str, start: int, blocks: Iterable[tuple[int, int, bytes]]) -> bytes:
    """One hour's block of what lies in several: their starts, spans (in seconds, at most an hour) and contents."""
    windows: list[WindowRecord] = []
    earlier: list[WindowRecord] = []
    covered = b""
    for begun, span_s, blob in blocks:
        block = unpack(blob)
        rows = rows_of(block, service, begun, span_s)
        if (begun, span_s) == (start, HOUR_S):
            earlier.extend(rows)
            # Windows that were an hour long from the beginning hold all of it.
            covered = block.covered or _FULL_HOUR
        else:
            windows.extend(rows)
    merged, covered = rolled_up(start, windows, earlier, covered)
    return pack(merged, covered)


def _seconds(covered: bytes) -> NDArray[np.bool_]:
    if not covered:
        return np.zeros(HOUR_S, dtype=np.bool_)
    return np.unpackbits(np.frombuffer(covered, dtype=np.uint8), count=HOUR_S).astype(np.bool_)


def _merged(start: int, parts: Sequence[WindowRecord]) -> WindowRecord:
    p50, p95, p99 = _mixture([part for part in parts if part.timed])
    return WindowRecord(
        service=parts[0].service,
        route=parts[0].route,
        start=start,
        span_s=HOUR_S,
        requests=sum(part.requests for part in parts),
        errors_4xx=sum(part.errors_4xx for part in parts),
        errors_5xx=sum(part.errors_5xx for part in parts),
        bytes_in=sum(part.bytes_in for part in parts),
        bytes_out=sum(part.bytes_out for part in parts),
        timed=sum(part.timed for part in parts),
        latency_p50_s=p50,
        latency_p95_s=p95,
        latency_p99_s=p99,
        distinct_clients=max(part.distinct_clients for part in parts),
    )


def _mixture(parts: Sequence[WindowRecord]) -> Sequence[float | None]:
    """The three quantiles of the requests of all parts together."""
    known = [
        (part.timed, part.latency_p50_s, part.latency_p95_s, part.latency_p99_s)
        for part in parts
        if None not in (part.latency_p50_s, part.latency_p95_s, part.latency_p99_s)
    ]
    if not known:
        return None, None, None
    table = np.asarray(known, dtype=np.float64)
    weight, quantiles = table[:, 0], table[:, 1:]
    values = _spread(np.log(np.maximum(quantiles, 1e-9))).ravel()
    order = np.argsort(values, kind="stable")
    share = np.cumsum(np.repeat(weight, _STEPS)[order])
    places = np.searchsorted(share, np.asarray(_QUANTILES) * share[-1])
    found = np.exp(values[order][np.minimum(places, len(order) - 1)])
    bounded: list[float] = np.clip(found, quantiles.min(axis=0), quantiles.max(axis=0)).tolist()
    return bounded


def _spread(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values at `_DEVIATES` of distributions through the logarithms (k, 3) of three quantiles: (k, _STEPS)."""
    p50, p95, p99 = (column[:, None] for column in logs.T)
    body = (p95 - p50) / _Z95 * np.minimum(_DEVIATES, _Z95)
    tail = (p99 - p95) / (_Z99 - _Z95) * np.maximum(_DEVIATES - _Z95, 0.0)
    return np.asarray(p50 + body + tail)

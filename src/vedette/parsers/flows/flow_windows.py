"""Windows of flows as JSON lines, as `--windows` writes them."""

import math
from datetime import UTC, datetime
from typing import Any

import msgspec


class MeasuredWindow(msgspec.Struct, frozen=True):
    """A window: when it was, microseconds, and its numbers by name; of quantiles, `name.p95`."""

    start: int
    end: int
    metrics: dict[str, float]


class _Line(msgspec.Struct):
    window_start: datetime
    window_end: datetime
    metrics: dict[str, Any]


_DECODER = msgspec.json.Decoder(_Line)


def is_windows(head: bytes) -> bool:
    """Whether an input that begins like this holds windows of flows."""
    first = head.lstrip()[:4_096]
    return first.startswith(b'{"window_start"') and b'"metrics"' in first


def read_window(line: bytes) -> MeasuredWindow:
    """A line's window.

    Raises:
        ValueError: It is none.
    """
    found = _DECODER.decode(line)
    metrics: dict[str, float] = {}
    for name, value in found.metrics.items():
        parts = value.items() if isinstance(value, dict) else [(None, value)]
        for part, of in parts:
            if isinstance(of, int | float) and math.isfinite(of) and 0 <= of < _LARGEST:
                metrics[name if part is None else f"{name}.{part}"] = float(of)
    start, end = _microseconds(found.window_start), _microseconds(found.window_end)
    if not 0 <= start < end:
        raise ValueError("a window that ends before it begins")
    return MeasuredWindow(start, end, metrics)


_LARGEST = 1e18


def _microseconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1e6)

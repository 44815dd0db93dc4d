"""Windows of flows as JSON lines."""

from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import msgspec

from vedette.explain.words import describe
from vedette.report.moments import iso
from vedette.report.output import open_output
from vedette.schema.anomaly import Anomaly
from vedette.windows.contacts import FlowWindow
from vedette.windows.flow_record import record


class WindowWriter:
    """Writes each window that it is called with as one line.

    Args:
        path: A file, which appears whole or not at all, or `-`.

    Raises:
        OutputError: The path cannot be written.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stream = self._stack.enter_context(open_output(self._path))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def __call__(self, window: FlowWindow, stated: list[Anomaly]) -> None:
        """Write a window with its measures, and what was stated of it."""
        line: dict[str, Any] = {
            "window_start": iso(window.start),
            "window_end": iso(window.end),
            "timestamp": iso(window.end),
            "metrics": record(window),
            "anomaly_count": len(stated),
            "anomalies": [_stated(anomaly) for anomaly in stated],
            "summary": {
                "by_type": _counted(a.type.value for a in stated),
                "by_severity": _counted(a.severity.value for a in stated),
            },
        }
        self._stream.write(msgspec.json.encode(line) + b"\n")


def _stated(anomaly: Anomaly) -> dict[str, Any]:
    return {
        "type": anomaly.type.value,
        "severity": anomaly.severity.value,
        "metric": anomaly.unit,
        "threshold": anomaly.threshold,
        "current_value": anomaly.observed,
        "deviation": anomaly.details.get("deviation"),
        "message": describe(anomaly),
        "baseline_mean": anomaly.expected.mid,
        "sample_count": anomaly.sample_count,
    }


def _counted(names: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts

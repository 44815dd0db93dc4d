"""Flows kept on disk until their windows have been judged, for `--verdicts`."""

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Final, Self

import numpy as np
from numpy.typing import NDArray

from vedette.engine.flow_verdicts import KEPT, FlowMarker
from vedette.report.flow_verdicts import write_verdicts
from vedette.schema.anomaly import Anomaly
from vedette.schema.flows import Flow, Flows

_BLOCK: Final = 1 << 16
"""Flows read back at a time."""
_BYTES: Final = 8 * KEPT


class FlowSpool:
    """Appends whole flows to an unnamed temporary file, and reads them back in order.

    Args:
        since: Flows that ended before are left out, microseconds; None for none.
    """

    def __init__(self, since: int | None = None) -> None:
        self._since = since
        self._file = tempfile.TemporaryFile(prefix="vedette-verdicts-")  # noqa: SIM115 - closed by __exit__

    def add(self, ended: Flows) -> None:
        """Keep flows that ended."""
        rows = ended.table
        if self._since is not None:
            rows = rows[rows[:, Flow.END] >= self._since]
        self._file.write(np.ascontiguousarray(rows[:, :KEPT]).tobytes())

    def write(self, stream: BinaryIO, anomalies: list[Anomaly], *, include_clean: bool) -> None:
        """Write what is said of them, as JSON lines in the order in which they ended."""
        marker = FlowMarker(anomalies)
        for rows in self._blocks():
            write_verdicts(stream, rows, marker.judge(rows), include_clean=include_clean)

    def _blocks(self) -> Iterator[NDArray[np.int64]]:
        self._file.seek(0)
        while content := self._file.read(_BLOCK * _BYTES):
            yield np.frombuffer(content, dtype=np.int64).reshape(-1, KEPT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

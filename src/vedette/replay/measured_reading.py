"""Windows of flows that were written by an earlier scan, read again."""

import threading
from collections.abc import Iterator, Sequence

from vedette.parsers.flows.flow_problems import FlowProblem
from vedette.parsers.flows.flow_windows import MeasuredWindow, is_windows, read_window
from vedette.replay.flow_inputs import first_bytes
from vedette.replay.flow_reading import FlowTally
from vedette.schema.errors import VedetteError
from vedette.schema.findings import SourceCoverage
from vedette.sources import BufferPool, Input, read_chunks

_FORMAT = "flow-windows"
_LOOK = 4_096


def holds_windows(source: Input) -> bool:
    """Whether an input is a file of windows."""
    return is_windows(first_bytes(source, _LOOK))


class MeasuredReading:
    """Reads files of windows, one after the other.

    Args:
        inputs: Each in order of time, as a scan writes them.
        interrupted: Once it is set, nothing more is read.
        until: Windows from then on are left out and counted, microseconds; None for none.

    Attributes:
        sources: What was read of each. left_out: Why inputs were not read.
    """

    def __init__(self, inputs: Sequence[Input], interrupted: threading.Event, until: int | None) -> None:
        self.sources: list[SourceCoverage] = []
        self.left_out: list[VedetteError] = []
        self._inputs = inputs
        self._interrupted = interrupted
        self._until = until
        self._bad = self._filtered = self._blank = 0

    def windows(self) -> Iterator[MeasuredWindow]:
        """The windows in them; one that begins before another ended is counted among what is bad."""
        end = 0
        for source in self._inputs:
            try:
                for window in self._read(source):
                    if window.start < end:
                        self._bad += 1
                    elif self._until is not None and window.start >= self._until:
                        self._filtered += 1
                    else:
                        end = window.end
                        yield window
            except VedetteError as error:
                self.left_out.append(error)

    def count(self, tally: FlowTally) -> None:
        """Add what was read to a tally."""
        tally.sources += self.sources
        tally.filtered += self._filtered
        tally.skip(FlowProblem.BAD_WINDOW, self._bad)
        tally.skip(FlowProblem.BLANK, self._blank)

    def _read(self, source: Input) -> Iterator[MeasuredWindow]:
        pool = BufferPool(limit=2)
        with read_chunks(source, pool=pool, stopped=self._interrupted.is_set) as reader:
            coverage = SourceCoverage(source.name, _FORMAT, 1.0)
            self.sources.append(coverage)
            for chunk in reader:
                text = chunk.buffer[: chunk.length].tobytes()
                pool.release(chunk.buffer)
                for line in text.splitlines():
                    coverage.lines += 1
                    if not line.strip():
                        self._blank += 1
                        continue
                    try:
                        window = read_window(line)
                    except (ValueError, OverflowError):
                        self._bad += 1
                        continue
                    coverage.parsed += 1
                    yield window
            coverage.bytes = reader.bytes
            coverage.truncated = reader.truncated

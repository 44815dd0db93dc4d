"""From captures and flow logs to flows, in order of time."""

import heapq
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from vedette.cli.capture_batches import CaptureBatches
from vedette.cli.flow_inputs import first_bytes
from vedette.kernels.packet_layout import PACKET_COLUMNS, Status
from vedette.parsers.captures import FRAMES, CaptureParser, PacketProblem, is_capture
from vedette.parsers.flow_logs import FlowLog, FlowProblem
from vedette.schema.errors import VedetteError
from vedette.schema.findings import SourceCoverage
from vedette.schema.flows import Flow, Flows
from vedette.sources import BufferPool, ByteReader, Input, SourceError, SourceProblem, read_chunks
from vedette.windows.flow_table import FlowTable, Passed, TableSettings

_HEAD: Final = 64
_NEVER: Final = 1 << 62
_PROBLEMS: Final = {
    Status.NOT_IP: PacketProblem.NOT_IP,
    Status.CUT: PacketProblem.CUT,
    Status.MALFORMED: PacketProblem.MALFORMED,
    Status.UNKNOWN_LINK: PacketProblem.UNKNOWN_LINK,
}


@dataclass(slots=True)
class FlowTally:
    """What was read so far.

    Attributes:
        skipped: Reason to packets, or lines of flow logs, that are in no flow.
        left_out: Why inputs were not read.
        orphans: Later fragments whose first was not seen.
        dated_back: Packets that stand behind others of more than a second later.
        filtered: Packets, and flows of logs, that are too late to be looked at.
        early: Of the flows, those that began before `since`: they are learned from.
        first, last: Times of what is too early or too late, microseconds; None where nothing is.
    """

    packets: int = 0
    flows: int = 0
    lines: int = 0
    position: int = 0
    evicted: int = 0
    orphans: int = 0
    dated_back: int = 0
    filtered: int = 0
    early: int = 0
    first: int | None = None
    last: int | None = None
    skipped: dict[str, int] = field(default_factory=dict)
    sources: list[SourceCoverage] = field(default_factory=list)
    left_out: list[VedetteError] = field(default_factory=list)

    def skip(self, reason: PacketProblem | FlowProblem, count: int) -> None:
        """Count what is in no flow."""
        if count:
            self.skipped[reason.value] = self.skipped.get(reason.value, 0) + count

    def outside(self, times: np.ndarray) -> None:
        """Keep when what was not asked for is, microseconds."""
        if len(times):
            first, last = int(times.min()), int(times.max())
            self.first = first if self.first is None else min(first, self.first)
            self.last = last if self.last is None else max(last, self.last)


Listener = Callable[[np.ndarray, np.ndarray], None]


class FlowReading:
    """Reads captures and flow logs.

    Args:
        inputs: Each is read by itself; what they tell is put in order of time.
        table: How flows live.
        interrupted: Once it is set, nothing more is read.
        listen: Gives what is given each buffer of a capture and its decoded packets: HTTP is looked for there.
        since: Flows that began earlier are counted, microseconds; None for none.
        until: Packets, and flows, from then on are left out and counted, microseconds; None for none.

    An input that cannot be read is told in `tally.left_out`; the others still are.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        table: TableSettings,
        interrupted: threading.Event,
        listen: Callable[[], Listener] | None = None,
        until: int | None = None,
        since: int | None = None,
    ) -> None:
        self._since = since
        self._until = _NEVER if until is None else until
        self.tally = FlowTally()
        self._inputs = inputs
        self._table = table
        self._interrupted = interrupted
        self._listen = listen

    def passed(self) -> Iterator[Passed]:
        """What the inputs tell, by the start of windows."""
        lanes = [self._lane(source) for source in self._inputs]
        return heapq.merge(*lanes, key=lambda passed: passed.start)

    def _lane(self, source: Input) -> Iterator[Passed]:
        try:
            if is_capture(first_bytes(source, _HEAD)):
                with ByteReader(source, self._interrupted.is_set) as reader:
                    yield from self._capture(reader)
            else:
                yield from self._log(source)
        except VedetteError as error:
            if isinstance(error, SourceError) and error.problem is SourceProblem.EMPTY and source.found:
                return
            self.tally.left_out.append(error)

    def _capture(self, reader: ByteReader) -> Iterator[Passed]:
        tally = self.tally
        parser = CaptureParser(reader.source.name, reader.head)
        coverage = SourceCoverage(reader.source.name, parser.format, 1.0)
        tally.sources.append(coverage)
        table = FlowTable(self._table)
        listener = None if self._listen is None else self._listen()
        rows = np.zeros((FRAMES, PACKET_COLUMNS), dtype=np.int64)
        before = 0
        batches = CaptureBatches(reader, parser, self._interrupted.is_set)
        for buffer, frames in batches:
            count = len(frames)
            taken = frames.decode(buffer, rows)
            self._count(taken, coverage)
            if count and int(frames.time.max()) >= self._until:
                taken = self._before(taken, PacketProblem.LATER)
            if listener is not None:
                listener(buffer, taken)
            yield from self._counted(table.add(taken))
            tally.position += reader.position - before
            before = reader.position
        coverage.bytes = reader.bytes
        coverage.truncated = reader.damage or parser.damage
        if coverage.truncated is None and batches.left:
            coverage.truncated = (
                f"the last {batches.left} bytes are the beginning of a packet that is not all there"
            )
        tally.skip(PacketProblem.BAD_RECORD, parser.bad_records)
        tally.skip(PacketProblem.NO_TIME, parser.undated)
        tally.packets += parser.undated
        coverage.lines += parser.undated
        yield from self._counted(table.finish())
        tally.evicted += table.evicted
        tally.orphans += table.orphans
        tally.dated_back += table.dated_back

    def _count(self, rows: np.ndarray, coverage: SourceCoverage) -> None:
        count = len(rows)
        good = int(np.count_nonzero(rows[:, 16] == 0))
        self.tally.packets += count
        coverage.lines += count
        coverage.parsed += good
        if good < count:
            for status, number in zip(*np.unique(rows[:, 16], return_counts=True), strict=True):
                if status:
                    self.tally.skip(_PROBLEMS[Status(int(status))], int(number))

    def _before(self, rows: np.ndarray, reason: PacketProblem | FlowProblem) -> np.ndarray:
        """The rows whose time, in the first column, is early enough."""
        kept = rows[:, 0] < self._until
        left_out = int(len(rows) - np.count_nonzero(kept))
        self.tally.filtered += left_out
        self.tally.skip(reason, left_out)
        self.tally.outside(rows[~kept, 0])
        return rows[kept]

    def _count_flows(self, flows: Flows) -> None:
        self.tally.flows += len(flows)
        if self._since is not None and len(flows):
            start = flows.table[:, Flow.START]
            early = start[start < self._since]
            self.tally.early += len(early)
            self.tally.outside(early)

    def _counted(self, handed: Iterator[Passed]) -> Iterator[Passed]:
        for passed in handed:
            self._count_flows(passed.ended)
            yield passed

    def _log(self, source: Input) -> Iterator[Passed]:
        tally = self.tally
        pool = BufferPool(limit=2)
        with read_chunks(source, pool=pool, stopped=self._interrupted.is_set) as reader:
            # What a chunk held is in its windows before the next is read.
            log = FlowLog(source.name, reader.sample(), reuse=True)
            coverage = SourceCoverage(source.name, log.format, 1.0)
            tally.sources.append(coverage)
            before = 0
            for chunk in reader:
                flows, problems, lines = log.parse(chunk)
                pool.release(chunk.buffer)
                for problem, count in problems.items():
                    tally.skip(problem, count)
                tally.lines += lines
                coverage.lines += lines
                coverage.parsed += len(flows)
                coverage.bytes = reader.bytes
                tally.position += reader.position - before
                before = reader.position
                if len(flows) and self._until < _NEVER and int(flows.table[:, 0].max()) >= self._until:
                    flows = Flows(self._before(flows.table, FlowProblem.LATER), flows.known)
                self._count_flows(flows)
                if len(flows):
                    yield Passed(int(flows.table[:, 0].min()), flows, flows, None)
            coverage.truncated = reader.truncated

"""From captures and flow logs to flows, in order of time."""

import re
import threading
from bisect import bisect
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final

import msgspec
import numpy as np
from msgspec.structs import replace

from vedette.kernels.packets.packet_layout import PACKET_COLUMNS, Status
from vedette.kernels.windows.windows import mark_late
from vedette.parsers.flows.captures import FRAMES, CaptureParser, PacketProblem, is_capture
from vedette.parsers.flows.flow_logs import FlowLog
from vedette.parsers.flows.flow_problems import FlowProblem
from vedette.replay.ahead import Ahead
from vedette.replay.capture_batches import CaptureBatches
from vedette.replay.flow_beginning import FirstFlows, LogBeginning
from vedette.replay.flow_inputs import first_bytes, is_read_twice
from vedette.replay.flow_lanes import UNKNOWN, Lane, Watchers, merged
from vedette.schema.chunk import Chunk
from vedette.schema.errors import VedetteError
from vedette.schema.findings import SourceCoverage
from vedette.schema.flows import Flow, Flows
from vedette.schema.spans import HOUR_US, SECOND_US
from vedette.sources import BufferPool, ByteReader, Input, Reader, SourceError, SourceProblem, read_chunks
from vedette.windows.flow_table import FlowTable, Passed, TableSettings

_HEAD: Final = 64
_BEGINNING: Final = 64 << 10
"""Bytes in which it is looked for when an input begins."""
_JUMP: Final = HOUR_US
"""How far ahead of the others a flow may begin and be believed at once, microseconds; see `mark_late`."""
_NEVER: Final = 1 << 62
_ORDERED: Final = SECOND_US
"""By how much a capture may begin before the one whose work it goes on with has ended: packets overtake each other."""
_WAITING: Final = 1
"""Tables of flows that may wait."""
_APART: Final = re.compile(r"\d+|\.(?:gz|bz2|xz|zst)$")
"""What the names of one series differ by: `trace.pcap`, `trace.pcap1.gz`."""
_PROBLEMS: Final = {
    Status.NOT_IP: PacketProblem.NOT_IP,
    Status.CUT: PacketProblem.CUT,
    Status.MALFORMED: PacketProblem.MALFORMED,
    Status.UNKNOWN_LINK: PacketProblem.UNKNOWN_LINK,
}


class FlowTally(msgspec.Struct):
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
    skipped: dict[str, int] = msgspec.field(default_factory=dict)
    sources: list[SourceCoverage] = msgspec.field(default_factory=list)
    left_out: list[VedetteError] = msgspec.field(default_factory=list)

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


class _Parsed(msgspec.Struct, frozen=True):
    """What some lines of a log told, and how far it was read by then."""

    flows: Flows
    problems: dict[FlowProblem, int]
    lines: int
    bytes: int
    position: int


Listener = Callable[[np.ndarray, np.ndarray], None]


class _Begin(msgspec.Struct):
    """How an input begins.

    Attributes:
        window: The window, microseconds; `UNKNOWN` if its first bytes tell of no time. first: The time itself.
        series: What its name shares with those of its series, if it is a capture; empty otherwise.
        opened: Whether it is read, or was.
    """

    window: int = UNKNOWN
    first: int = UNKNOWN
    series: str = ""
    opened: bool = False


class FlowReading:
    """Reads captures and flow logs.

    Args:
        inputs: Each is read by itself; what they tell is put in order of time.
        table: How flows live.
        interrupted: Once it is set, nothing more is read.
        listen: Gives what is given each buffer of a capture and its decoded packets: HTTP is looked for there.
        lateness: How much later than event time a flow of a log may begin and still count, microseconds.
        since: Flows that began earlier are counted, microseconds; None for none.
        until: Packets, and flows, from then on are left out and counted, microseconds; None for none.
        ahead: Whether lines of logs are parsed in a thread of their own, ahead of what is done with them.

    Captures whose names differ by numbers, and that go on where another ends (`tcpdump -C`, `-G`, `-W`), are one.
    An input that cannot be read is told in `tally.left_out`; the others still are. `watchers` knows which have ended.

    Attributes:
        whole_from: From when on the first of them that is a log has all flows, microseconds; None until it is read.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        table: TableSettings,
        interrupted: threading.Event,
        listen: Callable[[], Listener] | None = None,
        until: int | None = None,
        since: int | None = None,
        lateness: int = 0,
        *,
        ahead: bool = False,
    ) -> None:
        self._ahead = ahead
        self._lateness = lateness
        self._places: list[int] = []
        self._since = since
        self._until = _NEVER if until is None else until
        self.tally = FlowTally()
        self._inputs = inputs
        self._table = table
        self._interrupted = interrupted
        self._listen = listen
        self.watchers = Watchers(())
        self.whole_from: int | None = None
        self._begins: list[_Begin] = []
        self._read: list[Generator[Passed, None, None]] = []

    def passed(self) -> Iterator[Passed]:
        """What the inputs tell, by event time; each is opened when that has come to it."""
        several = len(self._inputs) > 1
        lanes = []
        for number, source in enumerate(self._inputs):
            begin = self._begin(source) if several else _Begin()
            self._begins.append(begin)
            self._read.append(self._lane(number, source))
            lanes.append(Lane(begin.window, self._read[-1], source.name))
        self.watchers = Watchers(lanes)
        return merged(lanes, self.watchers if several else None)

    def close(self) -> None:
        """End the reading, and its thread, where it was not asked for everything; nothing can be asked for any more."""
        for lane in self._read:
            lane.close()

    def _begin(self, source: Input) -> _Begin:
        """How an input begins, by its first bytes."""
        head = first_bytes(source, _BEGINNING)
        series = ""
        try:
            if is_capture(head):
                series = _APART.sub("", source.name)
                buffer = np.frombuffer(head + bytes(_HEAD), dtype=np.uint8)
                times = CaptureParser(source.name, head).parse(buffer, len(head)).time
            else:
                lines = head[: head.rfind(b"\n") + 1]
                log = FlowLog(source.name, Chunk.of(lines, source.name))
                table = log.parse(Chunk.of(lines, source.name))[0].table
                times = np.array([LogBeginning.of(table).clock] if len(table) else [])
        except VedetteError:
            return _Begin()
        if not len(times):
            return _Begin()
        first = int(times.min())
        return _Begin(first // self._table.span * self._table.span, first, series)

    def _lane(self, number: int, source: Input) -> Generator[Passed, None, None]:
        begin = self._begins[number]
        if begin.opened:
            return
        begin.opened = True
        with self._readable(source):
            if is_capture(first_bytes(source, _HEAD)):
                yield from self._captures(number)
            else:
                yield from self._log(number, source, begin.window)

    @contextmanager
    def _readable(self, source: Input) -> Iterator[None]:
        """Tell what cannot be read, and go on."""
        try:
            yield
        except VedetteError as error:
            if isinstance(error, SourceError) and error.problem is SourceProblem.EMPTY and source.found:
                return
            self.tally.left_out.append(error)

    def _cover(self, number: int, name: str, form: str) -> SourceCoverage:
        """Counts of an input; those of all stand in the order of the inputs."""
        coverage = SourceCoverage(name, form, 1.0)
        place = bisect(self._places, number)
        self._places.insert(place, number)
        self.tally.sources.insert(place, coverage)
        return coverage

    def _captures(self, first: int) -> Iterator[Passed]:
        """A capture, and those that go on where it ends."""
        table = FlowTable(self._table)
        listener = None if self._listen is None else self._listen()
        number: int | None = first
        while number is not None:
            source = self._inputs[number]
            with self._readable(source), ByteReader(source, self._interrupted.is_set) as reader:
                yield from self._capture(number, reader, table, listener)
            number = self._next_of(number, table.newest)
        yield from self._counted(table.finish())
        tally = self.tally
        tally.evicted += table.evicted
        tally.orphans += table.orphans
        tally.dated_back += table.dated_back

    def _next_of(self, number: int, newest: int | None) -> int | None:
        """The capture of the same series that goes on where one ends, and is not read yet."""
        series = self._begins[number].series
        if not series or newest is None or self._interrupted.is_set():
            return None
        longest = self._table.idle[1]
        following = [
            (other.first, place)
            for place, other in enumerate(self._begins)
            if other.series == series
            and not other.opened
            and newest - _ORDERED <= other.first <= newest + longest
        ]
        if not following:
            return None
        place = min(following)[1]
        self._begins[place].opened = True
        return place

    def _capture(
        self, number: int, reader: ByteReader, table: FlowTable, listener: Listener | None
    ) -> Iterator[Passed]:
        tally = self.tally
        parser = CaptureParser(reader.source.name, reader.head)
        coverage = self._cover(number, reader.source.name, parser.format)
        rows = np.zeros((FRAMES, PACKET_COLUMNS), dtype=np.int64)
        before = 0
        batches = CaptureBatches(reader, parser, self._interrupted.is_set)
        for buffer, frames in batches:
            count = len(frames)
            taken = frames.decode(buffer, rows)
            self._count(taken, coverage)
            if count and self._until < _NEVER and int(frames.time.max()) >= self._until:
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

    def _count(self, rows: np.ndarray, coverage: SourceCoverage) -> None:
        count = len(rows)
        good = int(np.count_nonzero(rows[:, 16] == 0))
        self.tally.packets += count
        coverage.lines += count
        coverage.parsed += good
        if good < count:
            for status, number in enumerate(np.bincount(rows[:, 16]).tolist()):
                if status:
                    self.tally.skip(_PROBLEMS[Status(status)], number)

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
            yield replace(passed, reached=passed.start)

    def _log(self, number: int, source: Input, begins: int) -> Iterator[Passed]:
        tally = self.tally
        pool = BufferPool(limit=2)
        with ExitStack() as stack:
            reader = stack.enter_context(read_chunks(source, pool=pool, stopped=self._interrupted.is_set))
            # What a chunk held is in its windows before the next is asked for; one may wait, and one be made meanwhile.
            turns = 1 + _WAITING + 1 if self._ahead else 1
            log = FlowLog(source.name, reader.sample(), turns=turns, shared=is_read_twice(source))
            coverage = self._cover(number, source.name, log.format)
            before, first, clock = 0, FirstFlows(), np.array([UNKNOWN, 0, 0], dtype=np.int64)
            parsed = partial(_parsed, reader, pool, log)
            for part in stack.enter_context(Ahead(parsed, _WAITING)) if self._ahead else parsed():
                flows = part.flows
                for problem, count in part.problems.items():
                    tally.skip(problem, count)
                tally.lines += part.lines
                coverage.lines += part.lines
                coverage.parsed += len(flows)
                coverage.bytes = part.bytes
                tally.position += part.position - before
                before = part.position
                if len(flows) and self._until < _NEVER and int(flows.table[:, 0].max()) >= self._until:
                    flows = Flows(self._before(flows.table, FlowProblem.LATER), flows.known)
                self._count_flows(flows)
                if (taken := first.taken(flows)) is not None:
                    yield self._timed(taken, first, clock, begins)
            if (taken := first.rest()) is not None:
                yield self._timed(taken, first, clock, begins)
            coverage.truncated = reader.truncated

    def _timed(self, flows: Flows, first: FirstFlows, clock: np.ndarray, begins: int) -> Passed:
        """Flows of a log, with how far it has come with each. `clock`: see `mark_late`; updated."""
        if clock[0] == UNKNOWN and first.beginning is not None:
            clock[0] = first.beginning.clock
            if self.whole_from is None:
                self.whole_from = first.beginning.whole
        span, count = self._table.span, len(flows)
        times = flows.column(Flow.START).copy()
        reached = np.empty(count, dtype=np.int64)
        mark_late(times, clock, self._lateness, _JUMP, span, np.empty(count, dtype=np.uint8), reached)
        horizon = reached - self._lateness
        # By whole windows: logs side by side are in step by these.
        reached = np.maximum(reached, begins) // span * span
        return Passed(int(times.min()), flows, flows, None, horizon=horizon, reached=reached)


def _parsed(reader: Reader, pool: BufferPool, log: FlowLog) -> Iterator[_Parsed]:
    """What a log tells, chunk by chunk."""
    for chunk in reader:
        flows, problems, lines = log.parse(chunk)
        pool.release(chunk.buffer)
        yield _Parsed(flows, problems, lines, reader.bytes, reader.position)

"""From delivered lines to flows: each stream (a flow log, an exporter, an interface) with a reader of its own."""

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Protocol

import msgspec

from vedette.live.flow_streams import StreamTally
from vedette.parsers.flows.flow_logs import FlowLog, is_flow_log
from vedette.parsers.flows.netflow import FORMAT as NETFLOW
from vedette.parsers.flows.netflow import NetflowParser, NetflowProblem
from vedette.parsers.flows.sflow import FORMAT as SFLOW
from vedette.parsers.flows.sflow import SflowParser
from vedette.parsers.suricata_http import FORMAT as SURICATA_HTTP
from vedette.schema.chunk import Chunk
from vedette.schema.errors import VedetteError
from vedette.schema.flows import Flows, Known
from vedette.schema.state import StateError, decode, encode
from vedette.sources.source import Delivery
from vedette.windows.flow_table import Passed
from vedette.windows.passed_lines import FORMAT as PARTS
from vedette.windows.passed_lines import from_line

EXPORTED: Final = frozenset((NETFLOW, SFLOW))
"""Formats of what exporters send, as it happens."""
MOST_STREAMS = 1_024
"""Streams whose readers are kept; the one that has been silent for the longest time makes room."""
_STREAM_NAME = 500
_HEAD = 4_096
"""Bytes in which a header is looked for."""


class Reader(Protocol):
    """Reads the lines of one stream."""

    def read(self, delivery: Delivery) -> tuple[list[Passed], dict[str, int], int]:
        """Flows, lines or records that are none by reason, and how many lines there were."""
        ...

    def unread(self) -> tuple[int, bytes]:
        """How many of the last lines, in a row, were none of a kind that is read, and how the last begins."""
        ...

    def to_state(self) -> bytes:
        """What is known of the stream, as bytes."""
        ...


class _Log:
    """A flow log; one that begins anew brings a header of its own."""

    def __init__(self, log: FlowLog) -> None:
        self._log = log

    def read(self, delivery: Delivery) -> tuple[list[Passed], dict[str, int], int]:
        if self._log.begins_anew(delivery.lines[:_HEAD]):
            # One that cannot be read is none that begins anew: its lines are counted as no flows.
            with suppress(VedetteError):
                self._log = FlowLog(delivery.stream, Chunk.of(delivery.lines[:_HEAD], delivery.stream))
        flows, problems, lines = self._log.parse(Chunk.of(delivery.lines, delivery.stream))
        return [_whole(flows)], {problem.value: count for problem, count in problems.items()}, lines

    def unread(self) -> tuple[int, bytes]:
        return 0, b""

    def to_state(self) -> bytes:
        return encode((self._log.format, self._log.header))


class _Exporter:
    """What an exporter of NetFlow or IPFIX sent."""

    def __init__(self) -> None:
        self.parser = NetflowParser()

    def read(self, delivery: Delivery) -> tuple[list[Passed], dict[str, int], int]:
        flows, problems, lines = self.parser.parse(delivery.lines)
        return [_whole(flows)], problems, lines

    def unread(self) -> tuple[int, bytes]:
        return self.parser.foreign, self.parser.head

    def to_state(self) -> bytes:
        return self.parser.to_state()

    def from_state(self, content: bytes) -> None:
        self.parser.from_state(content)


class _Agent:
    """What an agent of sFlow sent."""

    def __init__(self) -> None:
        self.parser = SflowParser()

    def read(self, delivery: Delivery) -> tuple[list[Passed], dict[str, int], int]:
        flows, problems, lines = self.parser.parse(delivery.lines)
        return [Passed(0, flows, Flows.none(flows.known), None)], problems, lines

    def unread(self) -> tuple[int, bytes]:
        return 0, b""

    def to_state(self) -> bytes:
        return self.parser.to_state()

    def from_state(self, content: bytes) -> None:
        self.parser.from_state(content)


class _Interface:
    """What a flow table made of an interface's packets."""

    def read(self, delivery: Delivery) -> tuple[list[Passed], dict[str, int], int]:
        found, bad, lines = [], 0, delivery.lines.splitlines()
        for line in lines:
            try:
                found.append(from_line(line))
            except ValueError:
                bad += 1
        return found, {"bad_line": bad} if bad else {}, len(lines)

    def unread(self) -> tuple[int, bytes]:
        return 0, b""

    def to_state(self) -> bytes:
        return b""

    def from_state(self, content: bytes) -> None:
        """Each line stands for itself."""


_TOLD: Final[Mapping[str, type[_Exporter | _Agent | _Interface]]] = {
    NETFLOW: _Exporter,
    SFLOW: _Agent,
    PARTS: _Interface,
}
"""Formats that deliveries name, and what reads them."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    name: str
    format: str
    reader: bytes


class FlowTally(msgspec.Struct):
    """What was taken in since the process began.

    Attributes:
        skipped: Lines and records that are no flow, by reason.
        forgotten: Streams that made room for others.
        streams: Of each that is known, by its name; the mapping is never changed, but replaced.
    """

    lines: int = 0
    flows: int = 0
    skipped: dict[str, int] = msgspec.field(default_factory=dict)
    forgotten: int = 0
    streams: dict[str, StreamTally] = msgspec.field(default_factory=dict)


class FlowIntake:
    """Reads what sources deliver of flows. Used by one thread.

    Args:
        tally: What was counted before; what comes is counted there.
    """

    def __init__(self, tally: FlowTally | None = None) -> None:
        self.tally = FlowTally() if tally is None else tally
        self._streams: OrderedDict[str, tuple[str, Reader]] = OrderedDict()

    def __contains__(self, stream: str) -> bool:
        """Whether a stream is known to be of flows."""
        return stream[:_STREAM_NAME] in self._streams

    def format(self, stream: str) -> str | None:
        """A stream's format; None for one that is not known to be of flows."""
        known = self._streams.get(stream[:_STREAM_NAME])
        return None if known is None else known[0]

    def tally_of(self, stream: str) -> StreamTally:
        """What came of a stream that is known."""
        return self.tally.streams[stream[:_STREAM_NAME]]

    def takes(self, delivery: Delivery) -> bool:
        """Whether a delivery is of flows; from then on its stream is."""
        if delivery.stream in self:
            return True
        form = delivery.format or ""
        if form == NETFLOW and delivery.stream.startswith(f"{SFLOW}:"):
            # Both come to the same port.
            form = SFLOW
        if form in _TOLD:
            self._keep(delivery.stream, form, _TOLD[form]())
        elif form != SURICATA_HTTP and is_flow_log(delivery.lines[:_HEAD]):
            try:
                log = FlowLog(delivery.stream, Chunk.of(delivery.lines[: 1 << 16], delivery.stream))
            except VedetteError:
                return False
            self._keep(delivery.stream, log.format, _Log(log))
        return delivery.stream in self

    def take(self, delivery: Delivery) -> list[Passed]:
        """The flows of a delivery that `takes` said yes to. Every line is counted."""
        name = delivery.stream[:_STREAM_NAME]
        self._streams.move_to_end(name)
        form, reader = self._streams[name]
        found, problems, lines = reader.read(delivery)
        tally = self.tally
        tally.lines += lines
        # Of samples nobody knows the end.
        flows = sum(len(passed.ended) or (form == SFLOW and len(passed.parts)) for passed in found)
        tally.flows += flows
        tally.skipped = _sum(tally.skipped, problems)
        one = tally.streams[name]
        one.lines += lines
        one.flows += flows
        one.skipped = _sum(one.skipped, problems)
        one.foreign, one.head = reader.unread()
        one.unknown = 0 if flows else one.unknown + problems.get(NetflowProblem.NO_TEMPLATE.value, 0)
        return found

    def to_state(self) -> bytes:
        """What is known of all streams, as bytes."""
        return encode([_State(name, form, one.to_state()) for name, (form, one) in self._streams.items()])

    def from_state(self, content: bytes) -> list[str]:
        """Take over what `to_state` gave; returns why some streams begin anew, a sentence each.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        anew = []
        for kept in decode(content, list[_State], "streams of flows")[-MOST_STREAMS:]:
            try:
                if kept.format in _TOLD:
                    reader = _TOLD[kept.format]()
                    reader.from_state(kept.reader)
                    self._keep(kept.name, kept.format, reader)
                else:
                    form, header = decode(kept.reader, tuple[str, bytes], kept.name)
                    self._keep(kept.name, form, _Log(FlowLog.named(kept.name, form, header)))
            except (VedetteError, StateError) as error:
                anew.append(f"{kept.name}: its format is looked for anew: {error}")
        return anew

    def _keep(self, stream: str, form: str, reader: Reader) -> None:
        streams = dict(self.tally.streams)
        if len(self._streams) >= MOST_STREAMS:
            oldest, _ = self._streams.popitem(last=False)
            streams.pop(oldest, None)
            self.tally.forgotten += 1
        self._streams[stream[:_STREAM_NAME]] = form, reader
        streams.setdefault(stream[:_STREAM_NAME], StreamTally(form))
        self.tally.streams = streams


def lateness_us(stream_format: str | None) -> int:
    """How late flows of a stream may come after others of it, microseconds."""
    if stream_format == PARTS:
        # By the windows that they are told with.
        return 0
    if stream_format == SFLOW:
        return _SAMPLES_LATE_US
    return _RECORDS_LATE_US if stream_format == NETFLOW else _LOGS_LATE_US


_SAMPLES_LATE_US = 1_000_000
"""They are dated by when they come; clocks are set back by less."""
_RECORDS_LATE_US = 60_000_000
"""Exporters tell of silent flows after 15 seconds, and send what they have every few."""
_LOGS_LATE_US = 300_000_000
"""Flow logs are written when flows end; Zeek and most others end silent ones within five minutes."""


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """A new mapping: other threads read the old one."""
    both = dict(one)
    for reason, count in other.items():
        both[reason] = both.get(reason, 0) + count
    return both


def _whole(flows: Flows) -> Passed:
    """Whole flows: each a part by itself."""
    return Passed(0, flows, flows if len(flows) else Flows.none(Known(0)), None)

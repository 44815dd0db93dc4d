"""Evidence of what was stated of flows, looked up in the captures and flow logs once more."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.kept import printable
from vedette.detectors.network.addresses import address
from vedette.engine.flow_evidence import TALK, FlowEvidence, Seen
from vedette.kernels.packets.packet_layout import PACKET_COLUMNS, Packet
from vedette.parsers.flows.captures import FRAMES, CaptureParser, is_capture
from vedette.parsers.flows.flow_logs import FlowLog
from vedette.replay.capture_batches import CaptureBatches
from vedette.replay.flow_inputs import first_bytes
from vedette.schema.anomaly import Anomaly, Evidence
from vedette.schema.chunk import Chunk
from vedette.schema.errors import VedetteError
from vedette.schema.flows import Flow, Protocol
from vedette.sources import BufferPool, ByteReader, Input, read_chunks

_HEAD: Final = 64
_LONGEST: Final = 500
"""Bytes of a line that are kept."""
_FLAGS: Final = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")
"""By their bits, the lowest first (RFC 9293)."""
_ICMP: Final = (Protocol.ICMP, Protocol.ICMPV6)
_ASKS: Final = {1: "echo request", 2: "echo reply", 3: "unreachable"}
_THERE: Final = [
    Packet.SOURCE_HIGH,
    Packet.SOURCE_LOW,
    Packet.TARGET_HIGH,
    Packet.TARGET_LOW,
    Packet.TARGET_PORT,
]
_BACK: Final = [
    Packet.TARGET_HIGH,
    Packet.TARGET_LOW,
    Packet.SOURCE_HIGH,
    Packet.SOURCE_LOW,
    Packet.SOURCE_PORT,
]
_OF_FLOW: Final = [
    Flow.CLIENT_HIGH, Flow.CLIENT_LOW, Flow.SERVER_HIGH, Flow.SERVER_LOW, Flow.SERVER_PORT, Flow.PROTOCOL,
]  # fmt: skip


def with_evidence(
    anomalies: Sequence[Anomaly], inputs: Sequence[Input], span: int, stopped: Callable[[], bool]
) -> list[Anomaly]:
    """Anomalies with the packets and lines that they rest on, as far as inputs can be read once more.

    Args:
        inputs: Captures and flow logs. span: Length of a window, microseconds.
        stopped: Once it says so, the rest is left.
    """
    wanted = FlowEvidence(anomalies, span)
    if wanted.end is None:
        return list(anomalies)
    for source in inputs:
        if source.path is None:
            # A pipe is read once.
            continue
        wanted.begin()
        try:
            if is_capture(first_bytes(source, _HEAD)):
                with ByteReader(source, stopped) as reader:
                    _look_at_packets(wanted, reader, stopped)
            else:
                _look_at_lines(wanted, source, stopped)
        except VedetteError:
            # It was told when it was scanned.
            continue
    return [wanted.told(anomaly) for anomaly in anomalies]


def _look_at_packets(wanted: FlowEvidence, reader: ByteReader, stopped: Callable[[], bool]) -> None:
    parser = CaptureParser(reader.source.name, reader.head)
    rows = np.zeros((FRAMES, PACKET_COLUMNS), dtype=np.int64)
    before, end = 0, wanted.end or 0
    for buffer, frames in CaptureBatches(reader, parser, stopped):
        count, first = len(frames), before + 1
        before += count
        if not count or not wanted.wanted(frames.time).any():
            if count and int(frames.time.min()) >= end:
                return
            continue
        decoded = frames.decode(buffer, rows)
        which = np.flatnonzero(decoded[:, Packet.STATUS] == 0)
        taken = decoded[which]

        def tell(
            row: int, taken: NDArray[np.int64] = taken, which: NDArray[np.intp] = which, first: int = first
        ) -> Seen:
            packet = taken[row].tolist()
            number = first + int(which[row])
            shown = f"frame {number}: {_described(packet)}"
            return Seen(packet[Packet.TIME], Evidence(reader.source.name, number, shown))

        wanted.look(taken[:, Packet.TIME], (_talks(taken, _THERE), _talks(taken, _BACK)), tell)


def _talks(rows: NDArray[np.int64], ends: Sequence[Packet]) -> NDArray[np.int64]:
    """Packets as talks, whose servers are at one of their two ends."""
    talks = np.zeros((len(rows), TALK), dtype=np.int64)
    talks[:, 1:6] = rows[:, ends]
    protocol = talks[:, 6] = rows[:, Packet.PROTOCOL]
    # Pings have no ports.
    talks[np.isin(protocol, _ICMP), 5] = 0
    return talks


def _described(packet: Sequence[int]) -> str:
    """A packet as a line: `TCP 192.0.2.7:4000 > 192.0.2.1:22 SYN, 60 bytes, 2010-07-04T20:24:10.123456Z`."""
    protocol, flags = packet[Packet.PROTOCOL], packet[Packet.FLAGS]
    known = protocol in Protocol.__members__.values()
    name = Protocol(protocol).name if known else f"protocol {protocol}"
    said = ""
    if protocol == Protocol.TCP:
        said = " " + (",".join(one for bit, one in enumerate(_FLAGS) if flags >> bit & 1) or "no flag")
    elif protocol in _ICMP and flags in _ASKS:
        said = f" {_ASKS[flags]}"
    ported = protocol not in _ICMP
    ends = " > ".join(
        _end(packet[high], packet[low], packet[port] if ported else 0)
        for high, low, port in (
            (Packet.SOURCE_HIGH, Packet.SOURCE_LOW, Packet.SOURCE_PORT),
            (Packet.TARGET_HIGH, Packet.TARGET_LOW, Packet.TARGET_PORT),
        )
    )
    return f"{name} {ends}{said}, {packet[Packet.BYTES]:,} bytes, {_moment(packet[Packet.TIME])}"


def _end(high: int, low: int, port: int) -> str:
    text = address(high, low)
    if not port:
        return text
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"


def _moment(time: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _look_at_lines(wanted: FlowEvidence, source: Input, stopped: Callable[[], bool]) -> None:
    pool = BufferPool(limit=2)
    with read_chunks(source, pool=pool, stopped=stopped) as reader:
        log = FlowLog(source.name, reader.sample(), turns=1)
        for chunk in reader:
            flows, _, _ = log.parse(chunk)
            which = np.flatnonzero(wanted.wanted(flows.table[:, Flow.START]))
            if len(which):
                finder = _LineFinder(source.name, chunk, log.begins)
                taken = flows.table[which]
                talks = np.zeros((len(taken), TALK), dtype=np.int64)
                talks[:, 1:] = taken[:, _OF_FLOW]
                talks[np.isin(talks[:, 6], _ICMP), 5] = 0

                def tell(
                    row: int,
                    finder: _LineFinder = finder,
                    taken: NDArray[np.int64] = taken,
                    which: NDArray[np.intp] = which,
                ) -> Seen:
                    return Seen(int(taken[row, Flow.START]), finder.line(int(which[row])))

                wanted.look(taken[:, Flow.START], (talks,), tell)
            pool.release(chunk.buffer)


class _LineFinder:
    """Finds the lines that flows were read from.

    Args:
        name: Of the log. chunk: Its lines. begins: int64 (n,), where the line of each flow begins.
    """

    def __init__(self, name: str, chunk: Chunk, begins: NDArray[np.int64]) -> None:
        self._name = name
        self._chunk = chunk
        self._begins = begins
        self._ends = np.append(np.flatnonzero(chunk.buffer[: chunk.length] == ord("\n")) + 1, chunk.length)

    def line(self, flow: int) -> Evidence:
        """The line of a flow, by its place among the flows of the chunk."""
        number = int(np.searchsorted(self._ends, self._begins[flow], side="right"))
        begin = int(self._ends[number - 1]) if number else 0
        text = self._chunk.buffer[begin : int(self._ends[number])].tobytes()
        return Evidence(
            self._name, self._chunk.first_line + number, printable(text.rstrip(b"\r\n")[:_LONGEST])
        )

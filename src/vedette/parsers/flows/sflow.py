"""sFlow v5 (https://sflow.org/sflow_version_5.txt): from datagrams to what sampled packets tell of flows.

Sans I/O. A datagram says nothing of the time: each comes as a line of the time it was received, microseconds since the
epoch, a colon, and base64. Headers of sampled packets go through the same decoder as captures; each stands for as many
packets, and bytes, as its sampling rate says. Connections are not counted: of a sample nobody knows whether it began
one or was answered. Counter samples are passed over.
"""

import binascii
import struct
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.packets.packet_layout import PACKET_COLUMNS, Packet, Status
from vedette.kernels.packets.packets import decode_packets
from vedette.parsers.flows.flow_ends import from_servers
from vedette.parsers.flows.sequence_gaps import SOURCES, SequenceGaps
from vedette.schema.flows import FLOW_COLUMNS, Flow, Flows, Known
from vedette.schema.state import check, decode, encode

FORMAT: Final = "sflow"
MOST_RATE: Final = 1 << 24
"""One in more than this is not believed."""
_MOST_BYTES: Final = 1 << 16
"""Of a packet: no frame is longer."""
_LATEST: Final = 1 << 52
_SPARE: Final = 64
_FLOWS: Final = {1: 28, 3: 40}
"""Formats of flow samples (plain, expanded), and the bytes in front of their records' number."""
_COUNTERS: Final = (2, 4)
_RAW_HEADER: Final = 1
_LINKS: Final = {1: 1, 11: 101, 12: 101}
"""sFlow's numbers of header protocols (Ethernet, IPv4, IPv6), and tcpdump's."""


class SflowProblem(StrEnum):
    """Why a datagram, or a part of it, tells no flow."""

    BAD_LINE = "bad_line"
    BAD_DATAGRAM = "bad_datagram"
    BAD_SAMPLE = "bad_sample"
    BAD_RATE = "samples_without_rate"
    COUNTERS = "counter_samples"
    OTHER_SAMPLES = "other_samples"
    NO_HEADER = "samples_without_header"
    UNKNOWN_LINK = "packets_of_unknown_link_type"
    NOT_IP = "packets_not_ip"
    CUT = "packets_cut"
    MALFORMED = "packets_malformed"
    LOST = "lost_by_sequence"
    """Datagrams that never came, by the agent's own count."""


_PROBLEMS: Final = {
    Status.NOT_IP: SflowProblem.NOT_IP,
    Status.CUT: SflowProblem.CUT,
    Status.MALFORMED: SflowProblem.MALFORMED,
    Status.UNKNOWN_LINK: SflowProblem.UNKNOWN_LINK,
}
_Sample = tuple[int, int, int, int, bytes]
"""Time, sampling rate, bytes on the wire, link type, and the header."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    next: int
    expected: list[tuple[int, int]]


class _CutError(Exception):
    """What is there ends before it should."""


class SflowParser:
    """Reads what one agent sends."""

    def __init__(self) -> None:
        self._next = 0
        self._gaps: SequenceGaps[int] = SequenceGaps()
        self._problems: dict[str, int] = {}

    def parse(self, text: bytes) -> tuple[Flows, dict[str, int], int]:
        """Read lines; returns parts of flows, what was wrong (reason to count), and how many lines there were."""
        self._problems = {}
        lines = text.splitlines()
        samples: list[_Sample] = []
        for line in lines:
            stamp, _, content = line.partition(b":")
            try:
                datagram = binascii.a2b_base64(content, strict_mode=True)
            except binascii.Error:
                self._count(SflowProblem.BAD_LINE)
                continue
            if not (stamp.isdigit() and len(stamp) <= 16 and int(stamp) < _LATEST):
                self._count(SflowProblem.BAD_LINE)
                continue
            try:
                samples += self._datagram(datagram, int(stamp))
            except _CutError:
                self._count(SflowProblem.BAD_DATAGRAM)
        table = self._rows(samples)
        table[:, Flow.NUMBER] = np.arange(self._next, self._next + len(table))
        self._next += len(table)
        return Flows(table, Known.FLAGS | Known.OUTCOME), self._problems, len(lines)

    def to_state(self) -> bytes:
        """Sequences, as bytes."""
        return encode(_State(self._next, self._gaps.dump()))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        state = decode(content, _State, "sequences of sFlow")
        check(len(state.expected) <= SOURCES and state.next >= 0, "sequences of sFlow")
        self._next, self._gaps = state.next, SequenceGaps(state.expected)

    def _datagram(self, datagram: bytes, time: int) -> list[_Sample]:
        """The sampled headers of a datagram. Raises `_CutError` if it is none."""
        version, kind = _words(datagram, 0, 2)
        length = {1: 4, 2: 16}.get(kind)
        if version != 5 or length is None:
            raise _CutError
        at = 8 + length
        agent, sequence, _, count = _words(datagram, at, 4)
        self._count(SflowProblem.LOST, self._gaps.missing(agent, sequence, 1))
        at += 16
        found: list[_Sample] = []
        for _ in range(count):
            try:
                form, size = _words(datagram, at, 2)
                body = _part(datagram, at + 8, size)
            except _CutError:
                # What came before it counts.
                self._count(SflowProblem.BAD_SAMPLE)
                break
            at += 8 + size + -size % 4
            if form in _FLOWS:
                try:
                    found += self._sample(body, _FLOWS[form], expanded=form != 1, time=time)
                except _CutError:
                    self._count(SflowProblem.BAD_SAMPLE)
            else:
                counters = form in _COUNTERS
                self._count(SflowProblem.COUNTERS if counters else SflowProblem.OTHER_SAMPLES)
        return found

    def _sample(self, body: bytes, head: int, *, expanded: bool, time: int) -> Iterator[_Sample]:
        """The sampled header of a flow sample, if it holds one. Raises `_CutError`."""
        (rate,) = _words(body, 12 if expanded else 8, 1)
        (count,) = _words(body, head, 1)
        if not 0 < rate <= MOST_RATE:
            self._count(SflowProblem.BAD_RATE)
            return
        at = head + 4
        for _ in range(count):
            form, size = _words(body, at, 2)
            record = _part(body, at + 8, size)
            at += 8 + size + -size % 4
            if form == _RAW_HEADER:
                protocol, frame, _, captured = _words(record, 0, 4)
                header = _part(record, 16, captured)
                if protocol not in _LINKS:
                    self._count(SflowProblem.UNKNOWN_LINK)
                    return
                yield time, rate, min(frame, _MOST_BYTES), _LINKS[protocol], header
                return
        self._count(SflowProblem.NO_HEADER)

    def _rows(self, samples: list[_Sample]) -> NDArray[np.int64]:
        """Parts of flows, one for each sampled packet that can be read."""
        headers = [header for *_, header in samples]
        time, rate, wire, link = (
            np.array([sample[place] for sample in samples], dtype=np.int64) for place in range(4)
        )
        captured = np.array([len(header) for header in headers], dtype=np.int64)
        start = np.cumsum(captured) - captured
        buffer = np.frombuffer(b"".join(headers) + bytes(_SPARE), dtype=np.uint8)
        packets = np.zeros((len(samples), PACKET_COLUMNS), dtype=np.int64)
        decode_packets(
            buffer, start, captured, wire, time, link, 0, len(samples), np.zeros(3, dtype=np.int64), packets
        )
        for status, problem in _PROBLEMS.items():
            self._count(problem, int(np.count_nonzero(packets[:, Packet.STATUS] == status)))
        good = packets[:, Packet.STATUS] == Status.READ
        return _parts(packets[good], rate[good])

    def _count(self, problem: SflowProblem, count: int = 1) -> None:
        if count:
            self._problems[problem.value] = self._problems.get(problem.value, 0) + count


def _parts(packets: NDArray[np.int64], rate: NDArray[np.int64]) -> NDArray[np.int64]:
    """Packets as parts of flows that nobody knows the beginning of, int64 (n, FLOW_COLUMNS)."""
    back = from_servers(
        packets[:, Packet.SOURCE_PORT], packets[:, Packet.TARGET_PORT], packets[:, Packet.PROTOCOL],
        packets[:, Packet.FLAGS],
    )  # fmt: skip
    table = np.zeros((len(packets), FLOW_COLUMNS), dtype=np.int64)
    for column in (Flow.START, Flow.END, Flow.BEGAN):
        table[:, column] = packets[:, Packet.TIME]
    for client, server, source, target in (
        (Flow.CLIENT_HIGH, Flow.SERVER_HIGH, Packet.SOURCE_HIGH, Packet.TARGET_HIGH),
        (Flow.CLIENT_LOW, Flow.SERVER_LOW, Packet.SOURCE_LOW, Packet.TARGET_LOW),
        (Flow.CLIENT_PORT, Flow.SERVER_PORT, Packet.SOURCE_PORT, Packet.TARGET_PORT),
    ):
        table[:, client] = np.where(back, packets[:, target], packets[:, source])
        table[:, server] = np.where(back, packets[:, source], packets[:, target])
    table[:, Flow.PROTOCOL] = packets[:, Packet.PROTOCOL]
    for out, into, each in (
        (Flow.PACKETS_OUT, Flow.PACKETS_IN, np.ones_like(rate)),
        (Flow.BYTES_OUT, Flow.BYTES_IN, packets[:, Packet.BYTES]),
    ):
        table[:, out], table[:, into] = np.where(back, 0, each * rate), np.where(back, each * rate, 0)
    return table


def _words(content: bytes, at: int, count: int) -> tuple[int, ...]:
    """So many numbers of four bytes. Raises `_CutError`."""
    if at + 4 * count > len(content):
        raise _CutError
    return struct.unpack_from(f">{count}I", content, at)


def _part(content: bytes, at: int, size: int) -> bytes:
    """So many bytes. Raises `_CutError`."""
    if at + size > len(content):
        raise _CutError
    return content[at : at + size]

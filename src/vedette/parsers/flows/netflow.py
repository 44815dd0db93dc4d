"""NetFlow v5 and v9 (RFC 3954) and IPFIX (RFC 7011): from datagrams to flows.

Sans I/O. Datagrams of one exporter come in one after the other, each as a line of base64, as whoever received them
kept them; so what was received can be read again, with the templates as they were known at that time.

A record tells of one direction. Which end is the client is told by ports: a port below 1024 is a server's, and so is
one below 32768 if the other is not (Linux takes ephemeral ports from there on). Both directions of a conversation so
come to the same client and server. A record counts in the window that its last packet is in: exporters tell of long
flows in parts, as they go on.
"""

import binascii
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.parsers.flows.flow_ends import from_servers
from vedette.parsers.flows.flow_flags import tell_flags
from vedette.parsers.flows.foreign_datagrams import LOOKED_AT
from vedette.parsers.flows.netflow_fields import STAMPS, VARIABLE, Columns, Field, half, whole_number
from vedette.parsers.flows.netflow_sampling import Rates
from vedette.parsers.flows.netflow_templates import Key, Template, Templates, read_templates
from vedette.parsers.flows.netflow_times import FARTHEST_US, Boots, times
from vedette.parsers.flows.sequence_gaps import SOURCES, SequenceGaps
from vedette.schema.flows import FLOW_COLUMNS, Flow, Flows, Known, Protocol
from vedette.schema.state import check, decode, encode

FORMAT: Final = "netflow"
_V5_RECORD: Final = 48
_V5_HEADER: Final = 24
_V9_HEADER: Final = 20
_IPFIX_HEADER: Final = 16
_MAPPED: Final = 0xFFFF << 32


class NetflowProblem(StrEnum):
    """Why a datagram, or records of it, are no flows; and what is told besides."""

    NOT_BASE64 = "bad_line"
    BAD_DATAGRAM = "bad_datagram"
    BAD_SET = "bad_set"
    NO_TEMPLATE = "sets_without_template"
    NO_ADDRESSES = "records_without_addresses"
    BAD_TIME = "records_without_time"
    LOST = "lost_by_sequence"
    """Flows (NetFlow v5, IPFIX) or datagrams (v9) that never came, by the exporter's own count."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    templates: list[tuple[Key, Template]]
    expected: list[tuple[tuple[int, int], int]]
    next: int
    rates: list[tuple[tuple[int, int, int], int]] = []
    counted: list[tuple[tuple[int, int], int, bool]] = []
    boots: list[tuple[tuple[int, int], int]] = []


class NetflowParser:
    """Reads what one exporter sends.

    Attributes:
        foreign: How many of the last datagrams, in a row, were none that is read. head: How the last of them begins.
    """

    format = FORMAT

    def __init__(self) -> None:
        self.foreign, self.head = 0, b""
        self.templates = Templates()
        self._gaps: SequenceGaps[tuple[int, int]] = SequenceGaps()
        self._next = 0
        self._rates = Rates()
        self._boots = Boots()
        self._problems: dict[str, int] = {}

    def parse(self, text: bytes) -> tuple[Flows, dict[str, int], int]:
        """Read lines of base64; returns flows, what was wrong (reason to count), and how many lines there were."""
        self._problems = {}
        parts: list[NDArray[np.int64]] = []
        lines = text.splitlines()
        for line in lines:
            try:
                datagram = binascii.a2b_base64(line, strict_mode=True)
            except binascii.Error:
                self._count(NetflowProblem.NOT_BASE64)
                continue
            parts += self._datagram(datagram)
        table = np.concatenate([np.zeros((0, FLOW_COLUMNS), dtype=np.int64), *parts])
        table[:, Flow.NUMBER] = np.arange(self._next, self._next + len(table))
        self._next += len(table)
        return Flows(table, Known.FLAGS | Known.OUTCOME), self._problems, len(lines)

    def to_state(self) -> bytes:
        """Templates and sequences, as bytes."""
        gaps, rates = self._gaps, self._rates.dump()
        templates, counted = self.templates.dump(), gaps.dump_counted()
        return encode(_State(templates, gaps.dump(), self._next, rates, counted, self._boots.dump()))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        state = decode(content, _State, "templates")
        check(len(state.expected) <= SOURCES and state.next >= 0, "templates")
        self.templates.load(state.templates)
        self._gaps, self._next = SequenceGaps(state.expected, state.counted), state.next
        self._boots.load(state.boots)
        self._rates.load(state.rates)

    def _datagram(self, datagram: bytes) -> list[NDArray[np.int64]]:
        version = int.from_bytes(datagram[:2], "big")
        before, self.foreign = self.foreign, 0
        if version == 5 and len(datagram) >= _V5_HEADER:
            return self._v5(datagram)
        if version == 9 and len(datagram) >= _V9_HEADER:
            return self._v9(datagram)
        if version == 10 and len(datagram) >= _IPFIX_HEADER:
            return self._ipfix(datagram)
        self.foreign, self.head = before + 1, datagram[:LOOKED_AT]
        self._count(NetflowProblem.BAD_DATAGRAM)
        return []

    def _v5(self, datagram: bytes) -> list[NDArray[np.int64]]:
        count = int.from_bytes(datagram[2:4], "big")
        there = (len(datagram) - _V5_HEADER) // _V5_RECORD
        if count > there:
            self._count(NetflowProblem.BAD_SET)
        count = min(count, there)
        engine, sequence = (
            int.from_bytes(datagram[at : at + size], "big") for at, size in ((20, 2), (16, 4))
        )
        self._count(NetflowProblem.LOST, self._gaps.missing((5, engine), sequence, count))
        records = np.frombuffer(datagram, dtype=np.uint8, offset=_V5_HEADER, count=count * _V5_RECORD)
        octets = records.reshape(count, _V5_RECORD)
        columns = {field: whole_number(octets[:, begin:end]) for field, begin, end in _V5_FIELDS}
        uptime, seconds, nanoseconds = (int.from_bytes(datagram[at : at + 4], "big") for at in (4, 8, 12))
        now = seconds * 1_000_000 + min(nanoseconds, 999_999_999) // 1000
        # Two bits say how it samples, fourteen one in how many.
        interval = int.from_bytes(datagram[22:24], "big") & 0x3FFF
        rate = np.full(count, max(1, interval), dtype=np.int64)
        return [self._rows(columns, rate, now, uptime)]

    def _v9(self, datagram: bytes) -> list[NDArray[np.int64]]:
        uptime, seconds, sequence, domain = (
            int.from_bytes(datagram[at : at + 4], "big") for at in (4, 8, 12, 16)
        )
        self._count(NetflowProblem.LOST, self._gaps.missing((9, domain), sequence, 1))
        return self._sets(datagram[_V9_HEADER:], 9, domain, seconds * 1_000_000, uptime)[0]

    def _ipfix(self, datagram: bytes) -> list[NDArray[np.int64]]:
        length = int.from_bytes(datagram[2:4], "big")
        seconds, sequence, domain = (int.from_bytes(datagram[at : at + 4], "big") for at in (4, 8, 12))
        if not _IPFIX_HEADER <= length <= len(datagram):
            self._count(NetflowProblem.BAD_SET)
        found, records, about = self._sets(
            datagram[_IPFIX_HEADER:length], 10, domain, seconds * 1_000_000, None
        )
        if records is None:
            # How many records a set without a template holds nobody knows: the count begins anew.
            self._gaps.forget((10, domain))
        else:
            self._count(NetflowProblem.LOST, self._gaps.missing((10, domain), sequence, records, about))
        return found

    def _sets(
        self, body: bytes, version: int, domain: int, now: int, uptime: int | None
    ) -> tuple[list[NDArray[np.int64]], int | None, int]:
        """Flows of the sets of a datagram, how many records there were, and how many were about the exporter.

        The number is None where it is not known.
        """
        found: list[NDArray[np.int64]] = []
        records: int | None = 0
        at = about = 0
        while len(body) - at >= 4:
            number, length = (
                int.from_bytes(body[at : at + 2], "big"),
                int.from_bytes(body[at + 2 : at + 4], "big"),
            )
            if not 4 <= length <= len(body) - at:
                self._count(NetflowProblem.BAD_SET)
                return found, None, about
            content = body[at + 4 : at + length]
            at += length
            if number in ((0, 1) if version == 9 else (2, 3)):
                self._learn(content, version, domain, options=number in (1, 3))
            elif number >= 256:
                template = self.templates.find((version, domain, number))
                if template is None:
                    self._count(NetflowProblem.NO_TEMPLATE)
                    records = None
                    continue
                columns, count = (
                    _variable(content, template) if template.variable else _fixed(content, template)
                )
                records = None if records is None else records + count
                if template.options:
                    about += count
                    self._count(NetflowProblem.BAD_SET, self._rates.learn((version, domain), columns, count))
                    self._boots.learn((version, domain), columns)
                elif count:
                    self._boots.tell((version, domain), columns, count)
                    rate = self._rates.of((version, domain), columns, count)
                    found.append(self._rows(columns, rate, now, uptime))
        return found, records, about

    def _learn(self, content: bytes, version: int, domain: int, *, options: bool) -> None:
        try:
            for number, template in read_templates(content, version, options=options):
                if template is None:
                    self.templates.drop(version, domain, number)
                else:
                    self.templates.keep((version, domain, number), template)
        except (ValueError, IndexError):
            self._count(NetflowProblem.BAD_SET)

    def _rows(
        self, columns: Columns, rate: NDArray[np.int64], now: int, uptime: int | None
    ) -> NDArray[np.int64]:
        """Flows of records of one kind.

        Args:
            rate: int64 (n,), one in how many packets was looked at, of each of the n records.
            now: When they were sent, microseconds. uptime: The same in milliseconds since the exporter was started.
        """
        count = len(rate)
        source, target = (
            _addresses(columns, Field.SOURCE4, Field.SOURCE6),
            _addresses(columns, Field.TARGET4, Field.TARGET6),
        )
        if source is None or target is None:
            self._count(NetflowProblem.NO_ADDRESSES, count)
            return np.zeros((0, FLOW_COLUMNS), dtype=np.int64)
        first, last = times(columns, now, uptime, count)
        zeros = np.zeros(count, dtype=np.int64)

        def get(field: Field) -> NDArray[np.int64]:
            return columns.get(field, zeros)

        protocol, flags, back_flags = get(Field.PROTOCOL), get(Field.FLAGS), get(Field.BACK_FLAGS)
        near, far = get(Field.SOURCE_PORT) & 0xFFFF, get(Field.TARGET_PORT) & 0xFFFF
        icmp = np.isin(protocol, (Protocol.ICMP, Protocol.ICMPV6))
        near, far = np.where(icmp, 0, near), np.where(icmp & (far == 0), get(Field.ICMP) & 0xFFFF, far)
        back = from_servers(near, far, protocol, flags)
        table = np.zeros((count, FLOW_COLUMNS), dtype=np.int64)
        table[:, Flow.START] = table[:, Flow.END] = last
        table[:, Flow.BEGAN] = first
        table[:, Flow.DURATION] = np.maximum(0, last - first)
        for column, one, other in (
            (Flow.CLIENT_HIGH, source[0], target[0]),
            (Flow.CLIENT_LOW, source[1], target[1]),
            (Flow.SERVER_HIGH, target[0], source[0]),
            (Flow.SERVER_LOW, target[1], source[1]),
            (Flow.CLIENT_PORT, near, far),
            (Flow.SERVER_PORT, far, near),
            (Flow.PACKETS_OUT, get(Field.PACKETS), get(Field.BACK_PACKETS)),
            (Flow.PACKETS_IN, get(Field.BACK_PACKETS), get(Field.PACKETS)),
            (Flow.BYTES_OUT, get(Field.BYTES), get(Field.BACK_BYTES)),
            (Flow.BYTES_IN, get(Field.BACK_BYTES), get(Field.BYTES)),
        ):
            table[:, column] = np.where(back, other, one)
        table[:, Flow.PROTOCOL] = protocol & 0xFF
        each = rate[:, None]
        counts = table[:, Flow.PACKETS_OUT : Flow.BYTES_IN + 1]
        table[:, Flow.PACKETS_OUT : Flow.BYTES_IN + 1] = np.minimum(counts, _MOST // each) * each
        tell_flags(table, np.where(back, back_flags, flags), np.where(back, flags, back_flags), back)
        alone = (rate > 1) & (table[:, Flow.FAILED] > 0)
        table[alone, Flow.FAILED] = table[alone, Flow.SYN_OUT] = 0
        good = (last > 0) & (last < FARTHEST_US) & (first > 0)
        self._count(NetflowProblem.BAD_TIME, int(count - good.sum()))
        kept: NDArray[np.int64] = table[good]
        return kept

    def _count(self, problem: NetflowProblem, count: int = 1) -> None:
        if count:
            self._problems[problem.value] = self._problems.get(problem.value, 0) + count


_MOST: Final = 1 << 56
"""More packets or bytes than this no record tells: a sum of many must stay within int64."""
_V5_FIELDS: Final = (
    (Field.SOURCE4, 0, 4), (Field.TARGET4, 4, 8), (Field.PACKETS, 16, 20), (Field.BYTES, 20, 24),
    (Field.FIRST_UPTIME, 24, 28), (Field.LAST_UPTIME, 28, 32), (Field.SOURCE_PORT, 32, 34),
    (Field.TARGET_PORT, 34, 36), (Field.FLAGS, 37, 38), (Field.PROTOCOL, 38, 39),
)  # fmt: skip


def _fixed(content: bytes, template: Template) -> tuple[Columns, int]:
    """Columns of records that are all of one length; what is left over is padding."""
    count = len(content) // template.length
    octets = np.frombuffer(content, dtype=np.uint8, count=count * template.length).reshape(
        count, template.length
    )
    columns: Columns = {}
    for field, begin, length in template.fields:
        if field is not None:
            _add(columns, field, octets[:, begin : begin + length])
    return columns, count


def _variable(content: bytes, template: Template) -> tuple[Columns, int]:
    """Columns of records with fields of variable length (RFC 7011 section 7), found one by one."""
    begins: list[list[int]] = []
    at = 0
    while len(content) - at >= template.length:
        row: list[int] = []
        for _, _, size in template.fields:
            length = size
            if size == VARIABLE:
                if at >= len(content):
                    break
                length = content[at]
                at += 1
                if length == 255:
                    length = int.from_bytes(content[at : at + 2], "big")
                    at += 2
            row.append(at)
            at += length
        if at > len(content) or len(row) < len(template.fields):
            break
        begins.append(row)
    octets = np.frombuffer(content, dtype=np.uint8)
    where = np.array(begins, dtype=np.int64).reshape(-1, len(template.fields))
    columns: Columns = {}
    for number, (field, _, length) in enumerate(template.fields):
        if field is not None:
            _add(columns, field, octets[where[:, number, None] + np.arange(length)])
    return columns, len(begins)


def _add(columns: Columns, field: Field, octets: NDArray[np.uint8]) -> None:
    if field in (Field.SOURCE6, Field.TARGET6):
        # Two halves side by side.
        columns[field] = np.column_stack([half(octets[:, :8]), half(octets[:, 8:])])
    elif field in STAMPS:
        columns[field] = half(octets)
    else:
        columns[field] = whole_number(octets)


def _addresses(
    columns: Columns, four: Field, six: Field
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Both halves of an address; where a record has both kinds, IPv4 counts unless it is 0.0.0.0."""
    short, long = columns.get(four), columns.get(six)
    if long is None:
        return None if short is None else (np.zeros_like(short), short | _MAPPED)
    if short is None:
        return long[:, 0], long[:, 1]
    use = short != 0
    return np.where(use, 0, long[:, 0]), np.where(use, short | _MAPPED, long[:, 1])

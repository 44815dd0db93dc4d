"""Flow records as JSON lines: Zeek's conn.log, and Suricata's EVE."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import MappingProxyType
from typing import Any, Final

import msgspec
import numpy as np

from vedette.kernels.compile import INTERPRETED
from vedette.kernels.flows.flow_objects import read_flow_objects
from vedette.kernels.flows.flow_spots import Spot
from vedette.kernels.lines.tokenise_json import DEEPEST
from vedette.parsers.flows.flow_json_lines import OUTCOMES, PROTOCOLS, EveFlow, Event, ZeekConn
from vedette.parsers.flows.flow_tables import FlowTables
from vedette.parsers.json_keys import JsonKeys
from vedette.parsers.json_lines import JsonTokeniser
from vedette.schema.chunk import Chunk, SkipReason
from vedette.schema.flows import FLOW_COLUMNS, Flow, Flows, Known, Protocol

ZEEK: Final = "zeek-conn-json"
EVE: Final = "suricata-eve"
"""Names of the two formats."""
TOLD: Final = Known.FLAGS | Known.OUTCOME
"""What both tell as their programs write them."""
_ZEEK: Final = MappingProxyType(
    {
        Spot.START: (r"ts",),
        Spot.SECONDS: (r"duration",),
        Spot.CLIENT: (r"id\.orig_h",),
        Spot.CLIENT_PORT: (r"id\.orig_p",),
        Spot.SERVER: (r"id\.resp_h",),
        Spot.SERVER_PORT: (r"id\.resp_p",),
        Spot.PROTOCOL: (r"proto",),
        Spot.PACKETS_OUT: (r"orig_pkts",),
        Spot.PACKETS_IN: (r"resp_pkts",),
        Spot.BYTES_OUT: (r"orig_ip_bytes",),
        Spot.BYTES_IN: (r"resp_ip_bytes",),
        Spot.PAYLOAD_OUT: (r"orig_bytes",),
        Spot.PAYLOAD_IN: (r"resp_bytes",),
        Spot.STATE: (r"conn_state",),
    }
)
_EVE: Final = MappingProxyType(
    {
        Spot.EVENT: ("event_type",),
        Spot.START: ("flow.start",),
        Spot.END: ("flow.end",),
        Spot.CLIENT: ("src_ip",),
        Spot.CLIENT_PORT: ("src_port",),
        Spot.SERVER: ("dest_ip",),
        Spot.SERVER_PORT: ("dest_port",),
        Spot.PROTOCOL: ("proto",),
        Spot.PACKETS_OUT: ("flow.pkts_toserver",),
        Spot.PACKETS_IN: ("flow.pkts_toclient",),
        Spot.BYTES_OUT: ("flow.bytes_toserver",),
        Spot.BYTES_IN: ("flow.bytes_toclient",),
        Spot.SYN: ("tcp.syn",),
        Spot.FIN: ("tcp.fin",),
        Spot.RESET: ("tcp.rst",),
        Spot.ACK: ("tcp.ack",),
        Spot.TCP_FLAGS: ("tcp.tcp_flags",),
        Spot.TCP_STATE: ("tcp.state",),
    }
)


class JsonFlows:
    """Reads one kind of JSON lines.

    Args:
        name: `zeek-conn-json` or `suricata-eve`.
        tells: What the log tells.
        turns: As for `FlowLog`.
        shared: Whether somebody else reads the same lines for other events, and counts those that are no event at all.
        by_line: Whether a decoder reads line by line, and kernels only what it refuses: interpreted, they are ten times
            as slow.

    Attributes:
        begins: int64 (n,), where in the chunk the line of each flow of the last call of `parse` begins.
    """

    def __init__(
        self,
        name: str,
        tells: Known = TOLD,
        *,
        turns: int = 0,
        shared: bool = False,
        by_line: bool = INTERPRETED,
    ) -> None:
        self.name, self.tells = name, tells
        self._tables, self._shared, self._by_line = FlowTables(turns), shared, by_line
        self._eve = name == EVE
        keys = JsonKeys.of(_EVE if self._eve else _ZEEK)
        telling = (Spot.EVENT,) if self._eve else (Spot.START, Spot.CLIENT, Spot.SERVER)
        self._tokeniser = JsonTokeniser(keys, len(Spot), telling)
        self._line: Any = msgspec.json.Decoder(EveFlow if self._eve else ZeekConn)
        self._event = msgspec.json.Decoder(Event)
        self._next = 0
        self.begins = np.zeros(0, dtype=np.int64)

    def parse(self, chunk: Chunk) -> tuple[Flows, int, int]:
        """Read whole lines; returns flows, how many lines should be some and are not, and how many lines there were."""
        return self._decoded(chunk) if self._by_line else self._tokenised(chunk)

    def _decoded(self, chunk: Chunk) -> tuple[Flows, int, int]:
        """The same by a decoder."""
        lines = chunk.buffer[: chunk.length].tobytes().split(b"\n")
        if not lines[-1]:
            del lines[-1]
        rows: list[list[int]] = []
        begins: list[int] = []
        refused: list[tuple[int, bytes]] = []
        at = 0
        for line in lines:
            try:
                row = self._read(line) if line.count(b"{") + line.count(b"[") <= DEEPEST else []
            except (msgspec.MsgspecError, ValueError, OverflowError):
                row = []
            if row:
                rows.append(row)
                begins.append(at)
            elif row is not None:
                refused.append((at, line))
            at += len(line) + 1
        table = np.array(rows, dtype=np.int64).reshape(-1, FLOW_COLUMNS)
        where, first, bad = np.array(begins, dtype=np.int64), self._next, 0
        if refused:
            # What such lines are is told by the kernels, and in the same words.
            text = b"\n".join(line for _, line in refused)
            number = chunk.first_line if not refused[0][0] else chunk.first_line + 1
            flows, bad, _ = self._tokenised(Chunk.of(text, chunk.source, number))
            ends = np.cumsum([len(line) + 1 for _, line in refused])
            which = np.searchsorted(ends, self.begins, side="right")
            where = np.concatenate([where, np.array([begin for begin, _ in refused])[which]])
            order = np.argsort(where, kind="stable")
            table, where = np.concatenate([table, flows.table])[order], where[order]
        table[:, Flow.NUMBER] = np.arange(first, first + len(table))
        self._next, self.begins = first + len(table), where
        return Flows(table, self.tells), bad, len(lines)

    def _tokenised(self, chunk: Chunk) -> tuple[Flows, int, int]:
        """The same by kernels."""
        tokens = self._tokeniser.tokenise(chunk)
        most = tokens.start.shape[1]
        table = self._tables.table(most)
        lines, odd = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.uint8)
        count = read_flow_objects(
            chunk.buffer, np.ascontiguousarray(tokens.start), np.ascontiguousarray(tokens.length), chunk.length,
            int(self._eve), self._next, np.zeros(8, dtype=np.int64), table, lines, odd,
        )  # fmt: skip
        skipped = tokens.skips.counts
        no_event = skipped.get(SkipReason.BAD_JSON, 0) + skipped.get(SkipReason.NOT_THIS_FORMAT, 0)
        bad = 0 if self._shared else no_event
        flows, self.begins = table[:count], tokens.raw_start[lines[:count]]
        if len(which := np.flatnonzero(odd[:count])):
            kept = np.ones(count, dtype=bool)
            for place in which.tolist():
                at = int(tokens.raw_start[lines[place]])
                line = chunk.buffer[at : at + int(tokens.raw_length[lines[place]])].tobytes()
                try:
                    row = self._read(line)
                except (msgspec.MsgspecError, ValueError, OverflowError):
                    bad += 1
                    row = None
                kept[place] = row is not None
                if row is not None:
                    flows[place] = row
            flows, self.begins = flows[kept], self.begins[kept]
            flows[:, Flow.NUMBER] = np.arange(self._next, self._next + len(flows))
        self._next += len(flows)
        return Flows(flows, self.tells), bad, tokens.lines

    def _read(self, line: bytes) -> list[int] | None:
        """A line's flow; None for an event that is none.

        Raises:
            ValueError, OverflowError, msgspec.MsgspecError: It is read otherwise, or not at all.
        """
        return self._read_eve(line) if self._eve else self._read_zeek(line)

    def _read_zeek(self, line: bytes) -> list[int]:
        conn: ZeekConn = self._line.decode(line)
        start = _iso(conn.ts) if isinstance(conn.ts, str) else round(conn.ts * 1e6)
        row = _row(
            start,
            round(conn.duration * 1e6),
            conn.orig,
            conn.orig_port,
            conn.resp,
            conn.resp_port,
            conn.proto,
        )
        row[Flow.PACKETS_OUT], row[Flow.PACKETS_IN] = conn.orig_pkts, conn.resp_pkts
        row[Flow.PAYLOAD_OUT], row[Flow.PAYLOAD_IN] = conn.orig_bytes, conn.resp_bytes
        row[Flow.BYTES_OUT] = conn.orig_ip_bytes or conn.orig_bytes
        row[Flow.BYTES_IN] = conn.resp_ip_bytes or conn.resp_bytes
        if conn.proto == "tcp":
            for column in OUTCOMES.get(conn.conn_state, ()):
                row[column] = 1
        else:
            row[Flow.SUCCEEDED] = int(conn.resp_pkts > 0)
        return _checked(row)

    def _read_eve(self, line: bytes) -> list[int] | None:
        event = self._event.decode(line).event_type
        if event in _NO_EVENT:
            raise ValueError("a line that is no event")
        if event != "flow":
            return None
        flow: EveFlow = self._line.decode(line)
        counts = flow.flow
        start = _iso(counts.start)
        took = _iso(counts.end) - start if counts.end else 0
        row = _row(start, took, flow.src_ip, flow.src_port, flow.dest_ip, flow.dest_port, flow.proto.lower())
        row[Flow.PACKETS_OUT], row[Flow.PACKETS_IN] = counts.pkts_toserver, counts.pkts_toclient
        row[Flow.BYTES_OUT], row[Flow.BYTES_IN] = counts.bytes_toserver, counts.bytes_toclient
        tcp = flow.tcp
        if tcp is not None and row[Flow.PROTOCOL] == Protocol.TCP:
            row[Flow.SYN_OUT], row[Flow.FIN_OUT] = int(tcp.syn), int(tcp.fin)
            refused = tcp.syn and (counts.pkts_toclient == 0 or (tcp.rst and counts.pkts_toclient == 1))
            row[Flow.RESET_IN] = int(tcp.rst)
            row[Flow.FAILED] = int(refused)
            row[Flow.SUCCEEDED] = int(tcp.ack and not refused)
        else:
            row[Flow.SUCCEEDED] = int(counts.pkts_toclient > 0)
        return _checked(row)


def json_flows(head: bytes) -> str | None:
    """Which kind of JSON flows the first lines are, if any."""
    if head.lstrip()[:1] != b"{":
        return None
    for line in _lines(head):
        if _is_conn(line):
            return ZEEK
        if b'"event_type"' in line and b'"flow_id"' in line:
            return EVE
    return None


def tells_no_outcome(head: bytes) -> bool:
    """Whether the first lines of Zeek's lack `conn_state`, which no line lacks unless somebody left the field out."""
    return not any(b'"conn_state"' in line for line in _lines(head) if _is_conn(line))


def _lines(head: bytes) -> list[bytes]:
    return head[:65_536].splitlines()[:200]


def _is_conn(line: bytes) -> bool:
    return b'"id.orig_h"' in line and any(key in line for key in _OF_CONN)


_OF_CONN: Final = (b'"conn_state"', b'"orig_pkts"', b'"orig_ip_bytes"', b'"missed_bytes"')
"""Keys that no other log of Zeek has, and no conn.log lacks all of."""
_FARTHEST: Final = 1 << 62


_NO_EVENT: Final = ("", "-", "0")
"""What tokens take for nothing."""


def _checked(row: list[int]) -> list[int]:
    if min(row) < -_FARTHEST * 2 or max(row) >= _FARTHEST * 2 or min(row[Flow.PACKETS_OUT :]) < 0:
        raise ValueError("a count that cannot be")
    return row


def _row(
    start: int, took: int, client: str, client_port: int, server: str, server_port: int, protocol: str
) -> list[int]:
    """A row with what every flow has."""
    row = [0] * FLOW_COLUMNS
    duration = max(0, took)
    row[Flow.START], row[Flow.END], row[Flow.DURATION], row[Flow.BEGAN] = (
        start,
        start + duration,
        duration,
        start,
    )
    row[Flow.CLIENT_HIGH], row[Flow.CLIENT_LOW] = _halves_of(client)
    row[Flow.SERVER_HIGH], row[Flow.SERVER_LOW] = _halves_of(server)
    row[Flow.CLIENT_PORT], row[Flow.SERVER_PORT] = client_port & 0xFFFF, server_port & 0xFFFF
    row[Flow.PROTOCOL] = PROTOCOLS.get(protocol, 0)
    row[Flow.OPENED] = row[Flow.CLOSED] = 1
    if start < 0:
        raise ValueError("a time before 1970")
    return row


def halves(one: IPv4Address | IPv6Address) -> tuple[int, int]:
    """An address as two int64."""
    number = int(one) | (0xFFFF << 32 if one.version == 4 else 0)
    high, low = number >> 64, number & ((1 << 64) - 1)
    return high - (1 << 64 if high >> 63 else 0), low - (1 << 64 if low >> 63 else 0)


@lru_cache(maxsize=4096)  # the same hosts come again and again
def _halves_of(text: str) -> tuple[int, int]:
    return halves(ip_address(text))


def _iso(text: str) -> int:
    moment = datetime.fromisoformat(text)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MICROSECOND


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

"""Flow records as JSON lines: Zeek's conn.log, and Suricata's EVE."""

from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

import msgspec
import numpy as np

from vedette.schema.flows import FLOW_COLUMNS, Flow, Flows, Known, Protocol

_PROTOCOLS: Final = {
    "tcp": Protocol.TCP,
    "udp": Protocol.UDP,
    "icmp": Protocol.ICMP,
    "ipv6-icmp": Protocol.ICMPV6,
    "icmp6": Protocol.ICMPV6,
    "icmpv6": Protocol.ICMPV6,
    "sctp": Protocol.SCTP,
}
ANSWERED: Final = frozenset(("SF", "S1", "S2", "S3", "RSTO", "RSTR", "OTH", "RSTRH", "SHR"))
REFUSED: Final = frozenset(("S0", "REJ", "RSTOS0", "SH"))


class _ZeekConn(msgspec.Struct):
    ts: float | str
    orig: str = msgspec.field(name="id.orig_h")
    resp: str = msgspec.field(name="id.resp_h")
    proto: str
    orig_port: int = msgspec.field(name="id.orig_p", default=0)
    resp_port: int = msgspec.field(name="id.resp_p", default=0)
    duration: float = 0.0
    orig_bytes: int = 0
    resp_bytes: int = 0
    orig_pkts: int = 0
    resp_pkts: int = 0
    orig_ip_bytes: int = 0
    resp_ip_bytes: int = 0
    conn_state: str = ""


class _EveCounts(msgspec.Struct):
    start: str
    end: str = ""
    pkts_toserver: int = 0
    pkts_toclient: int = 0
    bytes_toserver: int = 0
    bytes_toclient: int = 0


class _EveTcp(msgspec.Struct):
    syn: bool = False
    fin: bool = False
    rst: bool = False
    ack: bool = False


class _EveFlow(msgspec.Struct):
    src_ip: str
    dest_ip: str
    proto: str
    flow: _EveCounts
    src_port: int = 0
    dest_port: int = 0
    tcp: _EveTcp | None = None


class _Event(msgspec.Struct):
    event_type: str = ""


class JsonFlows:
    """Reads one kind of JSON lines."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._decoder: Any = msgspec.json.Decoder(_ZeekConn if name == "zeek-conn-json" else _EveFlow)
        self._event = msgspec.json.Decoder(_Event)
        self._next = 0

    def parse(self, text: bytes) -> tuple[Flows, int, int]:
        """Read whole lines; returns flows, how many lines should be some and are not, and how many lines there were."""
        rows, bad, lines = [], 0, text.splitlines()
        read = self._zeek if self.name == "zeek-conn-json" else self._eve
        for line in lines:
            if not line.strip():
                continue
            try:
                row = read(line)
            except (msgspec.MsgspecError, ValueError, OverflowError):
                bad += 1
                continue
            if row is not None:
                row[Flow.NUMBER] = self._next
                self._next += 1
                rows.append(row)
        table = np.array(rows, dtype=np.int64).reshape(-1, FLOW_COLUMNS)
        return Flows(table, Known.FLAGS | Known.OUTCOME), bad, len(lines)

    def _zeek(self, line: bytes) -> list[int]:
        conn: _ZeekConn = self._decoder.decode(line)
        start = _iso(conn.ts) if isinstance(conn.ts, str) else round(conn.ts * 1e6)
        row = _row(start, conn.duration, conn.orig, conn.orig_port, conn.resp, conn.resp_port, conn.proto)
        row[Flow.PACKETS_OUT], row[Flow.PACKETS_IN] = conn.orig_pkts, conn.resp_pkts
        row[Flow.PAYLOAD_OUT], row[Flow.PAYLOAD_IN] = conn.orig_bytes, conn.resp_bytes
        row[Flow.BYTES_OUT] = conn.orig_ip_bytes or conn.orig_bytes
        row[Flow.BYTES_IN] = conn.resp_ip_bytes or conn.resp_bytes
        if conn.proto == "tcp":
            row[Flow.SYN_OUT] = int(conn.conn_state != "OTH")
            row[Flow.SUCCEEDED] = int(conn.conn_state in ANSWERED)
            row[Flow.FAILED] = int(conn.conn_state in REFUSED)
        else:
            row[Flow.SUCCEEDED] = int(conn.resp_pkts > 0)
        return _checked(row)

    def _eve(self, line: bytes) -> list[int] | None:
        if self._event.decode(line).event_type != "flow":
            return None
        flow: _EveFlow = self._decoder.decode(line)
        counts = flow.flow
        start = _iso(counts.start)
        seconds = (_iso(counts.end) - start) / 1e6 if counts.end else 0.0
        row = _row(
            start, seconds, flow.src_ip, flow.src_port, flow.dest_ip, flow.dest_port, flow.proto.lower()
        )
        row[Flow.PACKETS_OUT], row[Flow.PACKETS_IN] = counts.pkts_toserver, counts.pkts_toclient
        row[Flow.BYTES_OUT], row[Flow.BYTES_IN] = counts.bytes_toserver, counts.bytes_toclient
        tcp = flow.tcp
        if tcp is not None:
            row[Flow.SYN_OUT], row[Flow.FIN_OUT] = int(tcp.syn), int(tcp.fin)
            refused = tcp.syn and (counts.pkts_toclient == 0 or (tcp.rst and counts.pkts_toclient == 1))
            row[Flow.RESET_IN] = int(tcp.rst)
            row[Flow.FAILED] = int(refused)
            row[Flow.SUCCEEDED] = int(tcp.ack and not refused)
        else:
            row[Flow.SUCCEEDED] = int(counts.pkts_toclient > 0)
        return _checked(row)


def json_flows(head: bytes) -> JsonFlows | None:
    """A reader, if the first lines are JSON flows."""
    if head.lstrip()[:1] != b"{":
        return None
    for line in head[:65_536].splitlines()[:200]:
        if b'"id.orig_h"' in line and b'"conn_state"' in line:
            return JsonFlows("zeek-conn-json")
        if b'"event_type"' in line and b'"flow_id"' in line:
            return JsonFlows("suricata-eve")
    return None


_FARTHEST: Final = 1 << 62


def _checked(row: list[int]) -> list[int]:
    if any(value < -_FARTHEST * 2 or value >= _FARTHEST * 2 for value in row) or min(row[9:]) < 0:
        raise ValueError("a count that cannot be")
    return row


def _row(
    start: int, seconds: float, client: str, client_port: int, server: str, server_port: int, protocol: str
) -> list[int]:
    """A row with what every flow has."""
    row = [0] * FLOW_COLUMNS
    duration = max(0, round(seconds * 1e6))
    row[Flow.START], row[Flow.END], row[Flow.DURATION], row[Flow.BEGAN] = (
        start,
        start + duration,
        duration,
        start,
    )
    row[Flow.CLIENT_HIGH], row[Flow.CLIENT_LOW] = halves(ip_address(client))
    row[Flow.SERVER_HIGH], row[Flow.SERVER_LOW] = halves(ip_address(server))
    row[Flow.CLIENT_PORT], row[Flow.SERVER_PORT] = client_port & 0xFFFF, server_port & 0xFFFF
    row[Flow.PROTOCOL] = _PROTOCOLS.get(protocol, 0)
    row[Flow.OPENED] = row[Flow.CLOSED] = 1
    if start < 0:
        raise ValueError("a time before 1970")
    return row


def halves(one: IPv4Address | IPv6Address) -> tuple[int, int]:
    """An address as two int64."""
    number = int(one) | (0xFFFF << 32 if one.version == 4 else 0)
    high, low = number >> 64, number & ((1 << 64) - 1)
    return high - (1 << 64 if high >> 63 else 0), low - (1 << 64 if low >> 63 else 0)


def _iso(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1e6)

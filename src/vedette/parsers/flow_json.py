"""Flow records as JSON lines: Zeek's conn.log, and Suricata's EVE."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.parsers.flow_json_columns import JsonColumns, UnusualError, halves
from vedette.parsers.flow_json_lines import ANSWERED, PROTOCOLS, REFUSED, EveFlow, Event, ZeekConn
from vedette.schema.flows import FLOW_COLUMNS, Flow, Flows, Known

_BLOCK: Final = 1_024
"""Lines that are read together; where one is wrong, they are read one by one."""
_NO_FLOWS: Final = np.zeros((0, FLOW_COLUMNS), dtype=np.int64)


class JsonFlows:
    """Reads one kind of JSON lines."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._decoder: Any = msgspec.json.Decoder(ZeekConn if name == "zeek-conn-json" else EveFlow)
        self._event = msgspec.json.Decoder(Event)
        self._columns = JsonColumns(name)
        self._next = 0

    def parse(self, text: bytes) -> tuple[Flows, int, int]:
        """Read whole lines; returns flows, how many lines should be some and are not, and how many lines there were."""
        lines = text.splitlines()
        tables, bad = [_NO_FLOWS], 0
        for at in range(0, len(lines), _BLOCK):
            block = [line for line in lines[at : at + _BLOCK] if line.strip()]
            try:
                table = self._columns.read(b"\n".join(block), len(block))
            except UnusualError:
                table, wrong = self._one_by_one(block)
                bad += wrong
            tables.append(table)
        table = np.concatenate(tables)
        table[:, Flow.NUMBER] = np.arange(self._next, self._next + len(table))
        self._next += len(table)
        return Flows(table, Known.FLAGS | Known.OUTCOME), bad, len(lines)

    def _one_by_one(self, lines: list[bytes]) -> tuple[NDArray[np.int64], int]:
        """Flows, and how many lines should be some and are not."""
        rows, bad = [], 0
        read = self._zeek if self.name == "zeek-conn-json" else self._eve
        for line in lines:
            try:
                row = read(line)
            except (msgspec.MsgspecError, ValueError, OverflowError):
                bad += 1
                continue
            if row is not None:
                rows.append(row)
        return np.array(rows, dtype=np.int64).reshape(-1, FLOW_COLUMNS), bad

    def _zeek(self, line: bytes) -> list[int]:
        conn: ZeekConn = self._decoder.decode(line)
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
        flow: EveFlow = self._decoder.decode(line)
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
    row[Flow.PROTOCOL] = PROTOCOLS.get(protocol, 0)
    row[Flow.OPENED] = row[Flow.CLOSED] = 1
    if start < 0:
        raise ValueError("a time before 1970")
    return row


def _iso(text: str) -> int:
    moment = datetime.fromisoformat(text)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MICROSECOND


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

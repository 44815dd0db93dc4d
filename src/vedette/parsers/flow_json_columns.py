"""Many JSON lines of flow records at once, where all of them are as they should be."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.parsers.flow_json_lines import ANSWERED, PROTOCOLS, REFUSED, EveCounts, EveTcp, ZeekConn
from vedette.schema.flows import FLOW_COLUMNS, Flow

_REMEMBERED: Final = 65_536
"""Addresses of which it is remembered what they are as numbers; reading one takes as long as the rest of its line."""
_MOMENT: Final = 26
"""Characters of a time as Suricata writes it, without its offset: 2023-11-14T22:13:22.000000+0000."""
_UTC: Final = ("+0000", "+00:00")
_FARTHEST_S: Final = 4e12


class _EveLine(msgspec.Struct):
    """A line of Suricata's EVE, about a flow or not."""

    event_type: str = ""
    src_ip: str = ""
    dest_ip: str = ""
    proto: str = ""
    flow: EveCounts | None = None
    src_port: int = 0
    dest_port: int = 0
    tcp: EveTcp | None = None


class UnusualError(ValueError):
    """Some line has to be looked at by itself."""


class JsonColumns:
    """Reads lines of one kind, a whole block of them at a time.

    Args:
        name: `zeek-conn-json` or `suricata-eve`.
    """

    def __init__(self, name: str) -> None:
        self._address = lru_cache(maxsize=_REMEMBERED)(_address)
        self._read: Callable[[bytes, int], NDArray[np.int64]] = (
            self._zeek if name == "zeek-conn-json" else self._eve
        )
        self._zeek_lines = msgspec.json.Decoder(ZeekConn)
        self._eve_lines = msgspec.json.Decoder(_EveLine)

    def read(self, text: bytes, lines: int) -> NDArray[np.int64]:
        """The flows of some lines, int64 (n, FLOW_COLUMNS), without numbers.

        Args:
            text: The lines. lines: How many that are not blank.

        Raises:
            UnusualError: One of them, at least, is wrong, or not written as usual.
        """
        try:
            table = self._read(text, lines)
        except (msgspec.MsgspecError, ValueError, OverflowError) as error:
            raise UnusualError(str(error)) from None
        if len(table) and (table[:, Flow.START].min() < 0 or table[:, Flow.PROTOCOL + 1 :].min() < 0):
            raise UnusualError("a count or a time that cannot be")
        return table

    def _zeek(self, text: bytes, lines: int) -> NDArray[np.int64]:
        conns = self._zeek_lines.decode_lines(text)
        if len(conns) != lines:
            raise UnusualError("lines are not one object each")
        began = [conn.ts for conn in conns if isinstance(conn.ts, float)]
        if len(began) == len(conns):
            start = _microseconds(began)
        else:
            start = _moments([conn.ts if isinstance(conn.ts, str) else "" for conn in conns])
        table = _table(start, _microseconds([conn.duration for conn in conns]))
        self._talk(
            table, [c.orig for c in conns], [c.orig_port for c in conns], [c.resp for c in conns],
            [c.resp_port for c in conns], [c.proto for c in conns],
        )  # fmt: skip
        table[:, Flow.PACKETS_OUT] = [conn.orig_pkts for conn in conns]
        table[:, Flow.PACKETS_IN] = [conn.resp_pkts for conn in conns]
        table[:, Flow.PAYLOAD_OUT] = [conn.orig_bytes for conn in conns]
        table[:, Flow.PAYLOAD_IN] = [conn.resp_bytes for conn in conns]
        for column, instead, values in (
            (Flow.BYTES_OUT, Flow.PAYLOAD_OUT, [conn.orig_ip_bytes for conn in conns]),
            (Flow.BYTES_IN, Flow.PAYLOAD_IN, [conn.resp_ip_bytes for conn in conns]),
        ):
            counted = np.array(values, dtype=np.int64)
            table[:, column] = np.where(counted != 0, counted, table[:, instead])
        tcp = np.array([conn.proto == "tcp" for conn in conns], dtype=bool)
        states = [conn.conn_state for conn in conns]
        table[:, Flow.SYN_OUT] = tcp & np.array([state != "OTH" for state in states], dtype=bool)
        answered = np.array([state in ANSWERED for state in states], dtype=bool)
        table[:, Flow.SUCCEEDED] = np.where(tcp, answered, table[:, Flow.PACKETS_IN] > 0)
        table[:, Flow.FAILED] = tcp & np.array([state in REFUSED for state in states], dtype=bool)
        return table

    def _eve(self, text: bytes, lines: int) -> NDArray[np.int64]:
        events = self._eve_lines.decode_lines(text)
        if len(events) != lines:
            raise UnusualError("lines are not one object each")
        found = [(event, event.flow) for event in events if event.event_type == "flow"]
        flows, counts = [event for event, _ in found], [count for _, count in found if count is not None]
        if len(counts) < len(flows):
            raise UnusualError("a flow without counts")
        start = _moments([count.start for count in counts])
        end = _moments([count.end or count.start for count in counts])
        table = _table(start, np.rint((end - start) / 1e6 * 1e6).astype(np.int64))
        self._talk(
            table, [f.src_ip for f in flows], [f.src_port for f in flows], [f.dest_ip for f in flows],
            [f.dest_port for f in flows], [f.proto.lower() for f in flows],
        )  # fmt: skip
        table[:, Flow.PACKETS_OUT] = [count.pkts_toserver for count in counts]
        table[:, Flow.PACKETS_IN] = [count.pkts_toclient for count in counts]
        table[:, Flow.BYTES_OUT] = [count.bytes_toserver for count in counts]
        table[:, Flow.BYTES_IN] = [count.bytes_toclient for count in counts]
        flags = np.array(
            [(True, t.syn, t.fin, t.rst, t.ack) if (t := f.tcp) else _NO_TCP for f in flows], dtype=bool
        ).reshape(-1, 5)
        tcp, syn, fin, rst, ack = flags.T
        back = table[:, Flow.PACKETS_IN]
        refused = syn & ((back == 0) | (rst & (back == 1)))
        table[:, Flow.SYN_OUT], table[:, Flow.FIN_OUT], table[:, Flow.RESET_IN] = syn, fin, rst
        table[:, Flow.FAILED] = refused
        table[:, Flow.SUCCEEDED] = np.where(tcp, ack & ~refused, back > 0)
        return table

    def _talk(
        self,
        table: NDArray[np.int64],
        clients: Sequence[str],
        client_ports: Sequence[int],
        servers: Sequence[str],
        server_ports: Sequence[int],
        protocols: Sequence[str],
    ) -> None:
        """Write who talked to whom."""
        address = self._address
        table[:, Flow.CLIENT_HIGH : Flow.SERVER_HIGH] = _pairs([address(text) for text in clients])
        table[:, Flow.SERVER_HIGH : Flow.CLIENT_PORT] = _pairs([address(text) for text in servers])
        table[:, Flow.CLIENT_PORT] = np.array(client_ports, dtype=np.int64) & 0xFFFF
        table[:, Flow.SERVER_PORT] = np.array(server_ports, dtype=np.int64) & 0xFFFF
        table[:, Flow.PROTOCOL] = [PROTOCOLS.get(name, _OTHER) for name in protocols]


_OTHER: Final = 0
_NO_TCP: Final = (False,) * 5


def _table(start: NDArray[np.int64], duration: NDArray[np.int64]) -> NDArray[np.int64]:
    """Flows with what every one has."""
    table = np.zeros((len(start), FLOW_COLUMNS), dtype=np.int64)
    table[:, Flow.START] = table[:, Flow.BEGAN] = start
    table[:, Flow.DURATION] = np.maximum(duration, 0)
    table[:, Flow.END] = start + table[:, Flow.DURATION]
    table[:, Flow.OPENED] = table[:, Flow.CLOSED] = 1
    return table


def _pairs(halves_of: list[tuple[int, int]]) -> NDArray[np.int64]:
    return np.array(halves_of, dtype=np.int64).reshape(-1, 2)


def _microseconds(seconds: Sequence[float]) -> NDArray[np.int64]:
    values = np.array(seconds, dtype=np.float64)
    if len(values) and not np.abs(values).max() < _FARTHEST_S:
        raise UnusualError("a time beyond all calendars")
    return np.rint(values * 1e6).astype(np.int64)


def _moments(texts: Sequence[str]) -> NDArray[np.int64]:
    """Times in UTC, with microseconds, as microseconds."""
    if not all(text[_MOMENT:] in _UTC for text in texts):
        raise UnusualError("a time that is not as Suricata writes it")
    return np.array([text[:_MOMENT] for text in texts], dtype="datetime64[us]").astype(np.int64)


def _address(text: str) -> tuple[int, int]:
    return halves(ip_address(text))


def halves(one: IPv4Address | IPv6Address) -> tuple[int, int]:
    """An address as two int64."""
    number = int(one) | (0xFFFF << 32 if one.version == 4 else 0)
    high, low = number >> 64, number & ((1 << 64) - 1)
    return high - (1 << 64 if high >> 63 else 0), low - (1 << 64 if low >> 63 else 0)

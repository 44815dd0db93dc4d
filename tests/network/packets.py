"""Packets and captures for tests, made by dpkt, which knows nothing of our kernels."""

import io
import socket
import struct
from collections.abc import Iterable, Sequence

import dpkt
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.packets.packet_layout import PACKET_COLUMNS
from vedette.parsers.flows.captures import CaptureParser
from vedette.schema.flows import CONTACT_COLUMNS, ENDED_COLUMNS, Flow, Known
from vedette.windows.contacts import FlowWindow, fold
from vedette.windows.flow_table import SEEN, FlowTable, Passed, TableSettings

SECOND = 1_000_000
BEGIN = 1_700_000_000 * SECOND
FIN, SYN, RST, PUSH, ACK, URG = 1, 2, 4, 8, 16, 32
Frame = tuple[int, bytes]
"""Microseconds, and bytes."""


def ip(source: str, target: str, protocol: int, payload: bytes) -> bytes:
    if ":" in source:
        return bytes(
            dpkt.ip6.IP6(
                src=socket.inet_pton(socket.AF_INET6, source), dst=socket.inet_pton(socket.AF_INET6, target),
                nxt=protocol, plen=len(payload), data=payload, hlim=64,
            )
        )  # fmt: skip
    return bytes(
        dpkt.ip.IP(
            src=socket.inet_aton(source), dst=socket.inet_aton(target), p=protocol, data=payload,
            len=20 + len(payload),
        )
    )  # fmt: skip


def tcp(
    source: str,
    target: str,
    flags: int,
    payload: bytes = b"",
    *,
    seq: int = 0,
    ack: int = 0,
    window: int = 8192,
) -> bytes:
    """A segment; ends are written `address:port` (of IPv6 `[address]:port`)."""
    (one, sport), (other, dport) = ends(source), ends(target)
    segment = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, window, 0, 0)
    return ip(one, other, 6, segment + payload)


def udp(source: str, target: str, payload: bytes = b"") -> bytes:
    (one, sport), (other, dport) = ends(source), ends(target)
    return ip(one, other, 17, struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload)


def ping(source: str, target: str, kind: int, payload: bytes, number: int = 7) -> bytes:
    return ip(source, target, 1, struct.pack(">BBHHH", kind, 0, 0, number, 1) + payload)


def unreachable(sender: str, packet: bytes, code: int = 3) -> bytes:
    """An ICMP message to a packet's sender that it could not be delivered, with as much of it as RFC 792 asks for."""
    six = packet[0] >> 4 == 6
    family, at = (socket.AF_INET6, 8) if six else (socket.AF_INET, 12)
    target = socket.inet_ntop(family, packet[at : at + (16 if six else 4)])
    message = struct.pack(">BBHI", 1 if six else 3, code, 0, 0) + packet[: 48 if six else 28]
    return ip(sender, target, 58 if six else 1, message)


def ends(text: str) -> tuple[str, int]:
    address, _, port = text.rpartition(":")
    return address.strip("[]"), int(port)


def ethernet(packet: bytes, *tags: int) -> bytes:
    kind = struct.pack(">H", 0x86DD if packet[0] >> 4 == 6 else 0x0800)
    return bytes(12) + b"".join(struct.pack(">HH", 0x8100, tag) for tag in tags) + kind + packet


def pcap(frames: Iterable[Frame], link: int = 1, *, nano: bool = False, big: bool = False) -> bytes:
    order = ">" if big else "<"
    out = io.BytesIO()
    out.write(struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 65535, link))
    for time, frame in frames:
        fraction = time % SECOND * (1000 if nano else 1)
        out.write(struct.pack(order + "IIII", time // SECOND, fraction, len(frame), len(frame)) + frame)
    return out.getvalue()


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    length = 12 + len(body)
    return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)


def pcapng(frames: Iterable[Frame], link: int = 1, *, unit: int = 6, order: str = "<") -> bytes:
    """One section with one interface whose time stamps count 10^-unit seconds (2^-n for 128 + n)."""
    head = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    options = struct.pack(order + "HHB3xHH", 9, 1, unit, 0, 0)
    out = head + block(1, struct.pack(order + "HHI", link, 0, 0) + options, order)
    for time, frame in frames:
        stamp = (time << (unit & 127)) // SECOND if unit & 128 else time * 10**unit // SECOND
        body = struct.pack(order + "IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame))
        out += block(6, body + frame + bytes(-len(frame) % 4), order)
    return out


def decoded(capture: bytes, piece: int = 1 << 20) -> tuple[NDArray[np.int64], CaptureParser]:
    """All packets of a capture that is delivered in pieces of so many bytes."""
    parser = CaptureParser("test.pcap", capture[:64])
    found = [np.zeros((0, PACKET_COLUMNS), dtype=np.int64)]
    held = b""
    for begin in range(0, max(1, len(capture)), piece):
        held += capture[begin : begin + piece]
        more = True
        while more:
            buffer = np.frombuffer(held + bytes(64), dtype=np.uint8).copy()
            frames = parser.parse(buffer, len(held))
            rows = np.zeros((len(frames), PACKET_COLUMNS), dtype=np.int64)
            found.append(frames.decode(buffer, rows))
            held = held[frames.consumed :]
            more = frames.more
    return np.concatenate(found), parser


FOREVER = TableSettings(idle=(1 << 60, 1 << 60), active=1 << 60)


def passed(packets: Iterable[Frame], settings: TableSettings = FOREVER) -> list[Passed]:
    """What a flow table hands out of IP packets."""
    rows, _ = decoded(pcap(packets, link=101))
    table = FlowTable(settings)
    return [*table.add(rows), *table.finish()]


def whole_flows(packets: Iterable[Frame], settings: TableSettings = FOREVER) -> NDArray[np.int64]:
    """The flows that IP packets come to, in the order in which they began."""
    ended = np.concatenate([p.ended.table for p in passed(packets, settings)])
    return ended[np.argsort(ended[:, Flow.NUMBER])]


def windows(packets: Iterable[Frame], span_s: int = 10) -> list[FlowWindow]:
    """The windows that IP packets come to."""
    from vedette.windows.flow_windower import FlowWindower

    windower = FlowWindower(span_s * SECOND, 0)
    found = []
    for one in passed(packets, TableSettings(span=span_s * SECOND)):
        windower.add(one.parts, one.ended, one.start, one.histogram)
        found += windower.close()
    return [*found, *windower.close(everything=True)]


def contact_window(
    rows: Sequence[dict[Flow, int]], number: int = 0, span_s: int = 10, known: Known = SEEN
) -> FlowWindow:
    """A window of contacts that are given column by column."""
    span = span_s * SECOND
    table = np.zeros((len(rows), CONTACT_COLUMNS), dtype=np.int64)
    table[:, Flow.START] = table[:, Flow.END] = number * span
    for at, row in enumerate(rows):
        for column, value in row.items():
            table[at, column] = value
    contacts, _ = fold([table], len(rows) + 1)
    return FlowWindow(
        number, number * span, (number + 1) * span, contacts, np.zeros((0, ENDED_COLUMNS), dtype=np.int64),
        np.zeros((3, 256), dtype=np.int64), known,
    )  # fmt: skip


def host(text: str) -> int:
    """The low half of an IPv4 address in a flow."""
    return 0xFFFF << 32 | int.from_bytes(socket.inet_aton(text), "big")

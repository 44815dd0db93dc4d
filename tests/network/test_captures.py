"""Captures are read as dpkt reads them; what is damaged is counted, and never raised."""

import random
import socket
import struct

import dpkt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.network.packets import (
    ACK,
    BEGIN,
    SECOND,
    SYN,
    Frame,
    block,
    decoded,
    ethernet,
    pcap,
    pcapng,
    ping,
    tcp,
    udp,
)
from vedette.kernels.packets.packet_layout import Packet, Status
from vedette.parsers.flows.captures import CaptureError, CaptureParser

FRAMES: list[Frame] = [
    (BEGIN, ethernet(tcp("10.0.0.1:4000", "192.0.2.9:80", SYN, seq=5))),
    (
        BEGIN + 1,
        ethernet(tcp("[2001:db8::1]:4000", "[2001:db8:ffff::9]:443", ACK, b"hello", seq=9, ack=3), 5),
    ),
    (BEGIN + 2 * SECOND + 7, ethernet(udp("10.0.0.1:5353", "224.0.0.251:5353", b"x" * 40), 5, 6)),
    (BEGIN + 3 * SECOND, ethernet(ping("10.0.0.1", "10.0.0.2", 8, b"abcd"))),
]


def oracle(frame: bytes) -> tuple[int, ...]:
    """Source port, target port, protocol and payload length by dpkt."""
    packet = dpkt.ethernet.Ethernet(frame).data
    inner = packet.data
    protocol = packet.p if isinstance(packet, dpkt.ip.IP) else packet.nxt
    if isinstance(inner, dpkt.icmp.ICMP):
        return inner.data.id, inner.data.id, protocol, len(inner.data.data)
    return inner.sport, inner.dport, protocol, len(inner.data)


def address(row: "np.ndarray", at: int) -> bytes:
    return struct.pack(">qq", *row[at : at + 2].tolist())


def test_packets_are_decoded_as_dpkt_decodes_them() -> None:
    rows, _ = decoded(pcap(FRAMES))
    assert rows[:, Packet.STATUS].tolist() == [0] * 4
    for row, (time, frame) in zip(rows, FRAMES, strict=True):
        found = tuple(
            int(row[c]) for c in (Packet.SOURCE_PORT, Packet.TARGET_PORT, Packet.PROTOCOL, Packet.PAYLOAD)
        )
        assert found == oracle(frame)
        assert row[Packet.TIME] == time
        assert row[Packet.BYTES] == len(frame)
        packet = dpkt.ethernet.Ethernet(frame).data
        wide = packet.src if len(packet.src) == 16 else bytes(10) + b"\xff\xff" + packet.src
        assert address(row, Packet.SOURCE_HIGH) == wide


@pytest.mark.parametrize(
    "written",
    [
        pcap(FRAMES, nano=True),
        pcap(FRAMES, big=True),
        pcapng(FRAMES),
        pcapng(FRAMES, order=">"),
        pcapng(FRAMES, unit=9),
        pcapng(FRAMES, unit=3),
    ],
    ids=[
        "nanoseconds",
        "big-endian",
        "pcapng",
        "pcapng big-endian",
        "pcapng nanoseconds",
        "pcapng milliseconds",
    ],
)
def test_every_kind_of_file_says_the_same(written: bytes) -> None:
    rows, parser = decoded(written)
    expected, _ = decoded(pcap(FRAMES))
    if written == pcapng(FRAMES, unit=3):
        expected[:, Packet.TIME] -= expected[:, Packet.TIME] % 1000
    expected[:, Packet.AT] = rows[:, Packet.AT]
    assert np.array_equal(rows, expected)
    assert parser.damage is None


@given(st.integers(1, 40), st.sampled_from([20, 30, 32]))
def test_times_in_powers_of_two_are_right_to_the_microsecond(steps: int, power: int) -> None:
    frames = [(BEGIN + steps * 12_345, FRAMES[0][1])]
    rows, _ = decoded(pcapng(frames, unit=128 + power))
    assert abs(int(rows[0, Packet.TIME]) - frames[0][0]) <= 1


def test_link_layers_are_passed_over() -> None:
    packet = tcp("10.0.0.1:4000", "192.0.2.9:80", SYN, seq=5)
    plain, _ = decoded(pcap([(BEGIN, packet)], link=101))
    cooked = bytes(14) + b"\x08\x00" + packet
    cooked2 = b"\x08\x00" + bytes(18) + packet
    loop = struct.pack("<I", 2) + packet
    wrapped = (
        *((113, cooked), (276, cooked2), (0, loop)),
        *((108, struct.pack(">I", 2) + packet), (1, ethernet(packet, 3, 4))),
    )
    for link, frame in wrapped:
        rows, _ = decoded(pcap([(BEGIN, frame)], link=link))
        columns = [c for c in Packet if c not in (Packet.AT, Packet.BYTES)]
        assert rows[0, columns].tolist() == plain[0, columns].tolist(), link


@given(st.binary(max_size=80), st.sampled_from([0, 1, 101, 113, 276]), st.integers(0, 2))
def test_no_frame_raises(noise: bytes, link: int, prefix: int) -> None:
    start = (b"", bytes(12) + b"\x08\x00", bytes(12) + b"\x86\xdd")[prefix]
    rows, _ = decoded(pcap([(BEGIN, start + noise)], link=link))
    assert int(rows[0, Packet.STATUS]) in list(Status)


@pytest.mark.parametrize("make", [pcap, pcapng])
def test_a_capture_may_end_anywhere(make: "type") -> None:
    whole = make(FRAMES)
    expected, _ = decoded(whole)
    for end in range(28, len(whole)):
        rows, _ = decoded(whole[:end])
        assert np.array_equal(rows, expected[: len(rows)])


@pytest.mark.parametrize("make", [pcap, pcapng])
def test_flipped_bits_never_raise(make: "type") -> None:
    draw = random.Random(3)
    whole = make(FRAMES * 3)
    for _ in range(300):
        hurt = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(28 if make is pcapng else 24, len(hurt))
            hurt[place] ^= 1 << draw.randrange(8)
        rows, _ = decoded(bytes(hurt), piece=draw.choice([64, 500, 1 << 20]))
        assert len(rows) <= 3 * len(FRAMES) + 20


@given(st.integers(1, 300))
def test_pieces_of_any_size_say_the_same(piece: int) -> None:
    for whole in (pcap(FRAMES), pcapng(FRAMES)):
        rows, _ = decoded(whole, piece)
        expected, _ = decoded(whole)
        columns = [c for c in Packet if c != Packet.AT]
        assert np.array_equal(rows[:, columns], expected[:, columns])


def test_what_is_not_read_is_told_why() -> None:
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    cut = ethernet(tcp("10.0.0.1:1", "10.0.0.2:2", SYN))[:40]
    lying = bytearray(ethernet(tcp("10.0.0.1:1", "10.0.0.2:2", SYN)))
    lying[14 + 20 + 12] = 0xF0
    rows, _ = decoded(pcap([(BEGIN, arp), (BEGIN, cut), (BEGIN, bytes(lying))]))
    assert rows[:, Packet.STATUS].tolist() == [Status.NOT_IP, Status.CUT, Status.MALFORMED]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"GET / HTTP/1.1\r\n" * 4, "no packet capture"),
        (pcap([], link=105), "link type 105 (IEEE 802.11)"),
        (pcap([])[:20], "cut within its header"),
        (b"\x34\xcd\xb2\xa1" + bytes(40), "modified"),
    ],
)
def test_what_is_no_capture_is_refused_in_a_line(content: bytes, words: str) -> None:
    with pytest.raises(CaptureError, match=r"x\.pcap: ") as caught:
        CaptureParser("x.pcap", content[:64])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_impossible_record_ends_the_capture_and_says_so() -> None:
    rows, parser = decoded(pcap(FRAMES[:2]) + struct.pack("<IIII", 1, 1, 1 << 30, 1) + bytes(100))
    assert len(rows) == 2
    assert parser.damage == "a record says that it has 1,073,741,824 bytes, and none has more than 262,144"


def test_packets_of_interfaces_that_are_not_described_are_counted() -> None:
    stray = block(6, struct.pack("<IIIII", 9, 0, 0, 4, 4) + b"abcd")
    rows, parser = decoded(pcapng(FRAMES[:1]) + stray + pcapng(FRAMES[1:]))
    assert len(rows) == len(FRAMES)
    assert parser.bad_records == 1


def test_names_of_dns_queries_are_measured() -> None:
    query = dpkt.dns.DNS(qd=[dpkt.dns.DNS.Q(name="a.very.long.name.example", type=dpkt.dns.DNS_TXT)])
    rows, _ = decoded(pcap([(BEGIN, udp("10.0.0.1:999", "10.0.0.2:53", bytes(query)))], link=101))
    assert rows[0, Packet.NAME_BYTES] == len("a.very.long.name.example") + 1
    assert rows[0, Packet.QUERY_TYPE] == dpkt.dns.DNS_TXT
    assert socket.inet_ntoa(address(rows[0], Packet.TARGET_HIGH)[12:]) == "10.0.0.2"


def test_a_capture_that_ends_with_an_interface_is_whole() -> None:
    head = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    interface = block(1, struct.pack("<HHI", 101, 0, 0))
    frame = tcp("10.0.0.1:5000", "192.0.2.1:443", SYN)
    packet = block(6, struct.pack("<IIIII", 0, 0, 5, len(frame), len(frame)) + frame)
    for written, packets in ((head + interface, 0), (head + interface + packet + interface, 1)):
        buffer = np.frombuffer(written + bytes(64), dtype=np.uint8)
        parser = CaptureParser("test.pcapng", written[:64])
        frames = parser.parse(buffer, len(written))
        assert (len(frames), frames.consumed, parser.damage) == (packets, len(written), None)


def test_interfaces_of_several_kinds_in_one_file_are_each_read_as_theirs() -> None:
    """Link types, units of time and sections change in the middle; what cannot be read is counted by itself."""
    frame = tcp("10.0.0.1:5000", "192.0.2.1:443", SYN)
    head = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    nano = struct.pack("<HHB3xHH", 9, 1, 9, 0, 0)
    kinds = [
        (1, b"", 1, ethernet(frame)),
        (101, nano, 1_000, frame),
        (113, b"", 1, struct.pack(">HHH8sH", 0, 1, 6, bytes(8), 0x0800) + frame),
        (0, b"", 1, struct.pack("<I", 2) + frame),
        (105, b"", 1, bytes(40) + frame),
    ]
    written = head + b"".join(block(1, struct.pack("<HHI", link, 0, 0) + more) for link, more, _, _ in kinds)
    for number, (_, _, unit, content) in enumerate(kinds):
        stamp = BEGIN * unit
        place = struct.pack("<IIIII", number, stamp >> 32, stamp & 0xFFFFFFFF, len(content), len(content))
        written += block(6, place + content)
    written += head + block(1, struct.pack("<HHI", 101, 0, 0))
    written += block(
        6, struct.pack("<IIIII", 0, BEGIN >> 32, BEGIN & 0xFFFFFFFF, len(frame), len(frame)) + frame
    )
    rows, parser = decoded(written)
    status = [Status.READ] * 4 + [Status.UNKNOWN_LINK, Status.READ]
    assert rows[:, Packet.STATUS].tolist() == status
    assert set(rows[:, Packet.TIME].tolist()) == {BEGIN}
    assert parser.damage is None


def test_packets_before_any_with_a_time_are_counted_and_not_of_1970() -> None:
    """A Simple Packet Block has no time; it gets that of the packet before it, if there is one."""
    frame = tcp("10.0.0.1:5000", "192.0.2.1:443", SYN)
    padded = frame + bytes(-len(frame) % 4)
    simple = block(3, struct.pack("<I", len(frame)) + padded)
    described = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(
        1, struct.pack("<HHI", 101, 0, 0)
    )
    place = struct.pack("<IIIII", 0, BEGIN >> 32, BEGIN & 0xFFFFFFFF, len(frame), len(frame))
    rows, parser = decoded(described + simple * 3 + block(6, place + padded) + simple * 2)
    assert rows[:, Packet.TIME].tolist() == [BEGIN] * 3
    assert (parser.undated, parser.bad_records, parser.damage) == (3, 0, None)

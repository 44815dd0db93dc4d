"""Sampled packets that agents of sFlow send count for as many as their rate says; the rest is counted."""

import base64
import random
import struct
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.network.packets import ACK, BEGIN, SYN, decoded, pcap, tcp, udp
from vedette.config import Config
from vedette.engine.teaching import Teaching
from vedette.kernels.packets.packet_layout import Packet
from vedette.live.flows import LiveFlows
from vedette.parsers.flows.sflow import MOST_RATE, SflowParser
from vedette.schema.flows import Flow, Flows
from vedette.sources.source import Delivery

ETHERNET, PPP, IPV4, IPV6 = 1, 7, 11, 12
SECOND = 1_000_000


def opaque(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content + bytes(-len(content) % 4)


def raw(frame: bytes, wire: int | None = None, protocol: int = IPV4) -> bytes:
    """A record with a packet's header."""
    head = struct.pack(">III", protocol, len(frame) if wire is None else wire, 4)
    return struct.pack(">I", 1) + opaque(head + opaque(frame))


EXTENDED = struct.pack(">I", 1001) + opaque(bytes(16))


def sample(records: Sequence[bytes], rate: int = 100, *, expanded: bool = False) -> bytes:
    if expanded:
        head = struct.pack(">11I", 1, 0, 7, rate, 9_000, 0, 0, 3, 0, 4, len(records))
    else:
        head = struct.pack(">8I", 1, 7, rate, 9_000, 0, 3, 4, len(records))
    return struct.pack(">I", 3 if expanded else 1) + opaque(head + b"".join(records))


COUNTERS = struct.pack(">I", 2) + opaque(struct.pack(">III", 1, 7, 0))


def datagram(samples: Sequence[bytes], sequence: int = 1, *, six: bool = False) -> bytes:
    agent = struct.pack(">I", 2) + bytes(16) if six else struct.pack(">I", 1) + bytes(4)
    head = struct.pack(">I", 5) + agent + struct.pack(">IIII", 0, sequence, 77_000, len(samples))
    return head + b"".join(samples)


def line(content: bytes, time: int = BEGIN) -> bytes:
    return b"%d:%s\n" % (time, base64.b64encode(content))


def read(*datagrams: bytes) -> tuple[Flows, dict[str, int]]:
    flows, problems, lines = SflowParser().parse(b"".join(map(line, datagrams)))
    assert lines == len(datagrams)
    return flows, problems


ENDS = st.builds(
    lambda last, port: f"10.0.0.{last}:{port}", st.integers(1, 9), st.sampled_from([80, 443, 5000, 40_000])
)
FRAMES = st.lists(
    st.tuples(
        st.one_of(
            st.builds(lambda a, b, n: tcp(a, b, ACK, bytes(n)), ENDS, ENDS, st.integers(0, 90)),
            st.builds(lambda a, b, n: udp(a, b, bytes(n)), ENDS, ENDS, st.integers(0, 90)),
            st.just(tcp("[2001:db8::1]:4000", "[2001:db8::2]:443", SYN)),
        ),
        st.integers(1, 5_000),
        st.booleans(),
    ),
    min_size=1,
    max_size=9,
)


@given(FRAMES, st.booleans())
def test_each_packet_counts_for_as_many_as_its_rate_says(
    frames: list[tuple[bytes, int, bool]], six: bool
) -> None:
    samples = [
        sample([EXTENDED, raw(frame, len(frame) + 14)] if more else [raw(frame, len(frame) + 14)], rate, expanded=more)
        for frame, rate, more in frames
    ]  # fmt: skip
    flows, problems = read(datagram([COUNTERS, *samples], six=six))
    assert problems == {"counter_samples": 1}
    rows, _ = decoded(pcap([(BEGIN, frame) for frame, *_ in frames], 101))
    rates = np.array([rate for _, rate, _ in frames])
    table = flows.table
    assert (table[:, Flow.START] == BEGIN).all()
    assert (table[:, Flow.PACKETS_OUT] + table[:, Flow.PACKETS_IN] == rates).all()
    total = (rows[:, Packet.BYTES] + 14) * rates
    assert (table[:, Flow.BYTES_OUT] + table[:, Flow.BYTES_IN] == total).all()
    ends = [Packet.SOURCE_LOW, Packet.TARGET_LOW, Packet.SOURCE_PORT, Packet.TARGET_PORT]
    out = table[:, [Flow.CLIENT_LOW, Flow.SERVER_LOW, Flow.CLIENT_PORT, Flow.SERVER_PORT]]
    into = out[:, [1, 0, 3, 2]]
    sent = table[:, Flow.PACKETS_OUT] > 0
    assert (np.where(sent[:, None], out, into) == rows[:, ends]).all()
    # Servers are known by their ports, and of connections nothing is said.
    assert not ((table[:, Flow.CLIENT_PORT] < 1024) & (table[:, Flow.SERVER_PORT] >= 1024)).any()
    assert not table[:, [Flow.OPENED, Flow.SUCCEEDED, Flow.FAILED, Flow.SYN_OUT, Flow.CLOSED]].any()


def test_both_directions_of_a_conversation_have_one_client() -> None:
    there = tcp("10.0.0.5:40000", "192.0.2.1:443", ACK, b"ask")
    back = tcp("192.0.2.1:443", "10.0.0.5:40000", ACK, b"answer")
    flows, _ = read(datagram([sample([raw(there)]), sample([raw(back)])]))
    assert len({tuple(row[2:8]) for row in flows.table.tolist()}) == 1
    assert flows.column(Flow.PACKETS_OUT).tolist() == [100, 0]
    assert flows.column(Flow.PACKETS_IN).tolist() == [0, 100]


def test_ethernet_is_read_and_other_links_are_counted() -> None:
    frame = bytes(12) + b"\x08\x00" + tcp("10.0.0.5:40000", "192.0.2.1:443", ACK)
    flows, problems = read(
        datagram([sample([raw(frame, protocol=ETHERNET)]), sample([raw(frame, protocol=PPP)])])
    )
    assert len(flows) == 1
    assert problems == {"packets_of_unknown_link_type": 1}


def test_what_tells_no_flow_is_counted_by_reason() -> None:
    frame = tcp("10.0.0.5:40000", "192.0.2.1:443", ACK)
    vendor = struct.pack(">I", (9 << 12) | 1) + opaque(b"abcd")
    flows, problems = read(
        datagram([sample([raw(frame)], 0), sample([raw(frame)], MOST_RATE + 1), sample([EXTENDED]), vendor]),
        datagram([sample([raw(frame[:12])]), sample([raw(frame, 1 << 31)])], 2),
        datagram([sample([raw(frame)])], 5)[:-9],
    )
    assert problems == {
        "samples_without_rate": 2,
        "samples_without_header": 1,
        "other_samples": 1,
        "packets_cut": 1,
        "bad_sample": 1,
        "lost_by_sequence": 2,
    }
    # Nothing is longer than 64 KiB, whatever an agent says.
    assert flows.column(Flow.BYTES_OUT).tolist() == [100 << 16]


def test_a_datagram_that_comes_late_is_not_lost_twice() -> None:
    _, problems = read(*(datagram([], sequence) for sequence in (1, 3, 2, 4)))
    assert problems == {"lost_by_sequence": 1}


def test_lines_that_are_none_are_counted() -> None:
    good = datagram([])
    text = b"".join(
        [b"\n", b"x:AAAA\n", line(good)[:-4] + b"?\n", b"9" * 20 + b":AAAA\n", line(b"\0\0\0\4"), line(good)]
    )
    flows, problems, lines = SflowParser().parse(text)
    assert (len(flows), lines) == (0, 6)
    assert problems == {"bad_line": 4, "bad_datagram": 1}


WHOLE = datagram(
    [COUNTERS, sample([EXTENDED, raw(tcp("10.0.0.5:40000", "192.0.2.1:443", ACK, b"abc"))]),
     sample([raw(udp("10.0.0.5:53", "192.0.2.1:9", b"abc"))], 7, expanded=True)]
)  # fmt: skip


def test_a_datagram_that_is_cut_anywhere_is_read_as_far_as_it_goes() -> None:
    for end in range(len(WHOLE)):
        flows, problems = read(WHOLE[:end])
        assert len(flows) < 2
        assert problems


@given(st.integers(0, 1 << 32))
def test_a_datagram_with_other_bits_is_read_or_counted(seed: int) -> None:
    draw, content = random.Random(seed), bytearray(WHOLE)
    for _ in range(draw.randrange(1, 9)):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    flows, _ = read(bytes(content))
    assert len(flows) <= 2
    assert (flows.table[:, Flow.BYTES_OUT : Flow.BYTES_IN + 1] >= 0).all()


def test_a_flood_is_found_in_samples_and_sequences_survive_a_restart() -> None:
    frame = udp("198.51.100.7:5000", "192.0.2.1:9", bytes(400))
    sent = [
        line(datagram([sample([raw(frame)], 1_000)] * 20, number), BEGIN + number * SECOND)
        for number in range(40)
    ]
    flows = LiveFlows(Config(), Teaching())
    for number in (0, 20):
        delivery = Delivery(
            "sflow:192.0.2.250", b"".join(sent[number : number + 20]), b"", 1, None, "netflow"
        )
        assert flows.intake.takes(delivery)
        flows.take(delivery, BEGIN, caught_up=True)
        flows.engine.advance(BEGIN + (number + 20) * SECOND)
        parts, flows = flows.to_parts(), LiveFlows(Config(), Teaching())
        assert not flows.from_parts(parts)
    assert flows.intake.format("sflow:192.0.2.250") == "sflow"
    (first, *_) = flows.engine.stated.take()
    assert (first.type.value, first.entity.value) == ("ddos_attack", "192.0.2.1")
    delivery = Delivery("sflow:192.0.2.250", line(datagram([], 42)), b"", 1, None, "netflow")
    flows.take(delivery, BEGIN, caught_up=True)
    assert flows.intake.tally.skipped == {"lost_by_sequence": 2}

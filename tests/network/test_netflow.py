"""NetFlow v5 and v9 and IPFIX become flows; what is hostile or missing is counted."""

import random
import socket
import struct

import netflow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.network.datagrams import (
    FIELDS4,
    NOW_S,
    Record,
    a_set,
    ipfix,
    line,
    options9,
    options10,
    record4,
    template,
    v5,
    v9,
)
from vedette.detectors.network.addresses import address
from vedette.parsers.flows.netflow import NetflowParser
from vedette.parsers.flows.netflow_templates import MOST_TEMPLATES
from vedette.schema.flows import FLOW_COLUMNS, Flow, Flows

CLIENT: Record = ("10.0.0.5", "192.0.2.1", 40_000, 443, 6, 0x1B, 12, 1_200)
SERVER: Record = ("192.0.2.1", "10.0.0.5", 443, 40_000, 6, 0x1B, 20, 30_000)
ASKED: Record = ("10.0.0.5", "192.0.2.2", 40_001, 22, 6, 0x02, 3, 180)


def read(*datagrams: bytes) -> tuple[Flows, dict[str, int]]:
    flows, problems, lines = NetflowParser().parse(line(*datagrams))
    assert lines == len(datagrams)
    return flows, problems


def told(flows: Flows) -> list[tuple[str, str, int, int, int, int, int]]:
    """Client, server, server's port, packets and bytes each way."""
    return [
        (
            address(int(row[Flow.CLIENT_HIGH]), int(row[Flow.CLIENT_LOW])),
            address(int(row[Flow.SERVER_HIGH]), int(row[Flow.SERVER_LOW])),
            *row[
                [Flow.SERVER_PORT, Flow.PACKETS_OUT, Flow.PACKETS_IN, Flow.BYTES_OUT, Flow.BYTES_IN]
            ].tolist(),
        )
        for row in flows.table
    ]


EXPECTED = [
    ("10.0.0.5", "192.0.2.1", 443, 12, 0, 1_200, 0),
    ("10.0.0.5", "192.0.2.1", 443, 0, 20, 0, 30_000),
    ("10.0.0.5", "192.0.2.2", 22, 3, 0, 180, 0),
]


@pytest.mark.parametrize("version", [5, 9, 10])
def test_both_directions_of_a_conversation_have_one_client(version: int) -> None:
    records = [CLIENT, SERVER, ASKED]
    if version == 5:
        flows, problems = read(v5(records))
    else:
        known = a_set(0 if version == 9 else 2, template(300, FIELDS4))
        data = a_set(300, b"".join(map(record4, records)))
        flows, problems = read((v9 if version == 9 else ipfix)([known, data]))
    assert told(flows) == EXPECTED
    assert not problems
    outcome = flows.table[:, [Flow.OPENED, Flow.SUCCEEDED, Flow.FAILED, Flow.SYN_OUT, Flow.SYN_IN]].tolist()
    assert outcome == [[1, 1, 0, 1, 0], [0, 0, 0, 0, 1], [1, 0, 1, 1, 0]]
    if version != 10:
        sent = NOW_S * 1_000_000 + (250 if version == 5 else 0)
        assert flows.column(Flow.START).tolist() == [sent - 1_000_000] * 3
        assert flows.column(Flow.DURATION).tolist() == [500_000] * 3


def test_numbers_are_those_of_another_reader() -> None:
    draw = random.Random(3)
    records: list[Record] = [
        (
            f"10.{draw.randrange(256)}.0.{draw.randrange(256)}", f"192.0.2.{draw.randrange(256)}",
            draw.randrange(1024, 65_536), draw.randrange(1024), 6, draw.randrange(64), draw.randrange(1, 1 << 31),
            draw.randrange(1, 1 << 31),
        )
        for _ in range(29)
    ]  # fmt: skip
    for datagram in (
        v5(records),
        v9([a_set(0, template(300, FIELDS4)), a_set(300, b"".join(map(record4, records)))]),
    ):
        expected = [one.data for one in netflow.parse_packet(datagram, {"netflow": {}, "ipfix": {}}).flows]
        flows, _ = read(datagram)
        packets, size = ("IPV4_SRC_ADDR", "IN_PACKETS"), "IN_OCTETS" if datagram[1] == 5 else "IN_BYTES"
        packet_key = "IN_PACKETS" if datagram[1] == 5 else "IN_PKTS"
        assert packets
        assert flows.column(Flow.PACKETS_OUT).tolist() == [one[packet_key] for one in expected]
        assert flows.column(Flow.BYTES_OUT).tolist() == [one[size] for one in expected]
        assert (flows.column(Flow.CLIENT_LOW) & 0xFFFFFFFF).tolist() == [
            int.from_bytes(socket.inet_aton(one["IPV4_SRC_ADDR"])) if isinstance(one["IPV4_SRC_ADDR"], str)
            else one["IPV4_SRC_ADDR"] for one in expected
        ]  # fmt: skip


def test_ipfix_with_both_directions_variable_lengths_and_stamps() -> None:
    fields = [
        (27, 16),
        (28, 16),
        (7, 2),
        (11, 2),
        (4, 1),
        (82, 65_535),
        (2, 8),
        (2, 8, 29_305),
        (1, 8),
        (1, 8, 29_305),
    ]
    fields += [(154, 8), (155, 8)]
    first = (NOW_S - 20 + 2_208_988_800) << 32 | 1 << 31
    last = (NOW_S - 10 + 2_208_988_800) << 32
    record = socket.inet_pton(socket.AF_INET6, "fd00::5") + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    record += struct.pack(">HHB", 40_000, 443, 6)
    tail = struct.pack(">QQQQQQ", 7, 9, 700, 9_000, first, last)
    data = record + b"\x03eth" + tail + record + b"\xff\x01\x00" + b"x" * 256 + tail
    flows, problems = read(ipfix([a_set(2, template(400, fields)), a_set(400, data)]))
    assert told(flows) == [("fd00::5", "2001:db8::1", 443, 7, 9, 700, 9_000)] * 2
    assert flows.column(Flow.START).tolist() == [(NOW_S - 10) * 1_000_000] * 2
    assert flows.column(Flow.DURATION).tolist() == [9_500_000] * 2
    assert not problems


def test_records_about_the_exporter_are_no_flows() -> None:
    options9 = struct.pack(">HHH", 301, 4, 4) + struct.pack(">HHHH", 1, 4, 34, 4)
    options10 = struct.pack(">HHH", 301, 2, 1) + struct.pack(">HHHH", 149, 4, 34, 4)
    for datagram in (
        v9([a_set(1, options9), a_set(301, bytes(16))]),
        ipfix([a_set(3, options10), a_set(301, bytes(16))]),
    ):
        flows, problems = read(datagram)
        assert not len(flows)
        assert not problems


def test_a_set_waits_for_no_template_and_is_counted() -> None:
    data = a_set(300, record4(CLIENT))
    parser = NetflowParser()
    assert parser.parse(line(v9([data], 1)))[1] == {"sets_without_template": 1}
    flows, problems, _ = parser.parse(line(v9([a_set(0, template(300, FIELDS4))], 2), v9([data], 3)))
    assert told(flows) == EXPECTED[:1]
    assert not problems
    # Another domain's template of the same number is another template.
    assert parser.parse(line(v9([data], 1, domain=8)))[1] == {"sets_without_template": 1}


def test_a_withdrawn_template_is_forgotten() -> None:
    parser = NetflowParser()
    parser.parse(line(ipfix([a_set(2, template(300, FIELDS4))])))
    parser.parse(line(ipfix([a_set(2, struct.pack(">HH", 300, 0))])))
    assert parser.parse(line(ipfix([a_set(300, record4(CLIENT))])))[1] == {"sets_without_template": 1}


@pytest.mark.parametrize(
    ("sequences", "lost"),
    [([10, 12, 14], 0), ([10, 14], 2), ([10, 14, 12, 16], 2), ([2**32 - 2, 0, 4], 2), ([10, 5_000_000], 0)],
    ids=["all", "two missing", "two late", "wraps", "started anew"],
)
def test_gaps_in_the_sequence_are_counted(sequences: list[int], lost: int) -> None:
    _, problems = read(*(v5([CLIENT, SERVER], number) for number in sequences))
    assert problems.get("lost_by_sequence", 0) == lost


def test_templates_are_bounded() -> None:
    parser = NetflowParser()
    for number in range(MOST_TEMPLATES + 50):
        parser.parse(line(v9([a_set(0, template(256 + number, FIELDS4))], number)))
    assert len(parser.templates) == MOST_TEMPLATES
    assert parser.templates.forgotten == 50


def test_what_is_known_of_an_exporter_survives() -> None:
    parser, again = NetflowParser(), NetflowParser()
    parser.parse(line(v9([a_set(0, template(300, FIELDS4))], 1)))
    again.from_state(parser.to_state())
    flows, problems, _ = again.parse(line(v9([a_set(300, record4(CLIENT))], 5)))
    assert told(flows) == EXPECTED[:1]
    assert problems == {"lost_by_sequence": 3}
    assert again.to_state() != parser.to_state()


WHOLE = [
    v5([CLIENT, SERVER]),
    v9([a_set(0, template(300, FIELDS4)), a_set(300, record4(CLIENT) + record4(SERVER))]),
    ipfix(
        [
            a_set(2, template(300, [(27, 16), (28, 16), (82, 65_535), (2, 4)])),
            a_set(300, bytes(32) + b"\x02ab" + bytes(4)),
        ]
    ),
]  # fmt: skip


@pytest.mark.parametrize("datagram", WHOLE, ids=["v5", "v9", "ipfix"])
def test_a_datagram_cut_at_any_byte_raises_nothing(datagram: bytes) -> None:
    for end in range(len(datagram)):
        flows, problems = read(datagram[:end])
        assert problems or not len(flows) or len(flows) < 2


@given(st.sampled_from(WHOLE), st.data())
@settings(max_examples=300)
def test_damaged_datagrams_are_counted_and_raise_nothing(datagram: bytes, data: st.DataObject) -> None:
    damaged = bytearray(datagram)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    parser = NetflowParser()
    flows, problems, _ = parser.parse(line(bytes(damaged), datagram))
    assert (flows.table[:, Flow.START] > 0).all()
    assert (flows.table[:, Flow.PACKETS_OUT : Flow.BYTES_IN + 1] >= 0).all()
    assert all(count > 0 for count in problems.values())
    again = NetflowParser()
    again.from_state(parser.to_state())


@given(st.binary(max_size=400))
def test_any_bytes_raise_nothing(content: bytes) -> None:
    NetflowParser().parse(content)
    NetflowParser().parse(line(b"\x00\x09" + content, b"\x00\x0a" + content, b"\x00\x05" + content))


def test_a_line_that_is_no_datagram_is_counted() -> None:
    flows, problems, lines = NetflowParser().parse(b"!!!\n\nAAUA\n")
    assert (len(flows), lines) == (0, 3)
    assert problems == {"bad_line": 1, "bad_datagram": 2}
    assert flows.table.shape == (0, FLOW_COLUMNS)


def counts(flows: Flows) -> list[tuple[int, int]]:
    """Packets and bytes of each flow, both ways together."""
    row = flows.table
    packets, size = (
        row[:, Flow.PACKETS_OUT] + row[:, Flow.PACKETS_IN],
        row[:, Flow.BYTES_OUT] + row[:, Flow.BYTES_IN],
    )
    return list(zip(packets.tolist(), size.tolist(), strict=True))


FLOWS9 = a_set(0, template(256, FIELDS4)) + a_set(256, record4(CLIENT))


def test_the_sampling_that_a_v5_header_tells_multiplies_packets_and_bytes() -> None:
    # The two highest bits are how it samples.
    flows, problems = read(v5([CLIENT, SERVER], sampling=0x4000 | 100))
    assert counts(flows) == [(1_200, 120_000), (2_000, 3_000_000)]
    assert not problems


def test_a_v9_exporter_s_own_records_tell_its_sampling() -> None:
    about = a_set(1, options9(300, [(1, 4)], [(48, 1), (49, 1), (50, 4)]))
    rate = a_set(300, struct.pack(">IBBI", 9, 3, 2, 1000))
    flows, problems = read(v9([FLOWS9]), v9([about, rate], sequence=1), v9([FLOWS9], sequence=2))
    assert counts(flows) == [(12, 1_200), (12_000, 1_200_000)]
    # Another exporter's domain is another's.
    assert counts(read(v9([about, rate]), v9([FLOWS9], domain=8))[0]) == [(12, 1_200)]
    assert not problems


def test_each_flow_has_its_own_sampler_s_rate() -> None:
    fields = [*FIELDS4, (48, 1)]
    about = a_set(1, options9(300, [(1, 4)], [(48, 1), (34, 4)]))
    rates = a_set(300, struct.pack(">IBI", 9, 1, 10) + struct.pack(">IBI", 9, 2, 50))
    flow = b"".join(record4(CLIENT) + bytes([sampler]) for sampler in (1, 2, 3))
    flows, _ = read(v9([about, rates, a_set(0, template(256, fields)), a_set(256, flow)]))
    # Nothing is known of the third: it counts as it is.
    assert counts(flows) == [(120, 12_000), (600, 60_000), (12, 1_200)]


def test_ipfix_tells_how_many_packets_are_taken_and_passed_over() -> None:
    about = a_set(3, options10(300, 1, [(302, 4), (304, 2), (305, 4), (306, 4)]))
    rate = a_set(300, struct.pack(">IHII", 5, 1, 2, 254))
    flow = a_set(2, template(256, FIELDS4)) + a_set(256, record4(CLIENT))
    flows, problems = read(ipfix([about, rate, flow]))
    assert counts(flows) == [(12 * 128, 1_200 * 128)]
    assert not problems


def test_a_rate_that_cannot_be_is_counted_and_not_believed() -> None:
    about = a_set(1, options9(300, [(1, 4)], [(34, 4)]))
    rates = a_set(300, struct.pack(">IIII", 9, 0, 9, 0xFFFFFFFF))
    flows, problems = read(v9([about, rates, FLOWS9]))
    assert counts(flows) == [(12, 1_200)]
    assert problems == {"bad_set": 1}


def test_whether_a_sampled_connection_was_answered_is_not_known() -> None:
    (row,) = read(v5([ASKED], sampling=100))[0].table
    assert [int(row[c]) for c in (Flow.FAILED, Flow.SUCCEEDED, Flow.SYN_OUT, Flow.PACKETS_OUT)] == [
        0,
        0,
        0,
        300,
    ]
    (row,) = read(v5([CLIENT], sampling=100))[0].table
    assert [int(row[c]) for c in (Flow.FAILED, Flow.SUCCEEDED, Flow.SYN_OUT)] == [0, 1, 1]


def test_rates_are_known_after_a_restart() -> None:
    about = a_set(1, options9(300, [(1, 4)], [(34, 4)])) + a_set(300, struct.pack(">II", 9, 64))
    before, after = NetflowParser(), NetflowParser()
    before.parse(line(v9([about])))
    after.from_state(before.to_state())
    assert counts(after.parse(line(v9([FLOWS9], sequence=1)))[0]) == [(12 * 64, 1_200 * 64)]


def test_uptimes_of_ipfix_count_from_when_the_exporter_says_it_was_started() -> None:
    """As softflowd tells them: in records about itself, while the header has no uptime."""
    fields = a_set(2, template(300, FIELDS4))
    about = a_set(3, options10(400, 1, [(143, 4), (160, 8)]))
    boot = (NOW_S - 5_000) * 1_000
    told = a_set(400, struct.pack(">IQ", 77, boot))
    flow = a_set(300, record4(CLIENT, last_ms=4_900_000, length_ms=2_500))
    parser = NetflowParser()
    flows, problems, _ = parser.parse(line(ipfix([fields, about, told, flow])))
    after = NetflowParser()
    after.from_state(parser.to_state())
    again, _, _ = after.parse(line(ipfix([flow], sequence=2)))
    assert not problems
    for found in (flows, again):
        assert found.column(Flow.START).tolist() == [(NOW_S - 100) * 1_000_000]
        assert found.column(Flow.DURATION).tolist() == [2_500_000]


def test_an_uptime_without_a_beginning_is_dated_by_its_datagram() -> None:
    flows, problems = read(ipfix([a_set(2, template(300, FIELDS4)), a_set(300, record4(CLIENT))]))
    assert not problems
    assert flows.column(Flow.START).tolist() == [NOW_S * 1_000_000]

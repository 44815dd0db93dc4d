"""What packets come to: flows, each with what was asked of it."""

import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.network.packets import (
    ACK,
    BEGIN,
    FIN,
    FOREVER,
    PUSH,
    RST,
    SECOND,
    SYN,
    URG,
    Frame,
    decoded,
    ip,
    passed,
    pcap,
    tcp,
    udp,
    unreachable,
    whole_flows,
)
from vedette.kernels.flows.contacts import FIXED
from vedette.kernels.packets import flow_columns, flow_layout
from vedette.schema.flows import COUNTS, FIRST_COUNT, FLOW_COLUMNS, LAST_BEGAN, LAST_COUNT, Flow
from vedette.windows.flow_table import FlowTable, TableSettings

A, B = "10.0.0.1:4000", "192.0.2.9:80"
MS = 1000


def session(begin: int = BEGIN) -> list[Frame]:
    """A handshake of 30 ms, a request, an answer 50 ms later, and a close."""
    return [
        (begin, tcp(A, B, SYN, seq=100)),
        (begin + 20 * MS, tcp(B, A, SYN | ACK, seq=500, ack=101)),
        (begin + 30 * MS, tcp(A, B, ACK, seq=101, ack=501)),
        (begin + 31 * MS, tcp(A, B, ACK | PUSH, b"x" * 10, seq=101, ack=501)),
        (begin + 51 * MS, tcp(B, A, ACK, seq=501, ack=111)),
        (begin + 81 * MS, tcp(B, A, ACK | PUSH, b"y" * 20, seq=501, ack=111)),
        (begin + 91 * MS, tcp(A, B, ACK, seq=111, ack=521)),
        (begin + 92 * MS, tcp(A, B, ACK | FIN, seq=111, ack=521)),
        (begin + 93 * MS, tcp(B, A, ACK | FIN, seq=521, ack=112)),
    ]


def values(row: "np.ndarray", *columns: Flow) -> list[int]:
    return [int(row[c]) for c in columns]


def test_the_layout_is_the_schema_s() -> None:
    assert flow_layout.OUT_COLUMNS == FLOW_COLUMNS
    assert flow_layout.FIRST_COUNT == FIRST_COUNT
    assert flow_layout.COUNTS == COUNTS == LAST_COUNT - FIRST_COUNT + 1
    named = {name[3:]: column for name, column in vars(flow_columns).items() if name.startswith("AT_")}
    assert named
    assert named.pop("LAST_BEGAN") == LAST_BEGAN
    assert named == {name: Flow[name] for name in named}
    of_counts = flow_columns.FIRST_COUNT, flow_columns.LAST_COUNT, flow_columns.FLOW_COLUMNS
    assert of_counts == (FIRST_COUNT, LAST_COUNT, FLOW_COLUMNS)


def test_a_contact_s_row_begins_with_what_is_no_count() -> None:
    assert (
        *range(Flow.CLIENT_PORT), Flow.SERVER_PORT, Flow.PROTOCOL, Flow.BEGAN, LAST_BEGAN, Flow.DURATION,
        Flow.LONGEST_GAP,
    ) == FIXED  # fmt: skip
    assert not set(FIXED) & set(range(FIRST_COUNT, LAST_COUNT + 1))


def test_a_session_is_one_flow_with_its_times() -> None:
    (row,) = whole_flows(session())
    assert values(row, Flow.PACKETS_OUT, Flow.PACKETS_IN, Flow.PAYLOAD_OUT, Flow.PAYLOAD_IN) == [5, 4, 10, 20]
    assert values(row, Flow.CLIENT_PORT, Flow.SERVER_PORT) == [4000, 80]
    assert values(row, Flow.OPENED, Flow.SUCCEEDED, Flow.FAILED, Flow.CLOSED) == [1, 1, 0, 1]
    assert values(row, Flow.HANDSHAKE_SUM, Flow.HANDSHAKE_COUNT) == [30 * MS, 1]
    # The request is acknowledged after 20 ms, the answer after 10.
    assert values(row, Flow.RTT_SUM, Flow.RTT_COUNT) == [30 * MS, 2]
    assert values(row, Flow.RESPONSE_SUM, Flow.RESPONSE_COUNT) == [50 * MS, 1]
    assert values(row, Flow.DURATION, Flow.LONGEST_GAP) == [93 * MS, 30 * MS]


def test_a_segment_sent_again_is_counted_and_times_nothing() -> None:
    """Karn and Partridge: an acknowledgement of what was sent twice tells no time."""
    packets = session()
    packets.insert(4, (BEGIN + 45 * MS + 30 * MS, packets[3][1]))
    packets = [(max(t, BEGIN + 75 * MS) if i > 4 else t, p) for i, (t, p) in enumerate(packets)]
    (row,) = whole_flows(packets)
    assert values(row, Flow.SEGMENTS_OUT, Flow.RETRANSMITTED_OUT, Flow.RTT_COUNT) == [2, 1, 1]


def test_a_keep_alive_is_no_loss() -> None:
    packets = session()[:-2]
    packets.append((BEGIN + 20 * SECOND, tcp(A, B, ACK, b"\0", seq=110, ack=521)))
    (row,) = whole_flows(packets)
    assert values(row, Flow.KEEP_ALIVE_OUT, Flow.RETRANSMITTED_OUT, Flow.SEGMENTS_OUT) == [1, 0, 1]


def test_a_late_segment_is_no_loss() -> None:
    packets = session()[:5]
    packets += [
        (BEGIN + 81 * MS, tcp(B, A, ACK, b"2" * 20, seq=521, ack=111)),
        (BEGIN + 82 * MS, tcp(B, A, ACK, b"1" * 20, seq=501, ack=111)),
    ]
    (row,) = whole_flows(packets)
    assert values(row, Flow.DISORDERED_IN, Flow.RETRANSMITTED_IN, Flow.SEGMENTS_IN) == [1, 0, 2]


def steady(resent: Sequence[tuple[int, int]]) -> "np.ndarray":
    """A server that sends a segment a millisecond over a round trip of 30, without a pause.

    Args:
        resent: Segments that come later than they should, and after which one; the receiver acknowledges nothing.
    """
    held = {which for which, _ in resent}
    order = [n for n in range(200) if n not in held]
    for which, behind in resent:
        order.insert(order.index(behind) + 1, which)
    packets = session()[:5]
    for at, n in enumerate(order):
        packets.append((BEGIN + (81 + at) * MS, tcp(B, A, ACK, b"y" * 20, seq=501 + 20 * n, ack=111)))
    (row,) = whole_flows(packets)
    return row


def test_what_a_busy_sender_sends_again_is_told_from_what_is_late() -> None:
    """A sender learns of a hole after a round trip, and fills many of them at once."""
    row = steady([(20, 52), (25, 52), (31, 64), (90, 92), (120, 124)])
    assert values(row, Flow.RETRANSMITTED_IN, Flow.DISORDERED_IN, Flow.SEGMENTS_IN) == [3, 2, 200]


@given(st.data())
def test_what_is_passed_for_less_than_a_quarter_of_a_round_trip_is_late_and_after_a_whole_one_sent_again(
    data: st.DataObject,
) -> None:
    which = data.draw(st.integers(40, 120))
    behind = which + data.draw(st.integers(1, 6) | st.integers(31, 60))
    row = steady([(which, behind)])
    again = int(behind - which > 30)
    assert values(row, Flow.RETRANSMITTED_IN, Flow.DISORDERED_IN) == [again, 1 - again]


@given(st.integers(1, 150), st.integers(0, 40))
def test_what_was_seen_before_was_sent_again_however_soon(which: int, later: int) -> None:
    packets = session()[:5]
    order = list(range(200))
    order.insert(which + later + 1, which)
    for at, n in enumerate(order):
        packets.append((BEGIN + (81 + at) * MS, tcp(B, A, ACK, b"y" * 20, seq=501 + 20 * n, ack=111)))
    (row,) = whole_flows(packets)
    assert values(row, Flow.RETRANSMITTED_IN, Flow.DISORDERED_IN) == [1, 0]


def test_a_handshake_whose_answer_was_sent_twice_tells_no_time() -> None:
    syn, answer, *rest = session()
    (row,) = whole_flows(
        [syn, answer, (BEGIN + SECOND, answer[1]), *((t + SECOND, packet) for t, packet in rest)]
    )
    assert values(row, Flow.HANDSHAKE_SUM, Flow.HANDSHAKE_COUNT, Flow.SUCCEEDED) == [0, 0, 1]


def test_outcomes_of_connections_are_told_apart() -> None:
    refused = [
        (BEGIN, tcp("10.0.0.1:1", B, SYN, seq=1)),
        (BEGIN + MS, tcp(B, "10.0.0.1:1", RST | ACK, ack=2)),
    ]
    silent = [(BEGIN, tcp("10.0.0.1:2", B, SYN, seq=1))]
    waiting = [(BEGIN + 29 * SECOND, tcp("10.0.0.1:3", B, SYN, seq=1))]
    later = [(BEGIN + 30 * SECOND, udp("10.0.0.1:9", "192.0.2.9:9"))]
    rows = whole_flows([*refused, *silent, *waiting, *later])
    assert rows[:3, Flow.FAILED].tolist() == [1, 1, 0]
    assert rows[:3, Flow.SUCCEEDED].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("flags", "fin"), [(FIN, 1), (0, 0), (FIN | PUSH | URG, 0)])
def test_packets_that_no_connection_sends_are_probes(flags: int, fin: int) -> None:
    (row,) = whole_flows([(BEGIN, tcp("10.0.0.1:50000", "192.0.2.9:22", flags))])
    assert values(row, Flow.PROBES, Flow.PROBES_FIN, Flow.SERVER_PORT) == [1, fin, 22]


def test_the_same_ports_again_are_another_flow() -> None:
    again = [(t + 5 * SECOND, p) for t, p in session()]
    again[0] = (again[0][0], tcp(A, B, SYN, seq=90_000))
    assert len(whole_flows([*session(), *again])) == 2


def test_an_answer_whose_question_was_not_seen_comes_from_the_server() -> None:
    (row,) = whole_flows([(BEGIN, udp("192.0.2.9:53", "10.0.0.1:40000", b"a" * 100))])
    assert values(row, Flow.SERVER_PORT, Flow.PACKETS_OUT, Flow.PACKETS_IN) == [53, 0, 1]


def test_fragments_are_of_the_flow_of_their_first() -> None:
    import struct

    payload = udp("10.0.0.1:7", "192.0.2.9:9", bytes(64))[20:]
    pieces = []
    for offset, part in ((0, payload[:40]), (40, payload[40:])):
        packet = bytearray(ip("10.0.0.1", "192.0.2.9", 17, part))
        packet[4:8] = struct.pack(">HH", 77, (offset // 8) | (0x2000 if offset == 0 else 0))
        pieces.append((BEGIN + offset, bytes(packet)))
    (row,) = whole_flows(pieces)
    assert values(row, Flow.PACKETS_OUT, Flow.SERVER_PORT) == [2, 9]


def test_parts_of_a_flow_add_up_to_it() -> None:
    draw = random.Random(5)
    packets = []
    for number in range(400):
        moved = session(BEGIN + draw.randrange(60 * SECOND))
        port = f"10.0.0.1:{5000 + number % 150}"
        packets += [(t + 7 * SECOND * draw.randrange(3), p) for t, p in moved]
        packets.append((moved[0][0], udp(port, "192.0.2.9:53", b"q")))
    packets.sort(key=lambda frame: frame[0])
    for settings in (FOREVER, TableSettings(flows=16), TableSettings(idle=(SECOND, SECOND))):
        handed = passed(packets, settings)
        counts = slice(FIRST_COUNT, LAST_COUNT + 1)
        parts = sum(p.parts.table[:, counts].sum(axis=0) for p in handed)
        ended = sum(p.ended.table[:, counts].sum(axis=0) for p in handed)
        assert np.array_equal(parts, ended)
        assert int(parts[0] + parts[1]) == len(packets)
        for one in handed:
            assert (one.parts.table[:, Flow.START] // (10 * SECOND) * 10 * SECOND == one.start).all()


def test_a_full_table_writes_out_the_oldest_and_counts_it() -> None:
    rows, _ = decoded(
        pcap([(BEGIN + n, udp(f"10.0.{n >> 8}.{n & 255}:1000", "192.0.2.9:5000")) for n in range(64)], 101)
    )
    table = FlowTable(TableSettings(flows=16))
    handed = [*table.add(rows), *table.finish()]
    assert table.evicted == 48
    assert sum(len(p.ended) for p in handed) == 64


def test_batches_of_any_size_make_the_same_flows() -> None:
    packets = [*session(), *[(t + 15 * SECOND, p) for t, p in session()]]
    rows, _ = decoded(pcap(packets, 101))

    def run(step: int) -> list[list[int]]:
        table = FlowTable()
        handed = [p for at in range(0, len(rows), step) for p in table.add(rows[at : at + step])]
        handed += table.finish()
        return [row for p in handed for row in p.parts.table.tolist()]

    assert run(1) == run(5) == run(1000)


CAPTURES = Path(__file__).parents[3] / "shared" / "data" / "ndpi-pcaps" / "ndpi-selected.tar.xz"


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    if not CAPTURES.exists():
        pytest.skip(f"the captures are not at hand: {CAPTURES}")
    if shutil.which("tshark") is None:
        pytest.skip("tshark, the oracle, is not installed: apt-get install tshark")
    folder = tmp_path_factory.mktemp("captures")
    subprocess.run(["tar", "xJf", str(CAPTURES), "-C", str(folder)], check=True)
    return sorted(folder.glob("pcap/*.pcap*"))


def tshark(path: Path, *arguments: str) -> list[str]:
    done = subprocess.run(["tshark", "-r", str(path), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def size(text: str) -> int:
    number, unit = text.split()
    return int(number.replace(",", "")) * {"bytes": 1, "kB": 1000, "MB": 1000_000}[unit]


def flows_of(path: Path) -> "np.ndarray":
    rows, _ = decoded(path.read_bytes())
    table = FlowTable(FOREVER)
    return np.concatenate([p.ended.table for p in [*table.add(rows), *table.finish()]])


@pytest.mark.slow
def test_conversations_are_tshark_s_to_the_byte(captures: list[Path]) -> None:
    """By ports, packets and bytes of each TCP stream."""
    for path in captures:
        if path.stem == "badpackets":
            continue  # Fragments without their first: tshark makes no conversation of them, the table counts them.
        lines = tshark(path, "-T", "fields", "-e", "tcp.stream", "-e", "frame.len", "-Y", "tcp && !icmp")
        theirs: dict[str, list[int]] = {}
        for line in lines:
            stream, length = line.split("\t")
            one = theirs.setdefault(stream.split(",")[0], [0, 0])
            one[0] += 1
            one[1] += int(length)
        flows = flows_of(path)
        mine = flows[flows[:, Flow.PROTOCOL] == 6]
        counts = Counter(
            (int(r[Flow.PACKETS_OUT] + r[Flow.PACKETS_IN]), int(r[Flow.BYTES_OUT] + r[Flow.BYTES_IN]))
            for r in mine
        )
        assert counts == Counter(map(tuple, theirs.values())), path.name


def seen_though_out_of_order(path: Path) -> int:
    """Segments that tshark calls out of order, each byte of which was in the capture before."""
    told = ("tcp.stream", "tcp.srcport", "tcp.seq_raw", "tcp.len", "tcp.analysis.out_of_order")
    columns = [word for field in told for word in ("-e", field)]
    seen: dict[tuple[str, str], set[int]] = {}
    count = 0
    for line in tshark(path, "-Y", "tcp && !icmp", "-T", "fields", *columns):
        stream, port, sequence, length, disordered = line.split("\t")
        segment = set(range(int(sequence), int(sequence) + int(length)))
        before = seen.setdefault((stream, port), set())
        count += bool(disordered and segment and segment <= before)
        before |= segment
    return count


@pytest.mark.slow
@pytest.mark.parametrize(
    ("columns", "wanted", "seen"),
    [
        ((Flow.RETRANSMITTED_OUT, Flow.RETRANSMITTED_IN), "tcp.analysis.retransmission && tcp.len > 0", 1),
        ((Flow.DISORDERED_OUT, Flow.DISORDERED_IN), "tcp.analysis.out_of_order", -1),
        ((Flow.KEEP_ALIVE_OUT, Flow.KEEP_ALIVE_IN), "tcp.analysis.keep_alive", 0),
    ],
)
def test_analysis_of_segments_is_tshark_s(
    captures: list[Path], columns: tuple[Flow, Flow], wanted: str, seen: int
) -> None:
    """But for what it calls out of order though it was there before, which was sent again."""
    for path in captures:
        theirs = len(tshark(path, "-Y", wanted, "-T", "fields", "-e", "frame.number"))
        corrected = theirs + (seen * seen_though_out_of_order(path) if seen else 0)
        assert int(flows_of(path)[:, list(columns)].sum()) == corrected, path.name


@pytest.mark.slow
def test_handshake_times_are_tshark_s(captures: list[Path]) -> None:
    """Of handshakes without anything sent twice; of others no time is told (Karn and Partridge)."""
    compared = 0
    for path in captures:
        syns = Counter(tshark(path, "-Y", "tcp.flags.syn == 1", "-T", "fields", "-e", "tcp.stream"))
        lines = tshark(path, "-Y", "tcp.analysis.initial_rtt", "-T", "fields", "-e", "tcp.stream",
                       "-e", "tcp.analysis.initial_rtt")  # fmt: skip
        by_stream = dict(line.split("\t") for line in lines)
        theirs = Counter(round(float(took) * 1e6) for stream, took in by_stream.items() if syns[stream] == 2)
        flows = flows_of(path)
        once = (
            (flows[:, Flow.SYN_OUT] == 1)
            & (flows[:, Flow.SYN_IN] == 1)
            & (flows[:, Flow.HANDSHAKE_COUNT] > 0)
        )
        assert Counter(flows[once, Flow.HANDSHAKE_SUM].tolist()) == theirs, path.name
        compared += theirs.total()
    assert compared > 100


def refused(packet: bytes, *others: bytes) -> tuple[int, int]:
    """Whether the flow of the first of some packets failed, and whether it was answered."""
    rows = whole_flows([(BEGIN + n * MS, one) for n, one in enumerate((packet, *others))])
    row = next(row for row in rows if row[Flow.PROTOCOL] not in (1, 58))
    return int(row[Flow.FAILED]), int(row[Flow.SUCCEEDED])


@pytest.mark.parametrize(
    ("packet", "sender"),
    [
        (udp(A, "192.0.2.9:53", b"q"), "192.0.2.9"),
        (udp(A, "192.0.2.9:53", b"q"), "198.51.100.1"),
        (udp("[2001:db8::1]:4000", "[2001:db8::2]:53", b"q"), "2001:db8::2"),
        (tcp(A, B, SYN), "198.51.100.1"),
    ],
    ids=["by the host", "by a router", "IPv6", "a SYN"],
)
def test_a_packet_that_could_not_be_delivered_fails_its_flow(packet: bytes, sender: str) -> None:
    assert refused(packet, unreachable(sender, packet)) == (1, 0)
    assert refused(packet, unreachable(sender, packet), unreachable(sender, packet)) == (1, 0)


def test_what_is_told_to_somebody_else_cut_or_of_another_flow_fails_nothing() -> None:
    asked = udp(A, "192.0.2.9:53", b"q")
    told = unreachable("192.0.2.9", asked)
    assert refused(asked, ip("192.0.2.9", "10.0.0.99", 1, told[20:])) == (0, 0)
    for cut in range(len(told) - 6, 20, -1):
        assert refused(asked, told[:cut]) == (0, 0)
    assert refused(asked, unreachable("192.0.2.9", udp(A, "192.0.2.9:54", b"q"))) == (0, 0)


def test_what_was_answered_did_not_fail() -> None:
    asked, answer = udp(A, "192.0.2.9:53", b"q"), udp("192.0.2.9:53", A, b"a")
    assert refused(asked, answer, unreachable("192.0.2.9", asked)) == (0, 1)
    # The client closed its port before the answer came: nothing of the server's failed.
    assert refused(asked, answer, unreachable("10.0.0.1", answer)) == (0, 1)


def test_a_packet_refused_in_a_later_window_is_told_there() -> None:
    asked = udp(A, "192.0.2.9:53", b"q")
    frames = [(BEGIN, asked), (BEGIN + 15 * SECOND, unreachable("192.0.2.9", asked))]
    parts = [(p.start, row) for p in passed(frames, TableSettings()) for row in p.parts.table if row[8] == 17]
    assert [(int(row[Flow.FAILED]), int(row[Flow.PACKETS_OUT])) for _, row in parts] == [(0, 1), (1, 0)]


def test_packets_behind_later_ones_are_counted_and_kept() -> None:
    frames = [
        (BEGIN + time, tcp(f"10.0.0.1:{5000 + number}", "192.0.2.1:443", SYN))
        for number, time in enumerate((0, 3_600 * SECOND, 3_599 * SECOND, 3_598 * SECOND, 5, 3_601 * SECOND))
    ]
    table = FlowTable(FOREVER)
    rows, _ = decoded(pcap(frames, link=101))
    parts = [*table.add(rows[:3]), *table.add(rows[3:]), *table.finish()]
    assert table.dated_back == 2
    assert sum(len(one.ended) for one in parts) == len(frames)


def test_counts_of_the_table_are_those_that_flows_are_told_by() -> None:
    """Kernels must not import the schema's numbers; they have names of their own for what they count."""
    both = {"AGAIN": "RETRANSMITTED", "SYNS": "SYN", "FINS": "FIN", "RESETS": "RESET", "KEEP_ALIVES": "KEEP_ALIVE",
            "PACKETS": "PACKETS", "BYTES": "BYTES", "PAYLOAD": "PAYLOAD", "SEGMENTS": "SEGMENTS",
            "DISORDERED": "DISORDERED"}  # fmt: skip
    single = {"FAILURES": "FAILED"} | {
        name: name
        for name in (
            "PROBES", "PROBES_FIN", "DNS_QUERIES", "DNS_NAME_BYTES", "DNS_RARE_TYPES", "DNS_LONG_NAMES", "ECHO_SIZES",
            "RTT_SUM", "RTT_COUNT", "RESPONSE_SUM", "RESPONSE_COUNT", "OPENED", "SUCCEEDED", "CLOSED",
            "HANDSHAKE_SUM", "HANDSHAKE_COUNT", "RESPONDED",
        )
    }  # fmt: skip
    place = flow_layout.COUNTED - flow_layout.FIRST_COUNT
    for ours, theirs in both.items():
        for side, way in enumerate(("OUT", "IN")):
            assert getattr(flow_layout, ours) + side == place + Flow[f"{theirs}_{way}"]
    for ours, theirs in single.items():
        assert getattr(flow_layout, ours) == place + Flow[theirs]
    assert 2 * len(both) + len(single) == flow_layout.COUNTS

"""Requests in captures become log lines, whatever order their segments come in."""

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.network.packets import ACK, BEGIN, SECOND, Frame, decoded, pcap, tcp
from vedette.kernels.packets.packet_layout import Packet
from vedette.parsers.flows.http_packets import HttpPackets
from vedette.parsers.flows.http_streams import HEAD_BYTES, HttpStreams

A, B = "10.0.0.1:4000", "192.0.2.9:80"
REQUEST = b"GET /a?q=%27 HTTP/1.1\r\nHost: shop.example:80\r\nUser-Agent: curl\r\nReferer: http://x/\r\n\r\n"
ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello"
LINE = b'shop.example:80 10.0.0.1 - - [14/Nov/2023:22:13:20 +0000] "GET /a?q=%27 HTTP/1.1" 404 5 "http://x/" "curl"\n'


def cut(source: str, target: str, text: bytes, pieces: list[int], begin: int, seq: int = 1) -> list[Frame]:
    """A text as segments that end at the places given."""
    ends = sorted({min(p, len(text)) for p in pieces} | {len(text)})
    found, at = [], 0
    for number, end in enumerate(ends):
        found.append((begin + number, tcp(source, target, ACK, text[at:end], seq=seq + at)))
        at = end
    return [f for f in found if f]


def lines(packets: list[Frame], snap: int = 1 << 20) -> list[bytes]:
    """The lines of packets, of each of which so many bytes of payload were captured at most."""
    capture = pcap(packets, 101)
    rows, _ = decoded(capture)
    streams = HttpStreams()
    found = []
    for row, (_, frame) in zip(rows.tolist(), packets, strict=True):
        payload = frame[len(frame) - row[9] :] if row[9] else b""
        if payload:
            found += streams.take(row, payload[:snap])
    return found + streams.finish()


@given(st.lists(st.integers(1, 90), max_size=5), st.lists(st.integers(1, 60), max_size=4))
def test_a_request_and_its_answer_are_a_line_however_they_are_cut(asked: list[int], told: list[int]) -> None:
    packets = [*cut(A, B, REQUEST, asked, BEGIN), *cut(B, A, ANSWER, told, BEGIN + 1000)]
    assert lines(packets) == [LINE]


def test_a_line_is_dated_by_its_answer() -> None:
    answered = BEGIN + 30 * SECOND
    (line,) = lines([*cut(A, B, REQUEST, [], BEGIN), *cut(B, A, ANSWER, [], answered)])
    assert b"[14/Nov/2023:22:13:50 +0000]" in line


def test_what_is_not_answered_within_a_minute_is_told_then() -> None:
    other = REQUEST.replace(b"/a?", b"/b?")
    packets = [
        *cut(A, B, REQUEST, [], BEGIN + SECOND),
        *cut("10.0.0.2:4000", B, other, [], BEGIN + 59 * SECOND),
        *cut(B, "10.0.0.2:4000", ANSWER, [], BEGIN + 62 * SECOND),
        *cut(B, A, ANSWER, [], BEGIN + 75 * SECOND),
    ]
    found = lines(packets)
    # Looked at every ten seconds of the capture's time.
    assert [(line.split(b'"')[1].split()[1][:2], line.split(b'"')[2].split()[0]) for line in found] == [
        (b"/b", b"404"),
        (b"/a", b"-"),
    ]
    assert b"[14/Nov/2023:22:14:30 +0000]" in found[1]


def test_a_head_that_does_not_end_is_told_after_a_minute() -> None:
    streams = HttpStreams()
    rows, _ = decoded(pcap(cut(A, B, REQUEST[:40], [], BEGIN), 101))
    assert streams.take(rows[0].tolist(), REQUEST[:40]) == []
    assert streams.pass_time(BEGIN + 59 * SECOND) == []
    (line,) = streams.pass_time(BEGIN + 80 * SECOND)
    assert b"GET /a?q=%27 HTTP/1.1" in line
    assert streams.finish() == []


@given(st.integers(30, 200))
def test_what_was_not_captured_is_passed_over(snap: int) -> None:
    body = b"GET /not/a/request HTTP/1.1\r\n\r\n" * 20
    post = b"POST /form HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    asked = cut(A, B, post, [], BEGIN) + cut(A, B, REQUEST, [], BEGIN + 1, seq=1 + len(post))
    found = lines([*asked, *cut(B, A, ANSWER + ANSWER, [len(ANSWER)], BEGIN + 1000)], snap)
    assert [line.split(b'"')[1].split()[:2] for line in found] == [[b"POST", b"/form"], [b"GET", b"/a?q=%27"]]
    assert [line.split(b'"')[2].split()[0] for line in found] == [b"404", b"404"]


POST = b"POST /form HTTP/1.1\r\nContent-Length: 400\r\n\r\n" + b"GET /in/body HTTP/1.1\r\n\r\n" * 16
MIXED = st.lists(
    st.tuples(
        st.sampled_from([A, "10.0.0.2:4000", "[2001:db8::1]:4000"]),
        st.sampled_from([REQUEST, b"GE", b"\0" * 30, b"PUT x", b"HTTP", REQUEST * 2, b"x", POST + REQUEST]),
        st.lists(st.integers(1, 600), max_size=5),
        st.booleans(),
    ),
    max_size=8,
)


@given(MIXED, st.lists(st.integers(1, 9), max_size=8), st.randoms())
def test_what_is_left_out_for_speed_changes_nothing(
    conversations: "list[tuple[str, bytes, list[int], bool]]", sizes: list[int], random: random.Random
) -> None:
    packets: list[Frame] = []
    for number, (client, text, pieces, answered) in enumerate(conversations):
        server = "[2001:db8::9]:80" if client.startswith("[") else B
        packets += cut(client, server, text, pieces, BEGIN + 9 * SECOND * number, seq=1 + 1000 * number)
        if answered:
            packets += cut(
                server, client, ANSWER, pieces, BEGIN + 9 * SECOND * number + 500, seq=1 + 1000 * number
            )
    if packets and random.random() < 0.5:
        packets.insert(0, packets.pop(random.randrange(len(packets))))
    content = pcap(packets, 101)
    rows, _ = decoded(content)
    buffer = np.frombuffer(content + bytes(64), dtype=np.uint8)
    every, some = HttpStreams(), HttpPackets()
    expected: list[bytes] = []
    for row in rows[rows[:, Packet.CAPTURED] > 0].tolist():
        expected += every.take(row, content[row[Packet.AT] : row[Packet.AT] + row[Packet.CAPTURED]])
    found, at = [], 0
    for size in [*sizes, len(rows) + 1]:
        found += some.take(buffer, rows[at : at + size])
        at += size
    assert found + some.finish() == expected + every.finish()


def test_a_body_longer_than_sequence_numbers_is_passed_over() -> None:
    body, step = 5 << 30, (1 << 20) + 7
    head = b"PUT /backup HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % body
    inside = [
        (BEGIN + at // step, tcp(A, B, ACK, b"x", seq=(1 + len(head) + at) % (1 << 32)))
        for at in range(0, body, step)
    ]
    after = cut(A, B, REQUEST, [], BEGIN + 6000, seq=(1 + len(head) + body) % (1 << 32))
    content = pcap([*cut(A, B, head, [], BEGIN), *inside, *after], 101)
    rows, _ = decoded(content)
    buffer = np.frombuffer(content + bytes(64), dtype=np.uint8)
    packets = HttpPackets()
    for at in range(0, len(rows), 100):
        packets.take(buffer, rows[at : at + 100])
    assert [line.split(b'"')[1].split()[1] for line in packets.finish()] == [b"/backup", b"/a?q=%27"]


def test_segments_out_of_order_and_twice_are_put_right() -> None:
    first, *rest = cut(A, B, REQUEST, [20, 40, 60], BEGIN)
    random.Random(1).shuffle(rest)
    assert lines([first, *rest, *rest, *cut(B, A, ANSWER, [], BEGIN + 1000)]) == [LINE]


def test_a_request_without_an_answer_is_a_line_without_a_status() -> None:
    (line,) = lines(cut(A, B, REQUEST, [], BEGIN))
    assert b'HTTP/1.1" - 0 ' in line


def test_several_requests_of_a_connection_get_their_own_answers() -> None:
    second = REQUEST.replace(b"/a?", b"/b?")
    asked = cut(A, B, REQUEST + second, [30], BEGIN)
    answers = ANSWER + ANSWER.replace(b"404 Not Found", b"200 OK")
    found = lines([*asked, *cut(B, A, answers, [70], BEGIN + 1000)])
    assert [line.split(b'"')[1].split()[1][:2] for line in found] == [b"/a", b"/b"]
    assert [line.split(b'"')[2].split()[0] for line in found] == [b"404", b"200"]


def test_a_body_is_passed_over() -> None:
    body = b"GET /not/a/request HTTP/1.1\r\n\r\n"
    post = b"POST /form HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    assert len(lines(cut(A, B, post + REQUEST, [25, 60], BEGIN))) == 2


def test_hostile_bytes_do_not_leave_their_field() -> None:
    text = b'GET /"\x1b[2J\\ HTTP/1.1\r\nHost: a"b\x00c\r\nUser-Agent: "x" \\ \x07\r\n\r\n'
    (line,) = lines(cut(A, B, text, [], BEGIN))
    assert line.count(b'"') == 6
    assert not set(line[:-1]) & set(range(32))


def test_a_head_without_end_is_bounded() -> None:
    found = lines(cut(A, B, b"GET /" + b"a" * 40_000, list(range(1000, 40_000, 1000)), BEGIN))
    assert len(found) == 1
    assert len(found[0]) <= HEAD_BYTES + 300

"""Requests in captures become log lines, whatever order their segments come in."""

import random

from hypothesis import given
from hypothesis import strategies as st

from tests.network.packets import ACK, BEGIN, Frame, decoded, pcap, tcp
from vedette.parsers.http_streams import HEAD_BYTES, HttpStreams

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


def lines(packets: list[Frame]) -> list[bytes]:
    capture = pcap(packets, 101)
    rows, _ = decoded(capture)
    streams = HttpStreams()
    found, at = [], 24
    for row, (_, frame) in zip(rows.tolist(), packets, strict=True):
        at += 16
        payload = frame[len(frame) - row[9] :] if row[9] else b""
        if payload:
            found += streams.take(row, payload)
    return found + streams.finish()


@given(st.lists(st.integers(1, 90), max_size=5), st.lists(st.integers(1, 60), max_size=4))
def test_a_request_and_its_answer_are_a_line_however_they_are_cut(asked: list[int], told: list[int]) -> None:
    packets = [*cut(A, B, REQUEST, asked, BEGIN), *cut(B, A, ANSWER, told, BEGIN + 1000)]
    assert lines(packets) == [LINE]


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

"""A line read by itself says what it says as a batch of one."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.parsers.log_format import log_format
from vedette.parsers.registry import by_name
from vedette.parsers.text_format import TextParser
from vedette.schema.chunk import Chunk
from vedette.schema.requests import Requests

METHODS = ["GET", "POST", "get", "M-SEARCH", "", "G\\x22T", "ÄÖ"]
TARGETS = ["/", "/a?b=c", "/a b", "http://x.example/", "*", "", " ", "/a\tb", '/\\"x', "/ü", "-"]
PROTOCOLS = ["HTTP/1.1", "HTTP/2", "HTTP/3.0", "HTTP/11111.1", "http/1.1", "RTSP/1.0", "", "HTTP/1.1 "]
STATUSES = ["200", "404", "099", "1000", "-", "20x", "2", "٣٠٠"]
SIZES = [
    "0",
    "1234",
    "-",
    "-5",
    "1e3",
    "99999999999",
    "999999999999",
    "1099511627776",
    "12345678901234567890123",
]
TIMES = ["02/Mar/2026:09:10:00 +0000", "02/Mar/2026:09:10:00.123 +0530", "32/Mar/2026:09:10:00 +0000", "-"]
TEXTS = ["-", "", "x", "https://e.example/?q=1", "Mozilla/5.0 (X11)", 'a \\"b\\" c', "é", "\\xff"]
DURATIONS = ["0.001", "12", "-", "-1", "1e-3", "x"]


def parsers() -> list[TextParser]:
    formats = [
        by_name("combined"),
        log_format(
            '$remote_addr [$time_local] "$request" $status $body_bytes_sent $request_length $request_time '
            '"$http_referer" "$http_user_agent" "$http_x_forwarded_for" "$host"'
        ),
        log_format("$remote_addr [$time_local] $request_method $uri $status"),
    ]
    opened = [known.open("x") for known in formats]
    return [parser for parser in opened if isinstance(parser, TextParser)]


def assert_same(parser: TextParser, line: bytes) -> bool:
    """Whether a line is plain; if it is, both ways say the same."""
    single = parser.parse_single(Chunk.of(line + b"\n"))
    if single is None:
        return False
    requests: Requests = parser.parse(Chunk.of(line + b"\n")).requests
    assert len(requests) == 1
    told = (single.time, single.status, single.bytes_in, single.bytes_out, single.flags)
    columns = (requests.time, requests.status, requests.bytes_in, requests.bytes_out, requests.flags)
    assert told == tuple(column.item(0) for column in columns)
    duration = requests.duration.item(0)
    assert single.duration == duration or (math.isnan(single.duration) and math.isnan(duration))
    for name in ("peer", "forwarded", "method", "target", "protocol", "referer", "user_agent", "service"):
        assert getattr(single, name) == getattr(requests, name)[0], name
    assert list(single.targets) == [single.target]
    assert requests.template is None
    return True


@settings(deadline=None)
@given(st.data())
def test_a_line_alone_says_what_its_columns_would(data: st.DataObject) -> None:
    def some(texts: list[str]) -> str:
        return data.draw(st.sampled_from(texts))

    request = " ".join([some(METHODS), some(TARGETS), some(PROTOCOLS)])
    if data.draw(st.booleans()):
        request = some(["-", "", "GET", "\\x16\\x03\\x01"])
    line = f'192.0.2.7 - - [{some(TIMES)}] "{request}" {some(STATUSES)} {some(SIZES)}'
    combined = f'{line} "{some(TEXTS)}" "{some(TEXTS)}"'
    own = (
        f'192.0.2.7 [{some(TIMES)}] "{request}" {some(STATUSES)} {some(SIZES)} {some(SIZES)} {some(DURATIONS)} '
        f'"{some(TEXTS)}" "{some(TEXTS)}" "{some(TEXTS)}" "{some(TEXTS)}"'
    )
    apart = f"192.0.2.7 [{some(TIMES)}] {some(METHODS)} {some(TARGETS)} {some(STATUSES)}"
    for parser in parsers():
        for line in (combined, own, apart):
            assert_same(parser, line.encode())


@settings(deadline=None)
@given(st.binary(max_size=120).map(lambda line: line.replace(b"\n", b"")))
def test_nothing_that_a_line_holds_raises(line: bytes) -> None:
    for parser in parsers():
        assert_same(parser, line)


@pytest.mark.parametrize(
    "line",
    [
        b'192.0.2.7 - - [02/Mar/2026:09:10:00 +0000] "GET /shop?q=shoes HTTP/1.1" 200 1234 "-" "x"',
        b'192.0.2.7 - - [02/Mar/2026:09:10:00 +0000] "POST / HTTP/2.0" 503 - "https://e.example/" "a \\"b\\""',
        b'192.0.2.7 - - [02/Mar/2026:09:10:00 +0000] "GET / HTTP/1.0" 304 0',
    ],
)
def test_the_lines_that_servers_write_are_plain(line: bytes) -> None:
    assert assert_same(parsers()[0], line)

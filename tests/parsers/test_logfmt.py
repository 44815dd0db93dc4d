"""Lines of pairs: order, quotes, escapes, repeats and words between, against a plain reader of our own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.parsers.lines import chunk, parse_all

from vedette.parsers.registry import by_name, formats
from vedette.parsers.sniff import sniff
from vedette.schema.chunk import Chunk, Parsed, SkipReason

TIME = "time=2026-03-02T08:00:00Z"


def parse(*lines: str | bytes, name: str = "logfmt") -> Parsed:
    text = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    return by_name(name).open("x").parse(Chunk.of(text))


def target(line: str) -> bytes | None:
    requests = parse(line).requests
    assert len(requests) == 1
    return requests.target[0]


@pytest.mark.parametrize(
    ("pair", "read"),
    [
        ("path=/a", b"/a"),
        ('path="/a b"', b"/a b"),
        (r'path="/a\"b\\c"', b'/a"b\\c'),
        (r'path="/\x00\u00e9"', "/\x00é".encode()),
        ('path=""', None),
        ("path=", None),
        ("path=-", None),
        ("path=/a=b&c=d", b"/a=b&c=d"),
        ("path=/a path=/b", b"/a"),
        ("uri=/u path=/p", b"/p"),
        ("uri=/u url=/v", b"/u"),
        ("flag path=/a other", b"/a"),
        ("\tpath=/a \t ", b"/a"),
        ("path=/a\r", b"/a"),
        ("xpath=/a path2=/b", None),
        ('msg="path=/evil status=200" path=/a', b"/a"),
    ],
)
def test_a_value_is_read(pair: str, read: bytes | None) -> None:
    assert target(f"{TIME} method=GET {pair}") == read


@pytest.mark.parametrize(
    "line",
    [
        f'{TIME} method=GET path="/a',
        f'{TIME} method=GET path="/a"b',
        f'{TIME} method=GET path=/a"b',
        f'{TIME} method=GET "path=/a"',
        f"{TIME} method=GET =/a",
        f'{TIME} method=GET path="/a\\',
        '192.0.2.7 - - [02/Mar/2026:08:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "time=2026-03-02T08:00:00Z method=GET"',
        "only words",
        f"{TIME} level=info",
    ],
)  # fmt: skip
def test_what_is_no_request_of_pairs_is_refused(line: str) -> None:
    parsed = parse(line, f'{TIME} method=GET path="/next"')
    assert list(parsed.requests.target.vocabulary) == [b"/next"]
    assert parsed.skips.counts == {SkipReason.NOT_THIS_FORMAT: 1}


def test_a_quote_that_is_never_closed_does_not_reach_into_the_next_line() -> None:
    parsed = parse(f'{TIME} method=GET path="/a\\', '" status=500', f"{TIME} method=GET path=/b")
    assert list(parsed.requests.target.vocabulary) == [b"/b"]
    assert parsed.lines == 3


def test_the_shortest_lines_fill_no_more_rows_than_there_are() -> None:
    parsed = parse(*["url=a"] * 5000, *["code=1"] * 5000, "")
    assert parsed.skips.counts[SkipReason.NO_TIME] == 10_000


@pytest.mark.parametrize(
    "head",
    [
        "2026-03-02T08:00:00.5+00:00 heroku[router]:",
        "<158>1 2026-03-02T09:00:00.5+01:00 host heroku router -",
    ],
)
def test_the_router_s_time_stands_before_its_pairs(head: str) -> None:
    line = (
        f'{head} at=info method=GET path="/" host=shop.example request_id=7 fwd="203.0.113.9, 198.51.100.7" '
        "dyno=web.1 connect=1ms service=18ms status=200 bytes=13 protocol=https\n"
    )
    choice = sniff(chunk(line.encode() * 30), formats())
    assert (choice.format.name, choice.wrapper) == ("heroku", None)
    (row, *_), skips, _ = parse_all(choice.open("x"), [line.encode()])
    assert row == {
        "line": 1, "time": "2026-03-02T08:00:00.500000", "forwarded": "203.0.113.9, 198.51.100.7", "method": "GET",
        "target": "/", "service": "shop.example", "status": 200, "bytes_out": 13,
        "duration": pytest.approx(0.018),
    }  # fmt: skip
    assert not skips


def test_a_time_among_the_pairs_comes_before_one_ahead_of_them() -> None:
    requests = parse(f"2020-01-01T00:00:00Z app: {TIME} method=GET path=/a").requests
    assert requests.time[0] == parse(f"{TIME} method=GET path=/a").requests.time[0]


KEYS = st.sampled_from(["path", "method", "status", "remote_addr", "user_agent", "x", "at", "path.x"])
VALUES = st.text(
    st.characters(min_codepoint=1, max_codepoint=0x2FF, exclude_characters="\n\r\x85"), max_size=12
)


def quoted(value: str) -> str:
    if value and not any(c in value for c in ' \t"\\'):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.lists(st.tuples(KEYS, VALUES), max_size=8))
def test_pairs_are_read_as_they_were_written(pairs: list[tuple[str, str]]) -> None:
    first: dict[str, str] = {}
    for key, value in pairs:
        first.setdefault(key, value)
    line = " ".join([TIME, "request_uri=/known", *(f"{key}={quoted(value)}" for key, value in pairs)])
    requests = parse(line).requests
    assert len(requests) == 1
    for key, read in (
        ("path", requests.target),
        ("method", requests.method),
        ("user_agent", requests.user_agent),
    ):
        value = first.get(key, "").encode()
        expected = value if value not in (b"", b"-") else (b"/known" if key == "path" else None)
        assert read[0] == expected


@given(
    st.lists(
        st.sampled_from(
            [b'"', b"\\", b"=", b" ", b"path=", b'path="', b"\n", b"\r", b"\0", b"\xff", b"a", TIME.encode()]
        )
    )
)
def test_no_bytes_raise_and_each_line_counts(pieces: list[bytes]) -> None:  # fmt: skip
    text = b"".join(pieces)
    parsed = by_name("logfmt").open("x").parse(Chunk.of(text))
    assert parsed.lines == len(text.removesuffix(b"\n").split(b"\n")) if text else parsed.lines == 0
    assert parsed.lines == len(parsed.requests) + sum(parsed.skips.counts.values())

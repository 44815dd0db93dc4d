"""Sources with lines of more than one format."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.parsers.lines import chunk, parse_all, rows

from vedette.parsers.format import Parser
from vedette.parsers.interleave import interleave
from vedette.parsers.mixed import LOOKED_AT, STRIDE, MixedParser
from vedette.parsers.registry import by_name, formats
from vedette.parsers.sniff import sniff
from vedette.parsers.wrappers import wrappers
from vedette.schema.requests import Coded, RequestFlag


def combined(i: int) -> bytes:
    return b'192.0.2.1 - - [01/May/2024:10:00:%02d +0000] "GET /page/%d HTTP/1.1" 200 12 "-" "curl/8"\n' % (
        i % 60,
        i,
    )


def envoy(i: int) -> bytes:
    line = {
        "start_time": f"2024-05-01T10:01:{i % 60:02d}.000Z",
        "method": "POST",
        "path": f"/api/{i}",
        "response_code": 503,
        "response_code_details": "via_upstream",
        "bytes_received": 1,
        "bytes_sent": 2,
        "duration": 250,
        "client_ip": "198.51.100.7",
        "service_name": "cart",
    }
    return json.dumps(line).encode() + b"\n"


def haproxy(i: int) -> bytes:
    return (
        b"203.0.113.9:4711 [01/May/2024:10:02:%02d.123] front back/web1 0/0/1/20/21 200 512 - - ---- "
        b'1/1/0/0/0 0/0 "GET /h/%d HTTP/1.1"\n' % (i % 60, i)
    )


def middleware(i: int) -> bytes:
    line = {
        "time": 1714557720 + i,
        "network.peer.address": "192.0.2.9",
        "http.request.method": "GET",
        "url.path": f"/users/{i}",
        "http.route": "/users/{user}",
        "network.protocol": "HTTP/1.1",
        "http.response.status_code": 200,
        "http.server.request.duration": 0.01,
    }
    return json.dumps(line).encode() + b"\n"


RUBBISH = b"worker 17 was restarted\n"
KINDS = {
    "c": combined,
    "e": envoy,
    "h": haproxy,
    "m": middleware,
    "r": lambda i: RUBBISH,
    "b": lambda i: b"\n",
}


def log(kinds: str) -> list[bytes]:
    return [KINDS[kind](i) for i, kind in enumerate(kinds)]


def mixed(name: str = "combined") -> MixedParser:
    return MixedParser("x", by_name(name), formats())


def test_lines_of_two_servers_in_one_stream_are_all_read_in_order() -> None:
    found, skips, lines = parse_all(mixed(), [b"".join(log("cecceh"))])
    assert (skips, lines) == ({}, 6)
    assert [row["target"] for row in found] == ["/page/0", "/api/1", "/page/2", "/page/3", "/api/4", "/h/5"]
    assert [row["line"] for row in found] == [1, 2, 3, 4, 5, 6]
    assert (found[1]["duration"], found[1]["service"], found[5]["duration"]) == (0.25, "cart", 0.021)


@pytest.mark.parametrize("name", ["combined", "vedette-json"])
def test_routes_that_only_one_of_two_formats_tells_are_kept(name: str) -> None:
    requests = mixed(name).parse(chunk(b"".join(log("cmmc")))).requests
    assert requests.template is not None
    assert [requests.template[i] for i in range(4)] == [None, b"/users/{user}", b"/users/{user}", None]


@pytest.mark.parametrize("room", ["as a chunk has it", "none"])
def test_lines_of_two_batches_are_joined_wherever_their_texts_fit(room: str) -> None:
    texts = log("chhc")
    first = by_name("combined").open("x").parse(chunk(texts[0] + b"-\n-\n" + texts[3])).requests
    second = by_name("haproxy").open("x").parse(chunk(b"-\n" + texts[1] + texts[2])).requests
    first = first.select((first.flags & np.uint16(RequestFlag.REPAIRED)) == 0)
    second = second.select((second.flags & np.uint16(RequestFlag.REPAIRED)) == 0)
    if room == "none":
        full = first.buffer[: len(texts[0]) + 4 + len(texts[3])].copy()
        texts_of = {
            name: replace(value, vocabulary=replace(value.vocabulary, buffer=full))
            for name in first.__struct_fields__
            if isinstance(value := getattr(first, name), Coded)
        }
        first = replace(first, buffer=full, **texts_of)
    joined = interleave(first, second)
    assert [joined.raw(row) for row in range(4)] == [text.rstrip() for text in texts]
    assert [row["target"] for row in rows(joined)] == ["/page/0", "/h/1", "/h/2", "/page/3"]
    assert [row.get("user_agent") for row in rows(joined)] == ["curl/8", None, None, "curl/8"]


def test_the_raw_line_of_every_row_is_its_own() -> None:
    texts = log("ceche")
    requests = mixed().parse(chunk(b"".join(texts))).requests
    assert [requests.raw(i) for i in range(5)] == [text.rstrip() for text in texts]


def test_the_formats_that_were_found_are_named() -> None:
    parser = mixed()
    parser.parse(chunk(b"".join(log("ccr"))))
    assert parser.formats == ("combined",)
    parser.parse(chunk(b"".join(log("cce"))))
    assert parser.formats[0] == "combined"
    assert len(parser.formats) == 2


def test_what_no_format_reads_keeps_its_reason_its_line_and_its_text() -> None:
    parsed = mixed().parse(chunk(b"".join(log("cerbc"))))
    assert {reason.value: n for reason, n in parsed.skips.counts.items()} == {
        "not_this_format": 1,
        "blank": 1,
    }
    assert [(line, text) for reason, line, text in parsed.skips.samples if reason == "not_this_format"] == [
        (3, RUBBISH.rstrip())
    ]


def test_a_format_that_begins_after_much_rubbish_loses_a_stride_of_lines_and_counts_them() -> None:
    rubbish = LOOKED_AT + STRIDE + 5
    found, skips, _ = parse_all(mixed(), [b"".join(log("c" + "r" * rubbish + "e" * (2 * STRIDE)))])
    read = len(found) - 1
    assert STRIDE < read < 2 * STRIDE
    assert skips == {"not_this_format": rubbish + 2 * STRIDE - read}


def test_what_was_salvaged_of_a_line_yields_to_a_format_that_reads_all_of_it() -> None:
    spoilt = combined(1).replace(b" 200 12", b" two")
    found, skips, _ = parse_all(mixed("haproxy"), [b"".join(log("hhc")) + spoilt])
    assert [row["target"] for row in found] == ["/h/0", "/h/1", "/page/2", "/page/1"]
    assert [row.get("flags") for row in found] == [None, None, None, ["REPAIRED"]]
    assert skips == {}


def test_a_line_that_another_format_reads_whole_takes_the_row_that_was_salvaged_of_it() -> None:
    short = combined(1)[:-4] + b"\n"  # cut in its user agent: `common`, followed by something
    texts = [combined(0), short, RUBBISH, combined(3)[:55] + b"\n", haproxy(4), combined(5)]
    for known in (texts[:4], texts):  # what the chosen format made rows of, and also a line that it skipped
        parser = mixed()
        parsed = parser.parse(chunk(b"".join(known), 7))
        assert parser.formats[:2] == ("combined", "common")
        found = rows(parsed.requests)
        assert [row["line"] for row in found[:3]] == [7, 8, 10]
        assert [row.get("flags") for row in found[:3]] == [None, None, ["NO_PROTOCOL", "REPAIRED"]]
        assert [row["target"] for row in found[:2]] == ["/page/0", "/page/1"]
        assert [row.get("user_agent") for row in found[:2]] == ["curl/8", None]
        assert [parsed.requests.raw(i) for i in range(2)] == [texts[0].rstrip(), short.rstrip()]
        assert [(line, text) for _, line, text in parsed.skips.samples] == [(9, RUBBISH.rstrip())]


@given(data=st.data(), kinds=st.text("cehrb", max_size=60), name=st.sampled_from(["combined", "haproxy"]))
def test_where_a_mixed_log_is_split_changes_nothing(data: st.DataObject, kinds: str, name: str) -> None:
    lines = log(kinds)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(lines)), max_size=4)))
    pieces = [b"".join(lines[a:b]) for a, b in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
    assert parse_all(mixed(name), pieces) == parse_all(mixed(name), [b"".join(lines)])


@given(
    text=st.lists(st.binary(max_size=40) | st.sampled_from([combined(1), envoy(2), haproxy(3)]), max_size=12)
)
def test_no_bytes_make_it_raise_and_every_line_is_a_row_or_a_counted_skip(text: list[bytes]) -> None:
    whole = b"\n".join(text)
    found, skips, lines = parse_all(mixed(), [whole])
    assert len(found) + sum(skips.values()) == lines
    assert lines == whole.count(b"\n") + (not whole.endswith(b"\n") and whole != b"")


@pytest.mark.parametrize("kinds", ["ceccecccec", "eceeceeece"])
def test_a_sniffed_source_is_read_as_all_its_formats(kinds: str) -> None:
    text = b"".join(log(kinds))
    parser: Parser = sniff(chunk(text), formats()).open("x")
    found, skips, _ = parse_all(parser, [text])
    assert (len(found), skips) == (len(kinds), {})


def test_formats_are_found_inside_wrapped_lines() -> None:
    text = b"".join(b"2024-05-01T10:00:00Z stdout F " + line for line in log("cceccecc"))
    choice = sniff(chunk(text), formats())
    assert choice.wrapper == wrappers()[1]
    parser = choice.open("x")
    found, skips, _ = parse_all(parser, [text])
    assert (len(found), skips) == (8, {})
    assert all(name.endswith(" in cri") for name in parser.formats)

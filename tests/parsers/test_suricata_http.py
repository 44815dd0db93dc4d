"""Requests in Suricata's EVE: events of HTTP are read, and what tells of them again is counted."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.parsers.registry import formats
from vedette.parsers.sniff import UnknownFormatError, sniff
from vedette.parsers.suricata_http import FORMAT, suricata
from vedette.schema.chunk import Chunk, Parsed, SkipReason

EVENT: dict[str, Any] = {
    "timestamp": "2026-03-02T08:00:00.250000+0100",
    "flow_id": 1736234242,
    "in_iface": "eth0",
    "event_type": "http",
    "src_ip": "2001:db8::7:1",
    "src_port": 52136,
    "dest_ip": "10.0.0.80",
    "dest_port": 80,
    "proto": "TCP",
    "tx_id": 0,
    "http": {
        "hostname": "shop.example",
        "url": "/search?q=<b>",
        "http_user_agent": "curl/8.7.1",
        "http_refer": "http://shop.example/",
        "http_method": "POST",
        "protocol": "HTTP/1.1",
        "status": 401,
        "length": 612,
        "xff": "192.0.2.10",
    },
}


def parse(*lines: str, first: int = 1) -> Parsed:
    text = "".join(line + "\n" for line in lines).encode()
    return suricata().open("eve.json").parse(Chunk.of(text, first_line=first))


def test_each_field_of_an_event_is_read() -> None:
    requests = parse(json.dumps(EVENT)).requests
    names = ("peer", "forwarded", "method", "target", "protocol", "user_agent", "referer", "service")
    assert {name: getattr(requests, name)[0] for name in names} == {
        "peer": b"2001:db8::7:1",
        "forwarded": b"192.0.2.10",
        "method": b"POST",
        "target": b"/search?q=<b>",
        "protocol": b"HTTP/1.1",
        "user_agent": b"curl/8.7.1",
        "referer": b"http://shop.example/",
        "service": b"shop.example",
    }
    assert (int(requests.time[0]), int(requests.status[0]), int(requests.bytes_out[0])) == (
        1_772_434_800_250_000,
        401,
        612,
    )


@pytest.mark.parametrize("kind", ["alert", "fileinfo", "anomaly", "flow", "htt", "https", "", None, 7])
def test_what_tells_of_a_request_again_is_no_request(kind: object) -> None:
    again = json.dumps({**EVENT, "event_type": kind})
    parsed = parse(again, json.dumps(EVENT), again)
    assert parsed.requests.line.tolist() == [2]
    # An event without a type says nothing that could be held against it.
    reason = SkipReason.OTHER_EVENT if kind else SkipReason.NOT_THIS_FORMAT
    assert parsed.skips.counts == {reason: 2}
    assert [(why, line) for why, line, _ in parsed.skips.samples] == [(reason, 1), (reason, 3)]


kinds = st.sampled_from(["http", "http", "alert", "dns"])
urls = st.text(max_size=20).filter(
    lambda t: not any(0xD800 <= ord(c) < 0xE000 for c in t) and t not in {"", "-"}
)


@given(st.lists(st.tuples(kinds, urls), max_size=40), st.integers(0, 40))
def test_events_are_what_a_decoder_says_wherever_a_chunk_ends(
    events: list[tuple[str, str]], cut: int
) -> None:
    lines = [
        json.dumps({**EVENT, "event_type": kind, "http": {**EVENT["http"], "url": url}})
        for kind, url in events
    ]
    cut = min(cut, len(lines))
    parts = [parse(*lines[:cut]), parse(*lines[cut:], first=cut + 1)]
    read = [
        (int(part.requests.line[row]), part.requests.target[row])
        for part in parts
        for row in range(len(part.requests))
    ]
    assert read == [(number, url.encode()) for number, (kind, url) in enumerate(events, 1) if kind == "http"]
    others = sum(kind != "http" for kind, _ in events)
    assert sum(part.skips.counts.get(SkipReason.OTHER_EVENT, 0) for part in parts) == others


def test_a_log_of_few_requests_among_other_events_is_known() -> None:
    dns = json.dumps({**EVENT, "event_type": "dns", "dns": {"rrname": "shop.example"}, "http": None})
    choice = sniff(Chunk.of("\n".join([dns] * 50 + [json.dumps(EVENT)] * 2).encode() + b"\n"), formats())
    assert (choice.format.name, choice.share) == (FORMAT, 1.0)
    with pytest.raises(UnknownFormatError):
        sniff(Chunk.of(f"{dns}\n".encode() * 50), formats())

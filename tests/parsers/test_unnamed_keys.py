"""JSON's keys that may hold what no line was found to tell are named: what they mean is their owner's to say."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.parsers.lines import chunk

from vedette.parsers.registry import by_name, formats
from vedette.parsers.sniff import fit, sniff
from vedette.parsers.unnamed_keys import unnamed

PLAIN: dict[str, Any] = {
    "time": "2026-03-02T08:00:00Z", "method": "GET", "path": "/a", "status": 200, "remote_addr": "203.0.113.9",
    "duration_s": 0.1,
}  # fmt: skip


def told(**keys: Any) -> tuple[str, str | None]:
    """The format of lines with some keys added, or left out (None), and what it has no names for."""
    line = {name: value for name, value in {**PLAIN, **keys}.items() if value is not None}
    choice = sniff(chunk(json.dumps(line).encode() + b"\n"), formats())
    return choice.format.name, choice.beyond


@pytest.mark.parametrize(
    ("keys", "name", "shown"),
    [
        ({}, "app-json", None),
        ({"duration_s": None}, "app-json", None),
        ({"duration_s": None, "duration": 12345678}, "app-json", "duration"),
        ({"duration_s": None, "duration": "1.5ms"}, "app-units-json", None),
        ({"duration_s": None, "latency_ms": 3}, "app-ms-json", None),
        ({"duration_s": None, "timing": {"process.time_taken": "3"}}, "app-json", r"timing.process\.time_taken"),
        ({"status": None, "reply_code": 404}, "app-json", "reply_code"),
        ({"status": None, "exit_code": 0, "status_text": "Not Found"}, "app-json", None),
        ({"remote_addr": None, "who": "2001:db8::7"}, "app-json", "who"),
        ({"remote_addr": None, "who": "alice"}, "app-json", None),
        ({"status": None, "a_code": 200, "b_code": 200, "c_code": 200, "d_code": 200}, "app-json",
         "a_code, b_code, c_code"),
    ],
)  # fmt: skip
def test_keys_that_look_like_what_is_lacking_are_named(
    keys: dict[str, Any], name: str, shown: str | None
) -> None:
    assert told(**keys) == (name, shown)


def test_a_format_with_keys_of_its_own_is_complete_and_a_named_one_is_asked_too() -> None:
    line = chunk(json.dumps({**PLAIN, "status": None, "reply_code": 404}).encode() + b"\n")
    assert fit(line, by_name("nginx-json")).beyond == "reply_code"
    assert fit(line, by_name("caddy-json")).beyond is None


@pytest.mark.parametrize("address", ["host", "remote"])
def test_a_virtual_host_is_no_client(address: str) -> None:
    """Fluentd's parsers call the client `host`: where no status stands under their name, they did not write it."""
    assert (
        told(**{"remote_addr": None, address: "203.0.113.9", "status": None, "code": 200})[0]
        == "fluentd-json"
    )
    lines = chunk(json.dumps({**PLAIN, "host": "api.example"}).encode() + b"\n")
    choice = sniff(lines, formats())
    requests = choice.open("x").parse(lines).requests
    assert choice.format.name == "app-json"
    assert (requests.peer[0], requests.service[0], requests.status[0]) == (
        b"203.0.113.9",
        b"api.example",
        200,
    )


@pytest.mark.parametrize(
    ("pairs", "name", "shown"),
    [
        ("status=200 ip=203.0.113.9 duration=12.00 view=0.12", "logfmt", "duration"),
        ("status=200 ip=203.0.113.9 duration=12ms", "logfmt", None),
        ("status=200 ip=203.0.113.9 duration_ms=12", "logfmt-ms", None),
        ('reply_code="404" who=2001:db8::7 took="1 s"', "logfmt", "reply_code, who, took"),
    ],
)
def test_keys_of_pairs_are_named_too(pairs: str, name: str, shown: str | None) -> None:
    choice = sniff(chunk(f"time=2026-03-02T08:00:00Z method=GET path=/a {pairs}\n".encode() * 2), formats())
    assert (choice.format.name, choice.beyond) == (name, shown)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=12,
    )
)
def test_whatever_a_line_holds_what_is_shown_is_harmless(value: Any) -> None:
    line = json.dumps({"time": "2026-03-02T08:00:00Z", "method": "GET", "path": "/", "more": value}).encode()
    (app,) = [known for known in formats() if known.name == "app-json"]
    shown = unnamed(chunk(line + b"\n{\n"), app)
    assert shown is None or (shown.isascii() and shown.isprintable())

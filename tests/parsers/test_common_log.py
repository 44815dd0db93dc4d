"""Steps that are taken at once find what they find one by one."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.parsers.lines import chunk

from vedette.kernels.lines.common_log import SHORT, WHOLE
from vedette.parsers.registry import by_name
from vedette.parsers.text_format import TextFormat
from vedette.parsers.text_lines import TextTokeniser

PARTS = (
    [b"192.0.2.1", b"2001:db8::7", b"a", b"-", b"", b"host [x"],
    [b" - - ", b" - user ", b" ", b" - a [b ", b" -  "],
    [
        b"[17/May/2015:10:05:03 +0000] ",
        b"[17/May/2015:10:05:03]",
        b"[17/May/2015 10:05:03 +0] ",
        b"[x] ",
        b"[17/Mai] ",
    ],
    [b'"GET / HTTP/1.1"', b'"-"', b'""', b'"a "b" c"', b'"GET /\\"x HTTP/1.1"', b'"\\', b"GET /"],
    [b" 200 ", b" 20 ", b" 2000 ", b" - ", b" ab1 ", b"  ", b" 200"],
    [b"12", b"-", b"", b"123456789", b"12345678", b"1.5", b"+1", b"x", b" "],
    [b' "', b'  "', b" ", b""],
    [b"https://example.org/", b"-", b"", b'a"b', b"\\x41", b"\\", b'a" b'],
    [b'" "', b'"  "', b'"'],
    [b"curl/8", b"-", b"", b'a"b', b'a" b', b"\\\\", b'q\\"'],
    [b'"', b'" ', b'"\t', b'" 0.5', b'"x', b"", b'" "1.2.3.4"'],
    [b"\n", b"\r\n", b""],
)
lines = st.tuples(*(st.sampled_from(part) | st.just(part[0]) for part in PARTS)).map(b"".join)


def form(name: str) -> TextFormat:
    known = by_name(name)
    assert isinstance(known, TextFormat)
    return known


@pytest.mark.parametrize(
    ("name", "steps"), [("combined", WHOLE), ("common", WHOLE), ("nginx-timed", SHORT), ("aws-alb", 0)]
)
def test_formats_that_begin_like_common_logs_are_known_by_their_steps(name: str, steps: int) -> None:
    assert form(name).open("x")._tokeniser._machine.common == steps


@given(
    text=st.lists(lines, max_size=8).map(b"".join),
    cut=st.integers(0, 2000),
    name=st.sampled_from(["combined", "nginx-timed", "traefik-clf"]),
)
@example(text=b"".join(part[0] for part in PARTS), cut=2000, name="combined")
@settings(max_examples=400)
def test_taking_steps_at_once_changes_nothing(text: bytes, cut: int, name: str) -> None:
    machine = form(name).open("x")._tokeniser._machine
    assert machine.common
    one, other = (
        TextTokeniser(each).tokenise(chunk(text[:cut])) for each in (machine, replace(machine, common=0))
    )
    there = one.start >= 0
    assert np.array_equal(there, other.start >= 0)
    for name in ("start", "length"):
        assert np.array_equal(getattr(one, name)[there], getattr(other, name)[there])
    for name in ("line", "raw_start", "raw_length", "flags", "shape"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    assert (one.skips, one.lines, one.tail) == (other.skips, other.lines, other.tail)

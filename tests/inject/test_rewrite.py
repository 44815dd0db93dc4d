"""Lines of every format, rewritten field by field, and read back by the parser."""

import numpy as np
import pytest

from vedette.inject.facts import Facts, Parse, read_lines
from vedette.inject.rewrite import Template, locate
from vedette.parsers.registry import formats
from vedette.parsers.sniff import sniff
from vedette.schema.chunk import Chunk
from vedette.simulate import FORMATS, Simulation

VALUES = {
    "peer": b"198.18.3.4",
    "forwarded": b"198.18.3.4",
    "method": b"PUT",
    "target": b"/vedette/made?id=1%27",
    "status": 451,
    "bytes_out": 31_337,
}


def opened(name: str) -> tuple[Parse, list[bytes]]:
    """A parser that has seen the header, and the lines of requests."""
    text = b"".join(Simulation(minutes=2, rate=2, seed=4, format=name).chunks())
    parser = sniff(Chunk.of(text, "test.log"), formats()).open("test.log")
    parser.parse(Chunk.of(text, "test.log"))
    return parser.parse, [line for line in text.splitlines() if not line.startswith(b"#")]


@pytest.fixture(scope="module", params=sorted(FORMATS))
def located(request: pytest.FixtureRequest) -> tuple[Parse, list[Template]]:
    parse, lines = opened(request.param)
    templates = locate(parse, lines, Facts._fields)
    assert all(template is not None for template in templates)
    return parse, [template for template in templates if template is not None]


def test_what_a_line_says_of_time_client_and_request_can_be_rewritten(
    located: tuple[Parse, list[Template]],
) -> None:
    parse, templates = located
    whole = [t for t in templates if {"time", "target", "method", "status"} <= set(t.spots)]
    assert len(whole) >= 0.8 * len(templates)
    assert all({"peer", "forwarded"} & set(t.spots) for t in whole)
    later = 86_400_000_000 + 11_000_000
    made = [t.filled({**VALUES, "time": t.facts.time + later}) for t in whole]
    for template, facts in zip(whole, read_lines(parse, made), strict=True):
        assert facts is not None
        assert abs(facts.time - template.facts.time - later) < 1_000_000
        for name, value in VALUES.items():
            old = getattr(template.facts, name)
            assert getattr(facts, name) == (value if name in template.spots else old), name
        assert facts.user_agent == template.facts.user_agent


def test_durations_are_rewritten_in_the_log_s_own_unit(located: tuple[Parse, list[Template]]) -> None:
    parse, templates = located
    timed = [t for t in templates if "duration" in t.spots]
    if all(t.facts.duration is None for t in templates):
        assert not timed
        return
    assert len(timed) >= 0.8 * len(templates)
    read = read_lines(parse, [t.filled({"duration": 12.5}) for t in timed])
    assert np.allclose([facts.duration if facts else np.nan for facts in read], 12.5, atol=0.6)


def test_a_number_that_stands_several_times_is_changed_where_the_parser_reads_it() -> None:
    line = b'200.200.200.200 - - [02/Mar/2026:09:19:07 +0000] "GET /200?a=200 HTTP/1.1" 200 200 "-" "x/200"'
    parser = sniff(Chunk.of(line + b"\n"), formats()).open("a.log")
    (template,) = locate(parser.parse, [line], ["status", "bytes_out"])
    assert template is not None
    assert template.filled({"status": 503, "bytes_out": 7}) == line.replace(b'1.1" 200 200', b'1.1" 503 7')


def test_lines_that_are_no_requests_and_hostile_ones_are_left_alone() -> None:
    _, lines = opened("combined")
    parser = sniff(Chunk.of(b"\n".join(lines)), formats()).open("a.log")
    strange = [b"", b"\x00\xff" * 50, b"[" * 3000, b"1 " * 2000, lines[0]]
    found = locate(parser.parse, strange, Facts._fields)
    assert [template is None for template in found] == [True, True, True, True, False]

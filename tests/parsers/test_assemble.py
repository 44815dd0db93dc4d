"""Assembly: tokens of any format to columns."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.parsers.assemble import Assembler
from vedette.parsers.fields import ABSENT, FIELDS, Conventions, DurationUnit, Field, TimeFormat, Tokens
from vedette.schema.chunk import PADDING, Chunk, Parsed, SkipReason
from vedette.schema.requests import RequestFlag

Row = Mapping[Field, bytes]
WHEN = b"1714557600"
EPOCH = Conventions(TimeFormat.EPOCH_SECONDS)


def lay_out(rows: Sequence[Row]) -> tuple[Chunk, Tokens]:
    """A chunk whose lines are the rows' fields, and the tokens that a tokeniser would find in it."""
    n = len(rows)
    start = np.full((FIELDS, n), ABSENT, dtype=np.int64)
    length = np.zeros((FIELDS, n), dtype=np.int32)
    raw_start, raw_length = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int32)
    text = bytearray()
    for i, row in enumerate(rows):
        raw_start[i] = len(text)
        for field, value in row.items():
            start[field, i], length[field, i] = len(text), len(value)
            text += value + b" "
        raw_length[i] = len(text) - raw_start[i]
        text += b"\n"
    tokens = Tokens(
        start, length, np.arange(1, n + 1), raw_start, raw_length, np.zeros(n, dtype=np.uint16), lines=n
    )
    return Chunk.of(bytes(text), source="access.log"), tokens


def assemble(*rows: Row, conventions: Conventions = EPOCH) -> Parsed:
    return Assembler().assemble(*lay_out(rows), conventions)


def test_every_column_takes_its_field() -> None:
    parsed = assemble(
        {
            Field.TIME: b"01/May/2024:10:00:00 +0000",
            Field.PEER: b"192.0.2.1",
            Field.FORWARDED: b"198.51.100.1",
            Field.REQUEST: b"GET /a HTTP/1.1",
            Field.STATUS: b"404",
            Field.BYTES_IN: b"12",
            Field.BYTES_OUT: b"345",
            Field.DURATION: b"678",
            Field.REFERER: b"https://example.com/",
            Field.USER_AGENT: b"curl/8",
            Field.SERVICE: b"www",
        },
        conventions=Conventions(TimeFormat.CLF, DurationUnit.MICROSECONDS),
    )
    requests = parsed.requests
    assert requests.source == "access.log"
    columns = ("line", "time", "status", "bytes_in", "bytes_out", "duration", "flags")
    assert [getattr(requests, c).tolist() for c in columns] == [
        [1],
        [1714557600000000],
        [404],
        [12],
        [345],
        [0.000678],
        [0],
    ]
    texts = ("peer", "forwarded", "method", "target", "protocol", "referer", "user_agent", "service")
    assert [getattr(requests, t)[0] for t in texts] == [
        b"192.0.2.1",
        b"198.51.100.1",
        b"GET",
        b"/a",
        b"HTTP/1.1",
        b"https://example.com/",
        b"curl/8",
        b"www",
    ]
    assert requests.raw(0).startswith(b"01/May/2024:10:00:00 +0000 192.0.2.1")


def test_what_a_log_does_not_tell_is_not_recorded() -> None:
    requests = assemble({Field.TIME: WHEN, Field.TARGET: b"/"}).requests
    assert (requests.status[0], requests.bytes_in[0], requests.bytes_out[0]) == (0, -1, -1)
    assert math.isnan(requests.duration[0])
    assert [getattr(requests, t)[0] for t in ("peer", "method", "service", "user_agent")] == [None] * 4


def test_no_rows_make_an_empty_batch() -> None:
    parsed = assemble()
    assert (len(parsed.requests), parsed.skips.total, len(parsed.requests.peer.vocabulary)) == (0, 0, 0)


def test_rows_without_a_readable_time_become_skips() -> None:
    good = {Field.TIME: WHEN, Field.TARGET: b"/", Field.PEER: b"192.0.2.1"}
    bad = {Field.TIME: b"noon", Field.TARGET: b"/bad", Field.PEER: b"192.0.2.2"}
    parsed = assemble(bad, good, {Field.TARGET: b"/none"}, *[bad] * 5, good)
    assert parsed.skips.counts == {SkipReason.BAD_TIME: 6, SkipReason.NO_TIME: 1}
    assert [(r, line) for r, line, _ in parsed.skips.samples] == [
        (SkipReason.NO_TIME, 3),
        (SkipReason.BAD_TIME, 1),
        (SkipReason.BAD_TIME, 4),
        (SkipReason.BAD_TIME, 5),
    ]
    assert parsed.skips.samples[1][2] == b"noon /bad 192.0.2.2 "
    requests = parsed.requests
    assert requests.line.tolist() == [2, 9]
    assert list(requests.target.vocabulary) == [b"/"]
    assert [requests.raw(i) for i in range(2)] == [b"1714557600 / 192.0.2.1 "] * 2
    assert parsed.lines == 9


def test_all_rows_may_lack_a_time() -> None:
    parsed = assemble(*[{Field.TARGET: b"/"}] * 4)
    assert (len(parsed.requests), parsed.skips.counts) == (0, {SkipReason.NO_TIME: 4})


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"200", 200),
        (b"999", 999),
        (b"100", 100),
        (b"000", 0),
        (b"-1", 0),
        (b"99", 0),
        (b"1000", 0),
        (b"2e9", 0),
    ],
)
def test_only_three_digit_statuses_count(text: bytes, status: int) -> None:
    requests = assemble({Field.TIME: WHEN, Field.STATUS: text}).requests
    assert requests.status.tolist() == [status]


def test_numbers_that_do_not_read_flag_their_row_repaired() -> None:
    for field in (Field.STATUS, Field.BYTES_IN, Field.BYTES_OUT, Field.DURATION):
        rows = [{Field.TIME: WHEN, Field.TARGET: b"/", field: text} for text in (b"1", b"one", b"-")]
        flags = assemble(*rows).requests.flags.tolist()
        assert flags == [0, RequestFlag.REPAIRED, 0]


def test_a_row_without_method_and_target_is_not_http() -> None:
    rows: list[Row] = [
        {Field.TIME: WHEN, Field.STATUS: b"408"},
        {Field.TIME: WHEN, Field.REQUEST: b"-"},
        {Field.TIME: WHEN, Field.METHOD: b"GET"},
        {Field.TIME: WHEN, Field.TARGET: b"/"},
    ]
    assert assemble(*rows).requests.flags.tolist() == [RequestFlag.NOT_HTTP, RequestFlag.NOT_HTTP, 0, 0]


def test_flags_of_the_tokeniser_are_kept() -> None:
    chunk, tokens = lay_out([{Field.TIME: WHEN, Field.REQUEST: b"GET /a b"}])
    tokens.flags[0] = RequestFlag.REPAIRED
    flags = Assembler().assemble(chunk, tokens, EPOCH).requests.flags
    assert RequestFlag(int(flags[0])) == (
        RequestFlag.REPAIRED | RequestFlag.NO_PROTOCOL | RequestFlag.SPACE_IN_TARGET
    )


def test_queries_that_outgrow_the_buffer_move_to_a_larger_one() -> None:
    rows = [{Field.TIME: WHEN, Field.TARGET: b"/p%d" % i, Field.QUERY: b"q=%d" % i} for i in range(9)]
    chunk, tokens = lay_out(rows)
    wanted = [b"/p%d?q=%d" % (i, i) for i in range(9)]
    for free in (0, len(chunk.buffer) - PADDING - 3):
        tokens.tail = free
        again = Tokens(**{name: getattr(tokens, name) for name in Tokens.__slots__})
        again.start, again.length = tokens.start.copy(), tokens.length.copy()
        requests = Assembler().assemble(chunk, again, EPOCH).requests
        assert [requests.target[i] for i in range(9)] == wanted
        assert requests.raw(3).startswith(b"1714557600 /p3 q=3")


def test_ports_come_off_peers_only_where_the_format_logs_them() -> None:
    row = {Field.TIME: WHEN, Field.TARGET: b"/", Field.PEER: b"192.0.2.1:5678"}
    assert assemble(row).requests.peer[0] == b"192.0.2.1:5678"
    stripped = Conventions(TimeFormat.EPOCH_SECONDS, peer_has_port=True)
    assert assemble(row, conventions=stripped).requests.peer[0] == b"192.0.2.1"


def test_a_batch_outlives_the_scratch_space_of_the_next() -> None:
    assembler = Assembler()
    first = assembler.assemble(
        *lay_out([{Field.TIME: WHEN, Field.TARGET: b"/%d" % i} for i in range(50)]), EPOCH
    )
    assembler.assemble(*lay_out([{Field.TIME: b"5", Field.TARGET: b"/other"}] * 200), EPOCH)
    requests = first.requests
    assert [requests.target[i] for i in range(50)] == [b"/%d" % i for i in range(50)]
    assert set(requests.time.tolist()) == {1714557600000000}


@pytest.mark.parametrize("time", list(TimeFormat))
@pytest.mark.parametrize("unit", list(DurationUnit))
def test_each_convention_reads_its_own_example(time: TimeFormat, unit: DurationUnit) -> None:
    example = time.value.encode() if time is not TimeFormat.ANY else b"2024-05-01 10:00:00"
    duration = b"1.5s" if unit is DurationUnit.GO else b"15"
    row = {Field.TIME: example, Field.TARGET: b"/", Field.DURATION: duration}
    parsed = assemble(row, conventions=Conventions(time, unit))
    assert parsed.skips.total == 0
    scale = {"s": 15.0, "ms": 0.015, "us": 1.5e-5, "ns": 1.5e-8, "go": 1.5}
    assert parsed.requests.duration.tolist() == [scale[unit.value]]


values = st.one_of(
    st.binary(max_size=30), st.sampled_from([WHEN, b"-", b"", b"GET / HTTP/1.1", b"200", b"1s"])
)
rows_of_anything = st.lists(st.dictionaries(st.sampled_from(list(Field)), values, max_size=8), max_size=8)


@given(
    rows_of_anything, st.sampled_from(list(TimeFormat)), st.sampled_from(list(DurationUnit)), st.booleans()
)
def test_arbitrary_fields_never_raise_and_no_row_is_lost(
    rows: list[Row], time: TimeFormat, unit: DurationUnit, has_port: bool
) -> None:
    parsed = assemble(*rows, conventions=Conventions(time, unit, peer_has_port=has_port))
    requests = parsed.requests
    assert len(requests) + parsed.skips.total == len(rows)
    for column in ("peer", "forwarded", "method", "target", "protocol", "user_agent", "referer", "service"):
        coded = getattr(requests, column)
        assert len(set(coded.vocabulary)) == len(coded.vocabulary)
        assert set(coded.ids.tolist()) - {-1} == set(range(len(coded.vocabulary)))
    plain = (Field.FORWARDED, Field.USER_AGENT, Field.REFERER, Field.SERVICE)
    for i, line in enumerate(requests.line.tolist()):
        kept = [requests.forwarded[i], requests.user_agent[i], requests.referer[i], requests.service[i]]
        assert kept == [rows[line - 1].get(field) for field in plain]

"""Tables of requests: a header says what their columns are."""

import csv
import io
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.parsers.lines import chunk, parse_all

from vedette.config import Config
from vedette.engine.choosing import Chooser
from vedette.parsers.fields import DurationUnit, Field
from vedette.parsers.registry import by_name, formats
from vedette.parsers.sniff import sniff
from vedette.parsers.table import TableFormat
from vedette.parsers.table_header import header_of
from vedette.schema.chunk import SkipReason
from vedette.schema.state import StateError

HEADER = b"time,client_ip,method,path,status\n"
ROW = b"2026-11-24T10:00:00Z,192.0.2.7,GET,/a,200\n"


def written(rows: Sequence[Sequence[str]], delimiter: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


cells = st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), max_size=12)


@given(st.lists(cells.map(str.strip), min_size=1, max_size=6), st.sampled_from(",;\t|"))
def test_what_was_quoted_is_read_as_the_library_for_csv_reads_it(agents: list[str], delimiter: str) -> None:
    table = written(
        [["time", "path", "user_agent", "status"], *([f"{i}", "/a", a, "204"] for i, a in enumerate(agents))],
        delimiter,
    )
    rows, skips, _ = parse_all(TableFormat().open("x"), [table])
    assert skips == {"comment": 1}
    assert [row.get("status") for row in rows] == [204] * len(agents)
    for row, agent in zip(rows, agents, strict=True):
        read = row.get("user_agent", "").encode("latin-1").decode()
        assert read.replace('""', '"') == ("" if agent == "-" else agent)


@given(
    st.lists(
        st.sampled_from(
            [HEADER, ROW, b"\n", b"# said\n", b"rubbish\n", b'"\n', b",,,,\n", ROW[:-1] + b"\r\n"]
        )
    ),
    st.lists(st.integers(0, 20), max_size=4),
)
def test_where_chunks_end_changes_nothing_and_each_line_is_accounted_for(
    lines: list[bytes], cuts: list[int]
) -> None:
    lines = [HEADER, *lines]
    at = [0, *sorted({cut for cut in cuts if cut < len(lines)}), len(lines)]
    chunks = [b"".join(lines[a:b]) for a, b in pairwise(at) if a < b]
    whole = parse_all(TableFormat().open("x"), [b"".join(lines)])
    assert parse_all(TableFormat().open("x"), chunks) == whole
    rows, skips, count = whole
    assert count == len(lines) == len(rows) + sum(skips.values())


@given(st.binary(max_size=200))
def test_no_bytes_raise(text: bytes) -> None:
    header_of(text)
    for begun in (b"", HEADER):
        parsed = TableFormat().open("x").parse(chunk(begun + text))
        assert len(parsed.requests) + parsed.skips.total == parsed.lines


def test_a_parser_goes_on_below_the_header_that_another_read() -> None:
    parser = TableFormat().open("x")
    parser.parse(chunk(HEADER + ROW))
    again = TableFormat().open("x")
    again.from_state(parser.to_state())
    assert again.parse(chunk(ROW)).requests.target[0] == b"/a"
    with pytest.raises(StateError):
        again.from_state(b"no header")


def test_lines_too_short_for_a_row_take_no_room_and_are_counted() -> None:
    parsed = TableFormat().open("x").parse(chunk(HEADER + ROW + b"x\n" * 1000 + b",\r\n" + ROW))
    assert parsed.requests.line.tolist() == [2, 1004]
    assert parsed.skips.counts == {SkipReason.COMMENT: 1, SkipReason.NOT_THIS_FORMAT: 1001}


def test_rows_without_a_header_are_skipped_and_counted() -> None:
    parsed = TableFormat().open("x").parse(chunk(ROW * 5))
    assert (len(parsed.requests), parsed.skips.counts) == (0, {SkipReason.NOT_THIS_FORMAT: 5})


@pytest.mark.parametrize(
    ("line", "columns"),
    [
        (b"Time;Client IP;HTTP-Method;URL", {Field.TIME: 0, Field.PEER: 1, Field.METHOD: 2, Field.TARGET: 3}),
        (b"date,time,path,x", {Field.DATE: 0, Field.TIME: 1, Field.TARGET: 2}),
        (b"date,path,x", {Field.TIME: 0, Field.TARGET: 1}),
        # The clearer name counts, wherever it stands.
        (b"ip\tremote_addr\turi\t@timestamp", {Field.PEER: 1, Field.TARGET: 2, Field.TIME: 3}),
        # What a bare duration is measured in cannot be told.
        (b"time,path,duration", {Field.TIME: 0, Field.TARGET: 1}),
    ],
)
def test_columns_are_known_by_their_names(line: bytes, columns: dict[Field, int]) -> None:
    header = header_of(line + b"\nx")
    assert header is not None
    assert header.columns == columns


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("duration_ms", DurationUnit.MILLISECONDS),
        ("Request time", DurationUnit.SECONDS),
        ("took_s", DurationUnit.SECONDS),
    ],
)
def test_durations_have_the_unit_of_their_name(name: str, unit: DurationUnit) -> None:
    header = header_of(f"time,path,{name}\n".encode())
    assert header is not None
    assert (header.columns[Field.DURATION], header.unit) == (2, unit)


@pytest.mark.parametrize(
    "line", [b"time,path", b"", b"a,b,c", b"1,time,path", b'10.0.0.1 - - "x, y, z"', b"x," * 300 + b"time"]
)
def test_other_lines_are_no_headers(line: bytes) -> None:
    assert header_of(line) is None


def test_times_without_a_zone_are_of_the_one_that_was_named() -> None:
    choose = Chooser(Config.model_validate({"input": {"timezone": "+02:00"}}))
    table = b"time,client_ip,path\n2026-11-24 10:00:00,192.0.2.7,/a\n"
    choice = choose(chunk(table))
    assert choice.format.name == "table"
    assert choice.open("x").parse(chunk(table)).requests.time.tolist() == [1_795_507_200_000_000]


@pytest.mark.parametrize("name", ["time_ms", "timestamp(ms)", "Timestamp millis"])
def test_milliseconds_since_1970_are_told_by_their_column_s_name(name: str) -> None:
    table = f"{name},client_ip,path\n1795514400125,192.0.2.7,/a\n".encode()
    assert TableFormat().open("x").parse(chunk(table)).requests.time.tolist() == [1_795_514_400_125_000]
    both = f"time,{name},path\n1795514400,7,/a\n".encode()
    assert TableFormat().open("x").parse(chunk(both)).requests.time.tolist() == [1_795_514_400_000_000]


def test_a_duration_without_a_unit_is_told() -> None:
    table = b"time,client_ip,path,status,duration\n2026-11-24 10:00:00,192.0.2.7,/a,200,17\n"
    assert sniff(chunk(table), formats()).beyond == "duration"
    assert sniff(chunk(HEADER + ROW), [by_name("table")]).beyond is None

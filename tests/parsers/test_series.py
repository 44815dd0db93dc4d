"""Delimited rows of times and values, as kept and as hostile as they come."""

import contextlib
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.parsers.series import RowProblem, SeriesRows, read_rows
from vedette.parsers.series_layout import SeriesFormatError, SeriesLayout, find_layout
from vedette.schema.chunk import Chunk

PLAIN = SeriesLayout(",", header=False, time=0, values=((1, "2"),), total=None, time_unit=0)


def read(text: bytes | str, **wishes: object) -> SeriesRows:
    chunk = Chunk.of(text.encode() if isinstance(text, str) else text, "a.csv")
    return read_rows(chunk, find_layout(chunk, **wishes), [])


@given(text=st.binary(max_size=400))
def test_no_bytes_make_the_reader_raise(text: bytes) -> None:
    rows = read_rows(Chunk.of(text), PLAIN, [])
    assert rows.value.shape == (1, len(rows.times)) == (1, len(rows.time_us))
    lines = text.count(b"\n") + (not text.endswith(b"\n") and text != b"")
    apart = (RowProblem.BLANK, RowProblem.COMMENT, RowProblem.BAD_TIME)
    assert len(rows.times) + sum(rows.problems.get(problem, 0) for problem in apart) == lines


FIELDS = st.lists(
    st.sampled_from(
        [
            "",
            " ",
            '"',
            "1",
            "-2.5e3",
            "nan",
            "1661140279",
            "2026-03-02T08:00:00Z",
            "12ms",
            "9%",
            "x",
            "1e999",
            "#",
        ]
    ),
    max_size=4,
).map(",".join)


@given(lines=st.lists(FIELDS, max_size=12))
def test_a_file_is_read_or_refused(lines: list[str]) -> None:
    chunk = Chunk.of("\n".join(lines).encode(), "a.csv")
    with contextlib.suppress(SeriesFormatError):
        rows = read_rows(chunk, find_layout(chunk), [])
        assert not np.isinf(rows.value).any()


@given(value=st.floats(-1e15, 1e15).map(lambda x: float(f"{x:.12g}")))
def test_numbers_are_read_as_python_reads_them(value: float) -> None:
    rows = read(f"1661140279,{value!r}\n")
    assert rows.value[0, 0] == pytest.approx(value, rel=1e-15, abs=1e-300)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1661140279", 1_661_140_279.0),
        ("1661140279.5", 1_661_140_279.5),
        ("2022-08-22 03:51:19", 1_661_140_279.0),
        ("2022-08-22T05:51:19.250+02:00", 1_661_140_279.25),
        ("2022-08-22T03:51:19Z", 1_661_140_279.0),
        ("2022-08-22", 1_661_126_400.0),
        ('"2022-08-22 03:51:19"', 1_661_140_279.0),
    ],
)
def test_times(written: str, seconds: float) -> None:
    rows = read(f"{written},1\n")
    assert rows.time_us.tolist() == [seconds * 1e6]
    assert rows.times == [written.strip('"')]


def test_milliseconds_have_to_be_said() -> None:
    text = "timestamp,value\n1661140279000,1\n"
    assert read(text).problems == {RowProblem.BAD_TIME: 1}
    assert read(text, time_unit=-3).time_us.tolist() == [1_661_140_279_000_000]


def test_a_header_names_the_columns() -> None:
    rows = read("host;Time;value;label\na;2022-08-22 03:51:19;5;1\na;2022-08-22 03:52:19;6;0\n")
    assert rows.value.tolist() == [[5.0, 6.0]]


def test_between_semicolons_a_comma_is_that_of_decimals() -> None:
    rows = read("Zeit;Wert\n2022-08-22 03:51:19;12,5\n2022-08-22 03:52:19;-0,25\n2022-08-22 03:53:19;7,5 %\n")
    assert rows.value[0, :2].tolist() == [12.5, -0.25]
    assert read("2022-08-22 03:51:19;12,5\n").value.tolist() == [[12.5]]
    assert read("2022-08-22 03:51:19;12.5\n").value.tolist() == [[12.5]]
    assert read("t\tv\n2022-08-22 03:51:19\t12,5\n", values=["v"]).problems == {RowProblem.BAD_VALUE: 1}


def test_where_decimals_have_commas_a_point_is_not_guessed_at() -> None:
    layout = find_layout(Chunk.of(b"t;v\n2022-08-22 03:51:19;1,5\n", "a.csv"))
    rows = read_rows(Chunk.of(b"t;v\n2022-08-22 03:51:19;1.234\n2022-08-22 03:52:19;1.234,5\n"), layout, [])
    assert rows.problems == {RowProblem.BAD_VALUE: 2}


def test_a_spreadsheet_s_word_on_what_separates_columns_is_followed() -> None:
    rows = read("sep=|\ntime;of|value\n2022-08-22 03:51:19|5\n")
    assert (rows.value.tolist(), rows.problems) == ([[5.0]], {})


def test_without_a_value_column_every_column_of_numbers_is_a_series() -> None:
    chunk = Chunk.of(b"ts,cpu,host,mem,label\n1661140279,5,a,7,0\n", "a.csv")
    assert find_layout(chunk).values == ((1, "cpu"), (3, "mem"))
    assert find_layout(chunk, values=["mem"]).values == ((3, "mem"),)
    assert find_layout(chunk, values=["2"]).values == ((1, "cpu"),)
    with pytest.raises(SeriesFormatError, match=r"a\.csv: no column 'disk': must be one of ts, cpu"):
        find_layout(chunk, values=["disk"])


def test_what_is_wrong_is_counted_by_reason_with_the_first_line_named() -> None:
    rows = read(
        "timestamp,value\n"
        "1661140279,1\n"
        "\n"
        "# a remark\n"
        "yesterday,2\n"
        "1661140339,\n"
        "1661140399,NaN\n"
        "1661140459,many\n"
        "1661140519,inf\n"
        "1661140579\n"
        "1661140639,12ms\n"
        "timestamp,value\n"
        "1661140699,3\n"
    )
    assert rows.problems == {
        RowProblem.BLANK: 1,
        RowProblem.COMMENT: 1,
        RowProblem.BAD_TIME: 2,
        RowProblem.MISSING_VALUE: 2,
        RowProblem.BAD_VALUE: 3,
        RowProblem.OTHER_UNIT: 1,
    }
    assert rows.samples[RowProblem.BAD_TIME] == (5, "yesterday,2")
    assert rows.samples[RowProblem.OTHER_UNIT] == (11, "1661140639,12ms")
    assert [x for x in rows.value[0].tolist() if not math.isnan(x)] == [1.0, 3.0]
    assert len(rows.times) == 8


@pytest.mark.parametrize(
    ("written", "value"),
    [("12ms", 0.012), ("1.5s", 1.5), ("250us", 0.00025), ("250 µs", 0.00025), ("7%", 0.07)],
)
def test_units_are_those_of_the_schema(written: str, value: float) -> None:
    assert read(f"ts,latency\n1661140279,{written}\n").value[0, 0] == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "one\ntwo\n", "ts,name\n1661140279,a\n"])
def test_what_is_no_series_is_refused(text: str) -> None:
    with pytest.raises(SeriesFormatError, match=r"^a\.csv: "):
        read(text)


def test_every_reason_is_described() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "metric.md").read_text()
    assert [problem.value for problem in RowProblem if f"`{problem}`" not in page] == []

"""Delimited text of `timestamp,value` rows: which columns there are, and a chunk's rows as arrays."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.delimited import (
    LINE,
    MISSING,
    NO_NUMBER,
    ROW_COLUMNS,
    START,
    WIDTH,
    decimals,
    field_texts,
    split_rows,
)
from vedette.kernels.times import ANY_LAYOUT, LAST, UNREADABLE, calendar_times, epoch_times
from vedette.parsers.written_times import (
    DAYS_UNTIL_1970,
    LIKE_DAYS,
    LONGEST,
    Order,
    order_of,
    written_time,
)
from vedette.schema.chunk import Chunk
from vedette.schema.errors import VedetteError
from vedette.schema.spans import DAY_US

DELIMITERS = ";,\t|"
"""Of two that stand as often in the first row the earlier one: commas may be those of decimals."""
TIME_NAMES = frozenset(("timestamp", "time", "date", "datetime", "ts", "@timestamp", "_time", "epoch"))
VALUE_NAME = "value"
LABEL_NAMES = frozenset(("label", "labels", "is_anomaly", "anomaly"))
"""Columns of what somebody said of the points: no series unless asked for."""
MOST_COLUMNS = 10_000
DAYS: Final = 1
"""The time unit of days since 30 December 1899; others are powers of ten of a second, 0 or less."""
_SHOWN = 60
_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?: ?[AaPp][Mm])?")
_DATE_ALONE = re.compile(r"[0-9]{1,4}([/.-])[0-9]{1,2}\1[0-9]{1,4}")
_SEPARATOR = re.compile(r"sep=([,;\t|])", re.IGNORECASE)
"""What Excel writes, and reads, above a table to say what stands between its columns."""
_EXCHANGED = np.arange(256, dtype=np.uint8)
_EXCHANGED[[0x2C, 0x2E]] = 0x2E, 0x2C


class SeriesFormatError(VedetteError):
    """A file that is no series, or has no such column."""


class RowProblem(StrEnum):
    """Why a row was left out, or a field of it."""

    BLANK = "blank"
    COMMENT = "comment"
    BAD_TIME = "bad_time"
    BAD_VALUE = "bad_value"
    MISSING_VALUE = "missing_value"
    OTHER_UNIT = "other_unit"
    IMPOSSIBLE_VALUE = "impossible_value"
    TOO_LONG = "too_long"
    OUT_OF_ORDER = "out_of_order"


class SeriesLayout(msgspec.Struct, frozen=True):
    """Where a file's times and values stand.

    Attributes:
        delimiter: Between fields.
        header: Rows before the first of points: one that names the columns, and a spreadsheet's `sep=;`.
        time: Index of the times' column.
        values: Index and name of each series' column.
        total: Index of the column of totals that ratios are shares of, or None.
        time_unit: Power of ten of a second that whole numbers as times are in, or `DAYS`.
        decimal_comma: Whether values are written like 12,5; a point in one makes it unreadable then.
        day_first: Whether dates that end in a year begin with the day; None where no such stand.
        clock: Index of the column of clocks, where dates and clocks have columns of their own.
    """

    delimiter: str
    header: int
    time: int
    values: tuple[tuple[int, str], ...]
    total: int | None
    time_unit: int
    decimal_comma: bool = False
    day_first: bool | None = None
    clock: int | None = None


class SeriesRows(msgspec.Struct, frozen=True):
    """The rows of one chunk whose time can be read.

    Attributes:
        time_us: int64 (n,), microseconds since the epoch.
        times: The times as they were written.
        value: float64 (series, n); NaN where there is none.
        total: float64 (n,), or None.
        problems: How many rows (times) or fields (values) had which problem.
        samples: First row of each problem that names a culprit: line number and text.
    """

    time_us: NDArray[np.int64]
    times: list[str]
    value: NDArray[np.float64]
    total: NDArray[np.float64] | None
    problems: dict[RowProblem, int]
    samples: dict[RowProblem, tuple[int, str]]


def find_layout(
    head: Chunk,
    *,
    time: str | None = None,
    values: Sequence[str] = (),
    total: str | None = None,
    time_unit: int | None = None,
    day_first: bool | None = None,
) -> SeriesLayout:
    """Find the columns by the first lines, and by what was asked for.

    Without wishes the times are in the column with a name such as `timestamp`, else in the first; the series are
    the column `value`, else every other column that begins with a number and is not called a label. Spreadsheets that
    write a comma for the decimal point put semicolons between columns: there, values with a comma are read so.

    Args:
        head: The first whole lines.
        time, values, total: Columns by name or by number from 1.
        time_unit: As in `SeriesLayout`; None for seconds, unless the times look like a spreadsheet's days.
        day_first: As in `SeriesLayout`; None to find it out.

    Raises:
        SeriesFormatError: No delimiter, no time, no value, or no such column; times that may mean two things.
    """
    rows, delimiter, told = _first_rows(head)
    names = [field.strip().strip('"').strip() for field in rows[0].split(delimiter)]
    if len(names) < 2 or len(names) > MOST_COLUMNS:
        raise SeriesFormatError(
            f"{head.source}: {len(names)} column(s) in {rows[0][:_SHOWN]!r}: must be a time and a value, "
            "with a comma, semicolon, tab or bar between"
        )
    header = not any(_number(name) for name in names) and not any(_is_time(name) for name in names)
    body = rows[1:] if header else rows
    titles = names if header else [str(at + 1) for at in range(len(names))]
    at_time = (
        _column(head.source, time, titles) if time is not None else _time_column(names if header else ())
    )
    at_total = _column(head.source, total, titles) if total is not None else None
    written = [text for row in body if (text := _field(row, delimiter, at_time))]
    at_clock = _clock_column(body, delimiter, at_time, written)
    if time_unit is None and written and all(_like_days(text) for text in written):
        raise SeriesFormatError(
            f"{head.source}: times like {written[0][:_SHOWN]} are a spreadsheet's days, or seconds after the "
            "beginning of 1970: say --time-unit days, or --time-unit s"
        )
    if day_first is None:
        day_first = _day_first(head.source, written)
    if values:
        chosen = [_column(head.source, name, titles) for name in values]
    else:
        labels = {at for at, name in enumerate(names) if header and name.lower() in LABEL_NAMES}
        free = [at for at in range(len(names)) if at not in labels | {at_time, at_clock, at_total}]
        named = [at for at in free if header and names[at].lower() == VALUE_NAME]
        chosen = named or [at for at in free if _begins_with_number(body, delimiter, at)]
    comma = delimiter == ";" and _decimal_comma(body, [*chosen, *([] if at_total is None else [at_total])])
    if not chosen:
        raise SeriesFormatError(
            f"{head.source}: no column of numbers besides the times: name it with --value "
            f"(columns: {', '.join(titles)[:_SHOWN]})"
        )
    return SeriesLayout(
        delimiter,
        int(header) + told,
        at_time,
        tuple((at, titles[at]) for at in chosen),
        at_total,
        time_unit or 0,
        comma,
        day_first,
        at_clock,
    )


def _first_rows(head: Chunk) -> tuple[list[str], str, bool]:
    """Rows that hold something, what stands between columns, and whether the file's first line said so."""
    lines = bytes(head.buffer[: head.length]).decode("utf-8", "replace").splitlines()
    rows = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not rows:
        raise SeriesFormatError(
            f"{head.source}: no rows: give a file with lines like 2026-03-02T08:00:00Z,12.5"
        )
    said = _SEPARATOR.fullmatch(rows[0].strip())
    if said is not None:
        return rows[1:] or rows, said[1], True
    counts = [(rows[0].count(mark), -at) for at, mark in enumerate(DELIMITERS)]
    return rows, DELIMITERS[-max(counts)[1]], False


def read_rows(chunk: Chunk, layout: SeriesLayout, unit: list[int]) -> SeriesRows:
    """Read a chunk's rows. Whatever its bytes, nothing is raised.

    Args:
        chunk: Whole lines.
        layout: The file's.
        unit: The unit that each series' values have; empty at first, filled by the first row that has one.
    """
    columns = [layout.time, *(at for at, _ in layout.values)]
    if layout.total is not None:
        columns.append(layout.total)
    of_total = len(columns) - 1
    if layout.clock is not None:
        columns.append(layout.clock)
    wanted = np.full(max(columns) + 1, -1, dtype=np.int64)
    for place, at in enumerate(columns):
        wanted[at] = place
    most = int(np.count_nonzero(chunk.buffer[: chunk.length] == 0x0A)) + 1
    rows = np.empty((ROW_COLUMNS, most), dtype=np.int64)
    start = np.empty((len(columns), most), dtype=np.int64)
    width = np.empty((len(columns), most), dtype=np.int32)
    counts = np.zeros(3, dtype=np.int64)
    n = split_rows(chunk.buffer, chunk.length, ord(layout.delimiter), wanted, rows, start, width, counts)
    first = min(layout.header, n) if chunk.first_line == 1 else 0
    start, width, rows = start[:, first:n], width[:, first:n], rows[:, first:n]
    time_us = np.empty(n - first, dtype=np.int64)
    at_time, size = np.ascontiguousarray(start[0]), np.ascontiguousarray(width[0])
    if layout.clock is not None:
        _read_joined(chunk, (at_time, size), (start[-1], width[-1]), layout.day_first, time_us)
    elif layout.time_unit == DAYS:
        _read_days(chunk, at_time, size, layout.decimal_comma, time_us)
    elif layout.time_unit:
        epoch_times(chunk.buffer, at_time, size, layout.time_unit, time_us)
    else:
        calendar_times(chunk.buffer, at_time, size, ANY_LAYOUT, 0, time_us)
        _read_slowly(chunk, at_time, size, layout.day_first, time_us)
    good = np.flatnonzero((time_us >= 0) & (time_us <= LAST) & (size >= 0))
    found = _Problems(chunk, rows)
    found.problems[RowProblem.BLANK] += int(counts[1])
    found.problems[RowProblem.COMMENT] += int(counts[2])
    found.add(RowProblem.BAD_TIME, np.setdiff1d(np.arange(n - first), good, assume_unique=True))
    value = np.empty((len(layout.values), len(good)))
    for place in range(len(layout.values)):
        column = start[place + 1][good], width[place + 1][good]
        _read_values(chunk, *column, layout.decimal_comma, good, value[place], unit, place, found)
    total = None
    if layout.total is not None:
        total = np.empty(len(good))
        column = start[of_total][good], width[of_total][good]
        _read_values(chunk, *column, layout.decimal_comma, good, total, unit, len(layout.values), found)
    times = _texts(chunk, at_time[good], size[good])
    if layout.clock is not None:
        clocks = _texts(chunk, np.ascontiguousarray(start[-1][good]), np.ascontiguousarray(width[-1][good]))
        times = [f"{day} {clock}" for day, clock in zip(times, clocks, strict=True)]
    return SeriesRows(
        time_us[good],
        times,
        value,
        total,
        {problem: count for problem, count in found.problems.items() if count},
        found.samples,
    )


class _Problems:
    """Counts problems of rows, and keeps the first of each."""

    def __init__(self, chunk: Chunk, rows: NDArray[np.int64]) -> None:
        self.problems = dict.fromkeys(RowProblem, 0)
        self.samples: dict[RowProblem, tuple[int, str]] = {}
        self._chunk = chunk
        self._rows = rows

    def add(self, problem: RowProblem, at: NDArray[np.intp]) -> None:
        self.problems[problem] += len(at)
        if len(at) and problem not in self.samples:
            line, start, width = (int(self._rows[part, at[0]]) for part in (LINE, START, WIDTH))
            text = bytes(self._chunk.buffer[start : start + min(width, _SHOWN)]).decode("utf-8", "replace")
            self.samples[problem] = (self._chunk.first_line + line, text)


def _read_values(
    chunk: Chunk,
    start: NDArray[np.int64],
    width: NDArray[np.int32],
    comma: bool,
    good: NDArray[np.intp],
    out: NDArray[np.float64],
    unit: list[int],
    place: int,
    found: _Problems,
) -> None:
    state, units = np.empty(len(good), dtype=np.uint8), np.empty(len(good), dtype=np.uint8)
    buffer = chunk.buffer
    if comma:
        buffer, start = _commas_for_points(buffer, start, width)
    decimals(buffer, start, width, out, state, units)
    infinite = ~np.isfinite(out) & (state == 0)
    out[infinite] = np.nan
    while len(unit) <= place:
        unit.append(-1)
    read = np.flatnonzero((state == 0) & ~infinite)
    if unit[place] < 0 and len(read):
        unit[place] = int(units[read[0]])
    # 12 and 12ms in one column are not the same quantity: which unit the bare ones have is not guessed.
    other = read[units[read] != unit[place]]
    out[other] = np.nan
    found.add(RowProblem.OTHER_UNIT, good[other])
    found.add(RowProblem.MISSING_VALUE, good[state == MISSING])
    found.add(RowProblem.BAD_VALUE, good[(state == NO_NUMBER) | infinite])


def _commas_for_points(
    buffer: NDArray[np.uint8], start: NDArray[np.int64], width: NDArray[np.int32]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The fields in a buffer of their own, commas and points exchanged, and where each begins."""
    size = np.maximum(width, 0)
    out = np.empty(int(size.sum()) + len(size), dtype=np.uint8)
    field_texts(buffer, start, size, out)
    return _EXCHANGED[out], np.cumsum(size + np.int64(1)) - size - 1


def _read_slowly(
    chunk: Chunk,
    start: NDArray[np.int64],
    width: NDArray[np.int32],
    day_first: bool | None,
    out: NDArray[np.int64],
) -> None:
    """Times that the kernel refuses: days without a clock, clocks without seconds, what spreadsheets write."""
    for row in np.flatnonzero((out == UNREADABLE) & (width >= 6) & (width <= LONGEST)):
        out[row] = _written(_text(chunk, start[row], width[row]), day_first)


def _read_joined(
    chunk: Chunk,
    day: tuple[NDArray[np.int64], NDArray[np.int32]],
    clock: tuple[NDArray[np.int64], NDArray[np.int32]],
    day_first: bool | None,
    out: NDArray[np.int64],
) -> None:
    """Days and clocks that have columns of their own."""
    out[:] = UNREADABLE
    known = (day[1] > 0) & (day[1] <= LONGEST) & (clock[1] > 0) & (clock[1] <= LONGEST)
    for row in np.flatnonzero(known):
        text = f"{_text(chunk, day[0][row], day[1][row])} {_text(chunk, clock[0][row], clock[1][row])}"
        out[row] = _written(text, day_first)


def _read_days(
    chunk: Chunk, start: NDArray[np.int64], width: NDArray[np.int32], comma: bool, out: NDArray[np.int64]
) -> None:
    """Days since 30 December 1899, to the millisecond: a double tells no more of them."""
    days = np.empty(len(out))
    state, units = np.empty(len(out), dtype=np.uint8), np.empty(len(out), dtype=np.uint8)
    buffer = chunk.buffer
    if comma:
        buffer, start = _commas_for_points(buffer, start, width)
    decimals(buffer, start, width, days, state, units)
    good = (state == 0) & np.isfinite(days) & (days >= DAYS_UNTIL_1970) & (days < LAST / DAY_US)
    out[:] = UNREADABLE
    out[good] = np.rint((days[good] - DAYS_UNTIL_1970) * (DAY_US / 1000)).astype(np.int64) * 1000


def _text(chunk: Chunk, start: int, width: int) -> str:
    return bytes(chunk.buffer[start : start + width]).decode("ascii", "replace")


def _written(text: str, day_first: bool | None) -> int:
    found = written_time(text, day_first=day_first)
    return UNREADABLE if found is None or not 0 <= found <= LAST else found


def _texts(chunk: Chunk, start: NDArray[np.int64], width: NDArray[np.int32]) -> list[str]:
    out = np.empty(int(width.sum()) + len(width), dtype=np.uint8)
    field_texts(chunk.buffer, start, width, out)
    return out.tobytes().decode("utf-8", "replace").split("\n")[:-1]


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip().lower() not in ("nan", "inf", "infinity")


def _is_time(text: str) -> bool:
    chunk = Chunk.of(text.encode("utf-8", "replace"))
    out = np.empty(1, dtype=np.int64)
    calendar_times(
        chunk.buffer, np.zeros(1, np.int64), np.array([chunk.length], np.int32), ANY_LAYOUT, 0, out
    )
    return int(out[0]) >= 0 or _written(text, day_first=True) >= 0 or _written(text, day_first=False) >= 0


def _field(row: str, delimiter: str, at: int) -> str:
    fields = row.split(delimiter, at + 1)
    return fields[at].strip().strip('"').strip() if at < len(fields) else ""


def _like_days(text: str) -> bool:
    return _number(text) and LIKE_DAYS.start <= float(text) < LIKE_DAYS.stop


def _clock_column(rows: Sequence[str], delimiter: str, at_time: int, written: Sequence[str]) -> int | None:
    """The column behind the dates, if it holds their clocks."""
    clocks = [_field(row, delimiter, at_time + 1) for row in rows]
    if not clocks or not all(_DATE_ALONE.fullmatch(text) for text in written):
        return None
    return at_time + 1 if all(_CLOCK.fullmatch(text) for text in clocks) else None


def _day_first(source: str, written: Sequence[str]) -> bool | None:
    order = order_of(written)
    if order in (Order.UNKNOWN, Order.BOTH):
        which = (
            "in some dates only the day, in others only the month can"
            if order is Order.BOTH
            else "either may"
        )
        raise SeriesFormatError(
            f"{source}: in dates like {written[0][:_SHOWN]} {which} come first: say --day-first or --month-first"
        )
    return None if order is None else order is Order.DAY_FIRST


def _time_column(names: Sequence[str]) -> int:
    known = [at for at, name in enumerate(names) if name.lower() in TIME_NAMES]
    return known[0] if known else 0


def _column(source: str, name: str, titles: Sequence[str]) -> int:
    if name in titles:
        return titles.index(name)
    if name.isascii() and name.isdigit() and 1 <= int(name[:9]) <= len(titles):
        return int(name) - 1
    raise SeriesFormatError(
        f"{source}: no column {name!r}: must be one of {', '.join(titles)[:_SHOWN]}, or a number from 1 to "
        f"{len(titles)}"
    )


def _begins_with_number(rows: Sequence[str], delimiter: str, at: int) -> bool:
    for row in rows:
        fields = row.split(delimiter)
        if at < len(fields) and (field := fields[at].strip().strip('"')):
            plain = field.rstrip("%smunµ ")
            return _number(plain.replace(",", ".") if delimiter == ";" else plain)
    return False


def _decimal_comma(rows: Sequence[str], columns: Sequence[int]) -> bool:
    fields = [row.split(";") for row in rows]
    texts = [field[at] for field in fields for at in columns if at < len(field)]
    return any("," in text for text in texts) and not any("." in text for text in texts)

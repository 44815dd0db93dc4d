"""Which columns of delimited text hold times and values: a file's layout, found by its first lines."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from vedette.kernels.text.times import ANY_LAYOUT, calendar_times
from vedette.parsers.written_times import LIKE_DAYS, Order, microseconds_of, order_of
from vedette.schema.chunk import Chunk
from vedette.schema.errors import VedetteError

DELIMITERS = ";,\t|"
"""Of two that stand as often in the first row the earlier one: commas may be those of decimals."""
TIME_NAMES = frozenset(("timestamp", "time", "date", "datetime", "ts", "@timestamp", "_time", "epoch"))
VALUE_NAME = "value"
LABEL_NAMES = frozenset(("label", "labels", "is_anomaly", "anomaly"))
"""Columns of what somebody said of the points: no series unless asked for."""
MOST_COLUMNS = 10_000
DAYS: Final = 1
"""The time unit of days since 30 December 1899; others are powers of ten of a second, 0 or less."""
SHOWN = 60
"""Characters of a text that messages show at most."""
_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?: ?[AaPp][Mm])?")
_DATE_ALONE = re.compile(r"[0-9]{1,4}([/.-])[0-9]{1,2}\1[0-9]{1,4}")
_SEPARATOR = re.compile(r"sep=([,;\t|])", re.IGNORECASE)
"""What Excel writes, and reads, above a table to say what stands between its columns."""


class SeriesFormatError(VedetteError):
    """A file that is no series, or has no such column."""


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
    table = _Table.of(head)
    titles = table.titles
    at_time = _column(head.source, time, titles) if time is not None else _time_column(table.names)
    at_total = _column(head.source, total, titles) if total is not None else None
    written = [text for row in table.rows if (text := _field(row, table.delimiter, at_time))]
    at_clock = _clock_column(table.rows, table.delimiter, at_time, written)
    if time_unit is None and written and all(_like_days(text) for text in written):
        raise SeriesFormatError(
            f"{head.source}: times like {written[0][:SHOWN]} are a spreadsheet's days, or seconds after the "
            "beginning of 1970: say --time-unit days, or --time-unit s"
        )
    if day_first is None:
        day_first = _day_first(head.source, written)
    if values:
        chosen = [_column(head.source, name, titles) for name in values]
    else:
        chosen = table.columns_of_values({at_time, at_clock, at_total})
    if not chosen:
        raise SeriesFormatError(
            f"{head.source}: no column of numbers besides the times: name it with --value "
            f"(columns: {', '.join(titles)[:SHOWN]})"
        )
    numbers = [*chosen, *([] if at_total is None else [at_total])]
    return SeriesLayout(
        delimiter=table.delimiter,
        header=table.above,
        time=at_time,
        values=tuple((at, titles[at]) for at in chosen),
        total=at_total,
        time_unit=time_unit or 0,
        decimal_comma=table.delimiter == ";" and _decimal_comma(table.rows, numbers),
        day_first=day_first,
        clock=at_clock,
    )


class _Table(msgspec.Struct, frozen=True):
    """The first rows of a file.

    Attributes:
        delimiter: Between fields.
        above: Rows before the first of points.
        names: Of columns, as its header calls them; empty without one.
        width: How many columns there are.
        rows: Of points.
    """

    delimiter: str
    above: int
    names: list[str]
    width: int
    rows: list[str]

    @classmethod
    def of(cls, head: Chunk) -> "_Table":
        """The table that a file begins with."""
        rows, delimiter, told = _first_rows(head)
        first = [field.strip().strip('"').strip() for field in rows[0].split(delimiter)]
        if len(first) < 2 or len(first) > MOST_COLUMNS:
            raise SeriesFormatError(
                f"{head.source}: {len(first)} column(s) in {rows[0][:SHOWN]!r}: must be a time and a value, "
                "with a comma, semicolon, tab or bar between"
            )
        if any(_number(field) or _is_time(field) for field in first):
            return cls(delimiter, int(told), [], len(first), rows)
        return cls(delimiter, 1 + told, first, len(first), rows[1:])

    @property
    def titles(self) -> list[str]:
        """What columns are called; by their numbers from 1 where no header names them."""
        return self.names or [str(at + 1) for at in range(self.width)]

    def columns_of_values(self, taken: set[int | None]) -> list[int]:
        """The columns that hold series, nobody having named any.

        Args:
            taken: Columns that hold something else.
        """
        lower = [name.lower() for name in self.names]
        labels = {at for at, name in enumerate(lower) if name in LABEL_NAMES}
        free = [at for at in range(self.width) if at not in labels | taken]
        named = [at for at in free if lower and lower[at] == VALUE_NAME]
        return named or [at for at in free if _begins_with_number(self.rows, self.delimiter, at)]


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
    return (
        int(out[0]) >= 0
        or microseconds_of(text, day_first=True) >= 0
        or microseconds_of(text, day_first=False) >= 0
    )


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
            f"{source}: in dates like {written[0][:SHOWN]} {which} come first: say --day-first or --month-first"
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
        f"{source}: no column {name!r}: must be one of {', '.join(titles)[:SHOWN]}, or a number from 1 to "
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

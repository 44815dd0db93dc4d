"""Delimited text of `timestamp,value` rows: a chunk's rows as arrays."""

from enum import StrEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.text.delimited import (
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
from vedette.kernels.text.times import ANY_LAYOUT, LAST, UNREADABLE, calendar_times, epoch_times
from vedette.parsers.series_layout import DAYS, SHOWN, SeriesLayout
from vedette.parsers.written_times import (
    DAYS_UNTIL_1970,
    LONGEST,
    microseconds_of,
)
from vedette.schema.chunk import Chunk
from vedette.schema.spans import DAY_US

_EXCHANGED = np.arange(256, dtype=np.uint8)
_EXCHANGED[[0x2C, 0x2E]] = 0x2E, 0x2C


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
    counts = np.zeros(4, dtype=np.int64)
    n = split_rows(chunk.buffer, chunk.length, ord(layout.delimiter), 0, wanted, rows, start, width, counts)
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
            text = bytes(self._chunk.buffer[start : start + min(width, SHOWN)]).decode("utf-8", "replace")
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
        out[row] = microseconds_of(_text(chunk, start[row], width[row]), day_first)


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
        out[row] = microseconds_of(text, day_first)


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


def _texts(chunk: Chunk, start: NDArray[np.int64], width: NDArray[np.int32]) -> list[str]:
    out = np.empty(int(width.sum()) + len(width), dtype=np.uint8)
    field_texts(chunk.buffer, start, width, out)
    return out.tobytes().decode("utf-8", "replace").split("\n")[:-1]

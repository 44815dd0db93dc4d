"""Text to time: every layout a log uses, to microseconds since the epoch, UTC.

Neighbouring lines mostly share their second, so a time whose bytes equal the line before is not read again,
and one that shares the date and the clock's seconds only has its fraction and zone read.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.text.numbers import scale_to_int, scan_decimal
from vedette.kernels.text.words import equal

MISSING = -(1 << 63)
"""A line without a time."""
UNREADABLE = MISSING + 1
"""A line whose time is no time."""

DAY_MONTH_YEAR = 0
"""`17/May/2015:10:05:03`, or with a space between, then optional fraction and zone."""
YEAR_MONTH_DAY = 1
"""`2015-05-17T10:05:03`, or with a space, a tab or ` - ` between, or slashes in the date, then optional fraction and
zone."""
ANY_LAYOUT = 2
"""One of the two, or seconds since the epoch; each row shows which by its third and fifth bytes."""
DAY_WIDTH = 20
YEAR_WIDTH = 19

SLASH = ord("/")
COLON = ord(":")
PLUS = ord("+")
MINUS = ord("-")
POINT = ord(".")
COMMA = ord(",")
SPACE = ord(" ")
TAB = ord("\t")
LOWER_T = ord("t")
LOWER_Z = ord("z")

SECOND = 1_000_000
LAST = 253_402_300_799 * SECOND + 999_999
"""The last microsecond of the year 9999."""

NO_DATE = -(1 << 40)

MONTHS = tuple(
    (ord(name[0]) << 16) | (ord(name[1]) << 8) | ord(name[2])
    for name in ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
)


@subkernel
def _two_digits(buffer: Bytes, at: int) -> int:
    high = buffer[at] - 48
    low = buffer[at + 1] - 48
    if high < 0 or high > 9 or low < 0 or low > 9:
        return -1
    value: int = high * 10 + low
    return value


@subkernel
def _month_named(buffer: Bytes, at: int) -> int:
    name = ((buffer[at] | 32) << 16) | ((buffer[at + 1] | 32) << 8) | (buffer[at + 2] | 32)
    for month in range(12):
        if MONTHS[month] == name:
            return month + 1
    return -1


@subkernel
def days_since_epoch(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a date of the proleptic Gregorian calendar; `NO_DATE` if there is none such."""
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    if year < 1 or month < 1 or month > 12 or day < 1:
        return NO_DATE
    if month == 2:
        longest = 29 if leap else 28
    else:
        longest = 30 + ((month + (month >> 3)) & 1)
    if day > longest:
        return NO_DATE
    return day_number(year, month, day)


@subkernel
def day_number(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a date of the proleptic Gregorian calendar; a day beyond its month is one of the next."""
    # Years that begin in March put the leap day last.
    late = 1 if month > 2 else 0
    years = year - 1 + late
    months = month - 3 if late else month + 9
    return years * 365 + years // 4 - years // 100 + years // 400 + (153 * months + 2) // 5 + day - 719_469


@subkernel
def _year_width(buffer: Bytes, at: int) -> int:
    """Bytes of the date and clock at `at` that begin with the year; two more where ` - ` stands between them."""
    if buffer[at + 11] == MINUS and buffer[at + 12] == SPACE and buffer[at + 10] == SPACE:
        return YEAR_WIDTH + 2
    return YEAR_WIDTH


@subkernel
def _seconds(buffer: Bytes, at: int, layout: int) -> int:
    """Date and clock at `at` (20, 19 or 21 bytes) as microseconds since the epoch, or `UNREADABLE`."""
    if layout == DAY_MONTH_YEAR:
        if buffer[at + 2] != SLASH or buffer[at + 6] != SLASH:
            return UNREADABLE
        if buffer[at + 11] != COLON and buffer[at + 11] != SPACE:
            return UNREADABLE
        day = _two_digits(buffer, at)
        month = _month_named(buffer, at + 3)
        century = _two_digits(buffer, at + 7)
        year = _two_digits(buffer, at + 9)
        clock = at + 12
    else:
        between = buffer[at + 10]
        mark = buffer[at + 4]
        if (mark != MINUS and mark != SLASH) or buffer[at + 7] != mark:
            return UNREADABLE
        if (between | 32) != LOWER_T and between != SPACE and between != TAB:
            return UNREADABLE
        century = _two_digits(buffer, at)
        year = _two_digits(buffer, at + 2)
        month = _two_digits(buffer, at + 5)
        day = _two_digits(buffer, at + 8)
        clock = at + _year_width(buffer, at) - 8
    hour = _two_digits(buffer, clock)
    minute = _two_digits(buffer, clock + 3)
    second = _two_digits(buffer, clock + 6)
    if (
        century < 0
        or year < 0
        or hour < 0
        or hour > 23
        or minute < 0
        or minute > 59
        or second < 0
        or second > 60
    ):
        return UNREADABLE
    if buffer[clock + 2] != COLON or buffer[clock + 5] != COLON:
        return UNREADABLE
    days = days_since_epoch(century * 100 + year, month, day)
    if days == NO_DATE:
        return UNREADABLE
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * SECOND


@subkernel
def _fraction_and_zone(buffer: Bytes, at: int, end: int, utc_offset: int) -> int:
    """Microseconds to add for `[.digits][ ][Z|±hh[[:]mm]]`, or `UNREADABLE`."""
    fraction = 0
    if at < end and (buffer[at] == POINT or buffer[at] == COMMA):
        at += 1
        unit = SECOND // 10
        first = at
        while at < end:
            digit = buffer[at] - 48
            if digit < 0 or digit > 9:
                break
            fraction += digit * unit
            unit //= 10
            at += 1
        if at == first:
            return UNREADABLE
    if at == end:
        return fraction - utc_offset * SECOND
    if buffer[at] == SPACE:
        at += 1
    left = end - at
    if left == 1 and (buffer[at] | 32) == LOWER_Z:
        return fraction
    if left < 3 or (buffer[at] != PLUS and buffer[at] != MINUS):
        return UNREADABLE
    hours = _two_digits(buffer, at + 1)
    minutes = 0
    if left == 5:
        minutes = _two_digits(buffer, at + 3)
    elif left == 6 and buffer[at + 3] == COLON:
        minutes = _two_digits(buffer, at + 4)
    elif left != 3:
        return UNREADABLE
    if hours < 0 or hours > 23 or minutes < 0 or minutes > 59:
        return UNREADABLE
    east = (hours * 60 + minutes) * 60 * SECOND
    return fraction - east if buffer[at] == PLUS else fraction + east


@subkernel
def _since_epoch(buffer: Bytes, at: int, end: int, unit: int) -> int:
    """A number of 10 ** `unit` seconds as microseconds, or `UNREADABLE`."""
    mantissa, power, stop = scan_decimal(buffer, at, end)
    if stop == at or stop != end or mantissa < 0:
        return UNREADABLE
    value = scale_to_int(mantissa, power + unit + 6)
    return value if value <= LAST else UNREADABLE


@kernel
def calendar_times(
    buffer: Bytes,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    layout: int,
    utc_offset: int,
    out: NDArray[np.int64],
) -> int:
    """Dates with a clock, in `layout`, to microseconds since the epoch in `out`.

    `utc_offset` is seconds east of UTC of times without a zone. The 61st second of a minute is taken as the
    next minute's first, as POSIX does. Returns how many rows have no readable time (`MISSING` or
    `UNREADABLE`).
    """
    bad = 0
    last_start = -1
    last_length = -1
    last = 0
    second_at = -1
    second = 0
    for row in range(start.shape[0]):
        at = start[row]
        if at < 0:
            out[row] = MISSING
            bad += 1
            continue
        size = length[row]
        if size != last_length or not equal(buffer, at, last_start, size):
            last_start = at
            last_length = size
            last = UNREADABLE
            shape = layout
            if layout == ANY_LAYOUT:
                if size >= DAY_WIDTH and buffer[at + 2] == SLASH:
                    shape = DAY_MONTH_YEAR
                elif size >= YEAR_WIDTH and (buffer[at + 4] == MINUS or buffer[at + 4] == SLASH):
                    shape = YEAR_MONTH_DAY
            width = DAY_WIDTH if shape == DAY_MONTH_YEAR else _year_width(buffer, at)
            if shape == ANY_LAYOUT:
                last = _since_epoch(buffer, at, at + size, 0)
            elif size >= width:
                if second_at < 0 or not equal(buffer, at, second_at, width):
                    second_at = at
                    second = _seconds(buffer, at, shape)
                rest = _fraction_and_zone(buffer, at + width, at + size, utc_offset)
                if second != UNREADABLE and rest != UNREADABLE:
                    last = second + rest
        if last == UNREADABLE:
            bad += 1
        out[row] = last
    return bad


@kernel
def epoch_times(
    buffer: Bytes,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    unit: int,
    out: NDArray[np.int64],
) -> int:
    """Numbers of 10 ** `unit` seconds since the epoch to microseconds in `out`, cut off, not rounded.

    Returns how many rows have no readable time (`MISSING` or `UNREADABLE`).
    """
    bad = 0
    for row in range(start.shape[0]):
        at = start[row]
        if at < 0:
            out[row] = MISSING
            bad += 1
            continue
        value = _since_epoch(buffer, at, at + length[row], unit)
        if value == UNREADABLE:
            bad += 1
        out[row] = value
    return bad

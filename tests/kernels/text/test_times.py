"""Times: every layout to microseconds since the epoch, against Python's datetime."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernels.text.times import (
    ANY_LAYOUT,
    DAY_MONTH_YEAR,
    MISSING,
    UNREADABLE,
    YEAR_MONTH_DAY,
    calendar_times,
    epoch_times,
)
from vedette.schema.chunk import Chunk

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def spans(texts: list[bytes | None]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    buffer = Chunk.of(b"".join(t or b"" for t in texts)).buffer
    start, at = [], 0
    for text in texts:
        start.append(-1 if text is None else at)
        at += len(text or b"")
    return buffer, np.array(start, dtype=np.int64), np.array([len(t or b"") for t in texts], dtype=np.int32)


def read(texts: list[bytes | None], layout: int, utc_offset: int = 0) -> list[int]:
    out = np.zeros(len(texts), dtype=np.int64)
    bad = calendar_times(*spans(texts), layout, utc_offset, out)
    assert bad == sum(t <= UNREADABLE for t in out)
    return [int(t) for t in out]


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


zones = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))
moments = st.datetimes(datetime(1900, 1, 2), datetime(9999, 12, 30), timezones=zones)  # noqa: DTZ001 - bounds take no zone


@given(st.lists(moments, min_size=1, max_size=8))
def test_iso_times_agree_with_datetime(days: list[datetime]) -> None:
    texts = [d.isoformat() for d in days] + [d.isoformat(sep=" ") for d in days]
    assert read([t.encode() for t in texts], YEAR_MONTH_DAY) == [microseconds(d) for d in days] * 2


@given(st.lists(moments, min_size=1, max_size=8))
def test_common_log_times_agree_with_datetime(days: list[datetime]) -> None:
    texts = [f"{d:%d}/{MONTHS[d.month - 1]}/{d.year:04}:{d:%H:%M:%S %z}" for d in days]
    wanted = [microseconds(d.replace(microsecond=0)) for d in days]
    assert read([t.encode() for t in texts], DAY_MONTH_YEAR) == wanted
    assert read([t.encode() for t in texts], ANY_LAYOUT) == wanted


@given(st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32), st.integers(0, 25), st.integers(0, 61))
def test_only_dates_of_the_calendar_are_read(year: int, month: int, day: int, hour: int, minute: int) -> None:
    text = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:07Z"
    try:
        wanted = microseconds(datetime.fromisoformat(text))
    except ValueError:
        wanted = UNREADABLE
    assert read([text.encode()], YEAR_MONTH_DAY) == [wanted]


@pytest.mark.parametrize(
    ("text", "utc_offset", "moment"),
    [
        (b"2024-02-29T23:59:59.999999999Z", 0, "2024-02-29T23:59:59.999999+00:00"),
        (b"2024-05-01T10:00:00,5+0200", 0, "2024-05-01T08:00:00.5+00:00"),
        (b"2024-05-01 10:00:00 -07", 0, "2024-05-01T17:00:00+00:00"),
        (b"2024-05-01\t10:00:00", 0, "2024-05-01T10:00:00+00:00"),
        (b"2024-05-01\t10:00:00", 7200, "2024-05-01T08:00:00+00:00"),
        (b"2024-05-01t10:00:00z", 7200, "2024-05-01T10:00:00+00:00"),
        (b"06/Feb/2009:12:14:14.655", 3600, "2009-02-06T11:14:14.655+00:00"),
        (b"06/FEB/2009:12:14:14 +0100", 0, "2009-02-06T11:14:14+00:00"),
        (b"2024/05/01 10:00:00", 3600, "2024-05-01T09:00:00+00:00"),
        (b"2024/05/01 - 10:00:00", 3600, "2024-05-01T09:00:00+00:00"),
        (b"01/May/2024 10:00:00", 0, "2024-05-01T10:00:00+00:00"),
        (b"1714557600.25", 3600, "2024-05-01T10:00:00.25+00:00"),
    ],
)
def test_zone_fraction_and_separator_are_optional(text: bytes, utc_offset: int, moment: str) -> None:
    assert read([text], ANY_LAYOUT, utc_offset) == [microseconds(datetime.fromisoformat(moment))]


def test_a_leap_second_is_the_first_second_of_the_next_minute() -> None:
    leap, after = read([b"2016-12-31T23:59:60Z", b"2017-01-01T00:00:00Z"], YEAR_MONTH_DAY)
    assert leap == after


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"-",
        b"2023-02-29T00:00:00Z",
        b"2024-05-01",
        b"2024-05-01T10:00Z",
        b"2024-05-01T10:00:00.Z",
        b"2024-05-01T10:00:00+1",
        b"2024-05-01T10:00:00+24:00",
        b"2024-05-01T10:00:00+00:60",
        b"2024-05-01T10:00:00Zx",
        b"2024-05-01T10:00:61Z",
        b"2024-05-01T24:00:00Z",
        b"2024/05-01T10:00:00Z",
        b"2024-05-01 -10:00:00",
        b"2024-05-01 - 10:00:0",
        b"31/Apr/2024:10:00:00 +0000",
        b"01/Mai/2024:10:00:00 +0000",
        b"01/May/2024-10:00:00 +0000",
        b"99999999999999999999",
        b"-5",
        b"12e400",
        b"0x10",
    ],
)
def test_what_is_no_time_is_unreadable(text: bytes) -> None:
    assert read([text], ANY_LAYOUT) == [UNREADABLE]


def test_rows_do_not_borrow_from_unreadable_or_missing_neighbours() -> None:
    good, bad = b"2024-05-01T10:00:00Z", b"2024-05-01T10:00:00Q"
    time = read([good], YEAR_MONTH_DAY)[0]
    rows: list[bytes | None] = [bad, good, None, good, bad, bad, good]
    wanted = [UNREADABLE, time, MISSING, time, UNREADABLE, UNREADABLE, time]
    assert read(rows, YEAR_MONTH_DAY) == wanted


@given(
    st.lists(st.one_of(st.none(), st.binary(max_size=40)), min_size=1, max_size=6), st.sampled_from([0, 1, 2])
)
def test_arbitrary_bytes_never_raise(texts: list[bytes | None], layout: int) -> None:
    assert [t == MISSING for t in read(texts, layout)] == [t is None for t in texts]


@given(st.integers(0, 253_402_300_799), st.integers(0, 999_999), st.sampled_from([0, -3, -6, -9]))
def test_numbers_since_the_epoch_keep_their_microseconds(seconds: int, micros: int, unit: int) -> None:
    total = seconds * 1_000_000 + micros
    scale = 10 ** (unit + 6) if unit > -6 else 1
    text = (
        f"{seconds}.{micros:06}"
        if unit == 0
        else str(total // scale if unit > -6 else total * 10 ** (-6 - unit))
    )
    out = np.zeros(1, dtype=np.int64)
    assert epoch_times(*spans([text.encode()]), unit, out) == 0
    assert int(out[0]) == (total if unit == 0 else total // scale * scale)

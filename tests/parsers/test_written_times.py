"""Times as people and spreadsheets write them are read where they can mean one thing only."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.parsers.series import read_rows
from vedette.parsers.series_layout import DAYS, SeriesFormatError, find_layout
from vedette.parsers.written_times import Order, order_of, written_time
from vedette.schema.chunk import Chunk

MOMENT = datetime(2026, 10, 25, 14, 5, tzinfo=UTC)


def micros(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("text", "day_first"),
    [
        ("2026-10-25T14:05", None),
        ("2026-10-25 14:05", None),
        ("2026-10-25T16:05+02:00", None),
        ("2026/10/25 14:05", None),
        ("25/10/2026 14:05", True),
        ("25.10.2026 14:05:00", True),
        ("25-10-2026T14:05", True),
        ("10/25/2026 2:05 PM", False),
        ("10/25/2026 02:05:00.000 pm", False),
    ],
)
def test_a_written_time_is_read(text: str, day_first: bool | None) -> None:
    assert written_time(text, day_first=day_first) == micros(MOMENT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "25/10/2026",
        "31/02/2026",
        "10/25/2026 13:05 PM",
        "1/2/26",
        "25/10-2026",
        "25/10/2026 14:05 x",
        "5",
    ],
)
def test_what_is_no_time_or_may_be_two_is_not_read(text: str) -> None:
    assert written_time(text) is None


@given(st.text(max_size=50), st.sampled_from([None, True, False]))
def test_no_text_raises(text: str, day_first: bool | None) -> None:
    written_time(text, day_first=day_first)
    order_of([text])


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 -- as written
def test_both_orders_read_back(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    there = micros(moment.replace(tzinfo=UTC))
    assert written_time(f"{moment:%d/%m/%Y %H:%M:%S}", day_first=True) == there
    assert written_time(f"{moment:%m/%d/%Y %I:%M:%S %p}", day_first=False) == there


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["2026-10-25", "12.5"], None),
        (["05/10/2026", "13/10/2026"], Order.DAY_FIRST),
        (["05/10/2026", "10/13/2026"], Order.MONTH_FIRST),
        (["05.10.2026"], Order.DAY_FIRST),
        (["05/10/2026", "06/10/2026"], Order.UNKNOWN),
        (["25/10/2026", "10/25/2026"], Order.BOTH),
    ],
)
def test_the_order_follows_from_what_can_be_no_month(texts: list[str], order: Order | None) -> None:
    assert order_of(texts) is order


def read(text: str, **wishes: object) -> list[int]:
    chunk = Chunk.of(text.encode())
    return read_rows(chunk, find_layout(chunk, **wishes), []).time_us.tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "wishes"),
    [
        ("Date,Value\n25/10/2026 14:05,1\n26/10/2026 00:00,2\n", {}),
        ("25/10/2026 14:05,1\n26/10/2026 00:00,2\n", {}),
        ("Datum;Wert\n25.10.2026 14:05;1,5\n26.10.2026;2\n", {}),
        ("date,time,value\n2026-10-25,14:05:00,1\n2026-10-26,00:00:00,2\n", {}),
        ("Date,Time,Value\n10/25/2026,2:05 PM,1\n10/26/2026,12:00 AM,2\n", {}),
        ("Date,Value\n46320.5868055556,1\n46321,2\n", {"time_unit": DAYS}),
        ("Date;Wert\n46320,5868055556;1,5\n46321;2\n", {"time_unit": DAYS}),
    ],
)
def test_what_a_spreadsheet_writes_is_read(text: str, wishes: dict[str, object]) -> None:
    assert read(text, **wishes) == [micros(MOMENT), micros(datetime(2026, 10, 26, tzinfo=UTC))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "Date,Value\n05/10/2026,1\n06/10/2026,2\n",
            "either may come first: say --day-first or --month-first",
        ),
        ("Date,Value\n25/10/2026,1\n10/26/2026,2\n", "in others only the month can come first"),
        ("Date,Value\n46320.58,1\n46321,2\n", "say --time-unit days, or --time-unit s"),
    ],
)
def test_what_may_mean_two_things_is_asked_for(text: str, said: str) -> None:
    with pytest.raises(SeriesFormatError, match=said):
        read(text)


def test_what_is_asked_for_can_be_said() -> None:
    text = "Date,Value\n05/10/2026,1\n"
    assert read(text, day_first=True) == [micros(datetime(2026, 10, 5, tzinfo=UTC))]
    assert read(text, day_first=False) == [micros(datetime(2026, 5, 10, tzinfo=UTC))]
    assert read("t,v\n46320,1\n", time_unit=0) == [46_320_000_000]

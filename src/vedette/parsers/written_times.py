"""Dates as people and spreadsheets write them: 31/12/2026 23:59, 12/31/2026 11:59 PM, 31.12.2026, days since 1899."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import Enum
from typing import Final

from vedette.kernels.text.times import LAST, UNREADABLE

DAYS_UNTIL_1970: Final = 25_569
"""From 30 December 1899, where spreadsheets begin to count days, to 1 January 1970."""
LIKE_DAYS: Final = range(20_000, 80_000)
"""Such days lie between 1954 and 2119."""
LONGEST: Final = 40
"""Characters of a written time."""

_WRITTEN = re.compile(
    r"([0-9]{1,4})([/.-])([0-9]{1,2})\2([0-9]{1,4})"
    r"(?:[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?(?: ?([AaPp])[Mm])?)?"
)


class Order(Enum):
    """What stands before the year."""

    DAY_FIRST = "day first"
    MONTH_FIRST = "month first"
    UNKNOWN = "unknown"
    """Every date seen could be either."""
    BOTH = "both"
    """Some can only be the one, some only the other."""


def order_of(texts: Iterable[str]) -> Order | None:
    """In which order days and months stand in dates that end in a year; None where none does."""
    found = None
    for text in texts:
        match = _WRITTEN.fullmatch(text)
        if match is None or len(match[4]) != 4:
            continue
        first, second = int(match[1]), int(match[3])
        # Where points stand between, the day comes first everywhere.
        here = Order.DAY_FIRST if match[2] == "." or first > 12 else Order.UNKNOWN
        if here is Order.UNKNOWN and second > 12:
            here = Order.MONTH_FIRST
        if found in (None, Order.UNKNOWN):
            found = here
        elif here not in (Order.UNKNOWN, found):
            return Order.BOTH
    return found


def written_time(text: str, *, day_first: bool | None = None) -> int | None:
    """Microseconds since the epoch, UTC where no zone is named; None if it cannot be read.

    Args:
        text: ISO 8601, or a date with the year first or last, with or without a clock.
        day_first: What stands first in dates that end in a year; None: such are not read.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        made = _moment(text, day_first)
        if made is None:
            return None
        moment = made
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    span = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def _moment(text: str, day_first: bool | None) -> datetime | None:
    match = _WRITTEN.fullmatch(text)
    if match is None:
        return None
    first, second, third = int(match[1]), int(match[3]), int(match[4])
    if len(match[1]) == 4:
        year, month, day = first, second, third
    elif len(match[4]) == 4 and day_first is not None:
        year, month, day = third, *((second, first) if day_first else (first, second))
    else:
        return None
    hour = int(match[5] or 0)
    if match[9] is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match[9] in "Pp" else 0)
    try:
        return datetime(
            year,
            month,
            day,
            hour,
            int(match[6] or 0),
            int(match[7] or 0),
            int((match[8] or "").ljust(6, "0")),
            UTC,
        )
    except ValueError:
        return None


def microseconds_of(text: str, day_first: bool | None) -> int:
    """`written_time`, as kernels tell it: `UNREADABLE` where there is none, or none between 1970 and `LAST`."""
    found = written_time(text, day_first=day_first)
    return UNREADABLE if found is None or not 0 <= found <= LAST else found

"""Whose hours and days the traffic follows."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from vedette.schema.spans import DAY_US

Calendar = Callable[[int], int]
"""From microseconds since the epoch to the wall clock's reading, as microseconds as if that were UTC."""

_EPOCH = date(1970, 1, 1)
_QUARTER_US = 900_000_000
"""Zones change their offset on quarters of an hour."""
_SUNDAY = 3
"""Days since the epoch, modulo 7."""


def plain(time_us: int) -> int:
    """UTC without holidays."""
    return time_us


def calendar(zone: str = "UTC", holidays: Iterable[date] = ()) -> Calendar:
    """The wall clock of a zone, on which holidays read as Sundays.

    Args:
        zone: `UTC`, an offset like `+02:00`, or a zone's name.
        holidays: Local days.
    """
    days = frozenset((day - _EPOCH).days for day in holidays)
    if zone == "UTC" and not days:
        return plain
    if zone[0] in "+-":
        sign = -1 if zone[0] == "-" else 1
        place: timezone | ZoneInfo = timezone(sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])))
    else:
        place = ZoneInfo(zone)

    @lru_cache(maxsize=256)
    def offset(quarter: int) -> int:
        moment = datetime.fromtimestamp(quarter * 900, UTC).astimezone(place)
        shift = moment.utcoffset()
        return 0 if shift is None else shift // timedelta(microseconds=1)

    def reading(time_us: int) -> int:
        local = time_us + offset(time_us // _QUARTER_US)
        day = local // DAY_US
        return local + (_SUNDAY - day) % 7 * DAY_US if day in days else local

    return reading

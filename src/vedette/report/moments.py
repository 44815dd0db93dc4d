"""Times for programs and for people. Inside, a time is microseconds since the epoch, UTC."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from vedette.explain import numbers

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A day inside what datetime can hold, so that any zone can show it.
_FIRST = (datetime(1, 1, 2, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LAST = (datetime(9999, 12, 30, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def moment(time: int) -> datetime:
    """A time as datetime, to the microsecond; times beyond the years 1 to 9999 are held at the ends."""
    return _EPOCH + timedelta(microseconds=min(max(time, _FIRST), _LAST))


@lru_cache(maxsize=4096)  # the anomalies of a window share its times
def iso(time: int) -> str:
    """ISO 8601 in UTC, always with microseconds: `2026-03-02T08:00:00.000000Z`."""
    return moment(time).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_iso(text: str) -> int:
    """The time that `iso` wrote.

    Raises:
        ValueError: It is no time in UTC.
    """
    then = datetime.fromisoformat(text)
    if then.tzinfo is not UTC:
        raise ValueError(f"{text!r} is no time in UTC")
    return (then - _EPOCH) // timedelta(microseconds=1)


def day_and_clock(time: int, zone: tzinfo) -> str:
    """Day and time of day, with seconds only where there are any: `2026-03-02 08:00`."""
    then = moment(time).astimezone(zone)
    return f"{then:%Y-%m-%d} {_clock(then)}"


def span(start: int, end: int, zone: tzinfo) -> str:
    """A span with its zone and length: `2026-03-02 09:10 to 09:15 UTC (5 min)`."""
    first, last = moment(start).astimezone(zone), moment(end).astimezone(zone)
    until = _clock(last) if first.date() == last.date() else f"{last:%Y-%m-%d} {_clock(last)}"
    return f"{first:%Y-%m-%d} {_clock(first)} to {until} {zone_name(last)} ({length(end - start)})"


def zone_name(then: datetime) -> str:
    """What the zone of a moment is called: `UTC`, `CEST`."""
    return then.tzname() or "local time"


def length(microseconds: int) -> str:
    """How long: `40 s`, `5 min`, `2 h 15 min`, `3 d 4 h`; rounded to the second of at most two units."""
    return numbers.length(max(0, microseconds) / 1e6)


def _clock(then: datetime) -> str:
    return then.strftime("%H:%M:%S").removesuffix(":00")

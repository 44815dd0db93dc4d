"""Quiet hours: when they begin and end, in a zone whose clocks may change."""

from datetime import UTC, datetime, time, timedelta

from vedette.config.alerts import Day, QuietHours
from vedette.config.zone import zone_place

_DAYS = tuple(Day)


def quiet_until(hours: QuietHours, now: int) -> int | None:
    """When the quiet hours end that `now` falls into; None if it falls into none.

    A time of day that a change of clocks skips or repeats is its first, as the zone had it before.

    Args:
        hours: Which. now: Microseconds since the epoch, UTC.
    """
    zone = zone_place(hours.timezone)
    moment = datetime.fromtimestamp(now / 1e6, UTC)
    today = moment.astimezone(zone).date()
    begins, ends = time.fromisoformat(hours.start), time.fromisoformat(hours.end)
    for day in (today - timedelta(days=1), today):
        if _DAYS[day.weekday()] not in hours.days:
            continue
        last = day if ends > begins else day + timedelta(days=1)
        start = datetime.combine(day, begins, zone).astimezone(UTC)
        end = datetime.combine(last, ends, zone).astimezone(UTC)
        if start <= moment < end:
            return round(end.timestamp()) * 1_000_000
    return None

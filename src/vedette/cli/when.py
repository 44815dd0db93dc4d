"""Times on the command line."""

import re
from datetime import UTC, datetime, timedelta

from vedette.schema.errors import VedetteError

_RELATIVE = re.compile(
    r"(\d{1,6})\s*([smhdw]|sec|min|(?:sec|min)s|(?:second|minute|hour|day|week)s?)(?:\s+ago)?"
)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class TimeError(VedetteError):
    """Text that is no time."""


def parse_time(option: str, text: str, now: datetime) -> int:
    """Read a time: ISO 8601 (without a zone, UTC), `today`, `yesterday`, or how long ago: `90s`, `2h`, `7 days ago`.

    Args:
        option: Name of the option, for the error.
        text: What was given.
        now: The present, with a zone.

    Returns:
        Microseconds since the epoch, UTC.

    Raises:
        TimeError: It is none of these.
    """
    word = text.strip().lower()
    relative = _RELATIVE.fullmatch(word)
    try:
        if relative:
            moment = now - timedelta(seconds=int(relative[1]) * _UNITS[relative[2][0]])
        elif word in ("today", "yesterday"):
            midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            moment = midnight - timedelta(days=word == "yesterday")
        else:
            moment = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise TimeError(
            f"{option} {text or repr(text)}: not a time: use ISO 8601 (2026-05-01T10:00, UTC unless it says "
            "otherwise), today, yesterday, or how long ago (90s, 30m, 2h, 7d, '7 days ago')"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

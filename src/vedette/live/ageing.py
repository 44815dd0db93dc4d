"""How long things are kept that are old by the time they are found.

Things age by the time that their logs tell. Of logs that end before what is kept begins, all would be removed within
minutes of being found. So as long as nothing newer was read, what is kept is counted from where the logs end.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from vedette.schema.spans import DAY_US
from vedette.storage.live import Retention

_KINDS = ("windows", "anomalies", "alerts")
"""What ages by the time that logs tell."""


def counted_from_the_end(retention: Retention, now: int, reached: int) -> Retention:
    """How long to keep things as of `now`, so that of logs that end before that their last stretch stays.

    Args:
        retention: As configured. now: Microseconds since the epoch. reached: How far the logs were read, by their own
            time; 0 or less for no line yet.
    """
    longer = {kind: getattr(retention, kind) + now - reached for kind in _ended(retention, now, reached)}
    return msgspec.structs.replace(retention, **longer)


def told(retention: Retention, now: int, reached: int) -> str:
    """What to say of logs that end before what is kept begins, with the remedy; empty where none do."""
    ended = _ended(retention, now, reached)
    if not ended:
        return ""
    keys = ", ".join(f"{kind}_d = {getattr(retention, kind) // DAY_US}" for kind in ended)
    end = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=reached // 1_000_000)
    return (
        f"the logs end at {end:%Y-%m-%d %H:%M:%S} UTC, before what store.retention keeps begins ({keys}): what is "
        "found in them stays until newer lines are read, and removed then; raise these, or set them to null, to keep it"
    )


def _ended(retention: Retention, now: int, reached: int) -> list[str]:
    """The kinds of which nothing in the logs is young enough to be kept."""
    if reached <= 0:
        return []
    return [
        kind for kind in _KINDS if (span := getattr(retention, kind)) is not None and reached <= now - span
    ]

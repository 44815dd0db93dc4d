"""Times as a place's clock shows them."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from vedette.schema.spans import HOUR_US

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - of a clock on a wall
_FIRST: Final = -17_259_864
_LAST: Final = 70_389_480
"""Hours from the epoch to the second and the last year of the calendar: rules of zones want a day to both sides."""


def to_utc(shown: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """What a clock on a wall shows, as microseconds since the epoch.

    Of an hour that comes twice (summer time ends) the first is meant; one that never was counts as before the change.

    Args:
        shown: int64 (n,), microseconds since the epoch, were the clock that of UTC. zone: Like `Europe/Berlin`.
    """
    # Clocks change on the hour of the wall, or on its half.
    hours, which = np.unique(shown // (HOUR_US // 2), return_inverse=True)
    place = ZoneInfo(zone)
    ahead = np.array([_ahead(hour, place) for hour in hours.tolist()], dtype=np.int64)
    return shown - ahead[which] if len(hours) else shown


def _ahead(half_hour: int, place: ZoneInfo) -> int:
    """Microseconds that a place is ahead of UTC while its clock shows this half hour."""
    hour = min(max(half_hour / 2, _FIRST), _LAST)
    shift = (_EPOCH + timedelta(hours=hour)).replace(tzinfo=place).utcoffset()
    return 0 if shift is None else shift // timedelta(microseconds=1)

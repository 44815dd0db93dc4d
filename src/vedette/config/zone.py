"""Zones of time as a configuration names them."""

import re
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

_OFFSET = re.compile(r"([+-])(0\d|1[0-4]):?([0-5]\d)")


def zone_place(name: str) -> tzinfo:
    """The zone that a name stands for: `UTC`, an offset like `+02:00`, or a zone like `Europe/Berlin`.

    Raises:
        ValueError: There is none of that name.
    """
    if name == "UTC":
        return UTC
    if found := _OFFSET.fullmatch(name):
        ahead = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-ahead if found[1] == "-" else ahead)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be UTC, an offset like +02:00, or a zone like Europe/Berlin") from None


def _zone(name: str) -> str:
    zone_place(name)
    return name


Zone = Annotated[str, AfterValidator(_zone)]

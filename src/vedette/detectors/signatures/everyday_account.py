"""An account of what was taken for everyday."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from vedette.detectors.signatures.everyday_days import MOST_KEYS, Key, Standing
from vedette.schema.findings import EverydayRequests

OTHER: Final = "(other)"


class Told(msgspec.Struct, array_like=True):
    """What was left out of what one rule says on one route."""

    requests: int
    since: int
    days: int
    clients: int
    share: float


class EverydayAccount:
    """Counts what was left out of verdicts, by rule and route.

    Attributes:
        told: At most `MOST_KEYS`; what more there is counts as `OTHER`, whose rule has the number -1.
    """

    def __init__(self) -> None:
        self.told: dict[Key, Told] = {}

    def tell(self, key: Key, requests: int, since: int, stands: Standing) -> None:
        """Count requests in which a rule's say was left out.

        Args:
            since: Time of the first of them, microseconds. stands: What this rests on.
        """
        told = self.told.get(key)
        if told is None and len(self.told) >= MOST_KEYS:
            key = Key(OTHER, OTHER, -1)
            told = self.told.get(key)
        if told is None:
            told = self.told[key] = Told(0, since, 0, 0, 0.0)
        told.requests += requests
        told.since = min(told.since, since)
        told.days, told.clients, told.share = stands

    def rows(self, ids: Sequence[str]) -> list[EverydayRequests]:
        """It as it is shown, the most requests first; `ids` are the rules', by number. Any thread may ask."""
        told = [
            EverydayRequests(
                key.service,
                key.route,
                ids[key.rule] if key.rule >= 0 else OTHER,
                one.requests,
                _date(one.since),
                one.days,
                one.clients,
                round(one.share, 4),
            )
            for key, one in list(self.told.items())
        ]
        return sorted(told, key=lambda one: (-one.requests, one.service, one.route, one.rule))


def _date(time: int) -> str:
    """The day of a time, ISO 8601."""
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)).date().isoformat()
    except OverflowError:
        return "unknown"

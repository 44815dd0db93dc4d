"""How much one caller may ask for: token buckets in a bounded table."""

from collections import OrderedDict
from typing import NamedTuple

BURST_S = 10.0
"""A full bucket holds this many seconds' worth."""


class Allowance(NamedTuple):
    """What a caller may still do."""

    granted: bool
    limit: int
    """Tokens of a full bucket."""
    remaining: int
    wait_s: float
    """Seconds until the next token, 0 if there is one."""


class Throttle:
    """A bucket for each caller. When the table is full, who has been quiet longest is forgotten.

    To be forgotten is to start with a full bucket. A flood from very many addresses can so push out those that had
    to wait; it would not be held up by a limit per address either.

    Args:
        per_s: Tokens that come a second. full: Of a full bucket, ten seconds' worth if left out.
        callers: Most callers remembered.
    """

    def __init__(self, per_s: float, full: float | None = None, callers: int = 20_000) -> None:
        self._per_us = per_s / 1e6
        self._full = max(1.0, per_s * BURST_S if full is None else full)
        self._callers = callers
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, caller: str, now: int, tokens: float = 1.0) -> Allowance:
        """Take tokens if there are any. `now`: microseconds; going back in time gives nothing."""
        level = self._level(caller, now)
        granted = level >= tokens
        left = level - tokens if granted else level
        self._buckets[caller] = (left, now)
        self._buckets.move_to_end(caller)
        if len(self._buckets) > self._callers:
            self._buckets.popitem(last=False)
        wait = 0.0 if left >= 1.0 else (1.0 - left) / self._per_us / 1e6
        return Allowance(granted, int(self._full), int(left), wait)

    def look(self, caller: str, now: int) -> Allowance:
        """What a caller may still do; nothing is taken or remembered."""
        level = self._level(caller, now)
        wait = 0.0 if level >= 1.0 else (1.0 - level) / self._per_us / 1e6
        return Allowance(level >= 1.0, int(self._full), int(level), wait)

    def _level(self, caller: str, now: int) -> float:
        level, then = self._buckets.get(caller, (self._full, now))
        return min(self._full, level + max(0, now - then) * self._per_us)

"""How many requests per second are to be expected, second by second."""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from vedette.simulate.draws import Draws, Floats, Ints
from vedette.simulate.rows import SECOND

WARM_UP: Final = 600
"""Seconds simulated before the start, so that sessions are already under way when the log begins."""

# Requests by hour of day, UTC: a shop whose visitors sleep at night and buy in the evening.
_DAY: Final = (
    0.42, 0.31, 0.25, 0.22, 0.23, 0.31, 0.47, 0.70, 0.92, 1.06, 1.13, 1.17,
    1.20, 1.16, 1.12, 1.11, 1.15, 1.24, 1.36, 1.50, 1.56, 1.40, 1.05, 0.68,
)  # fmt: skip
_WEEK: Final = (1.02, 1.00, 0.99, 1.00, 0.96, 0.97, 1.06)  # Monday to Sunday
_SLOT: Final = 10
"""Seconds over which the expected rate holds still."""
_FAST_SPREAD: Final = 0.08
"""Relative standard deviation of a slot's rate: counts are over-dispersed, not Poisson."""
_SLOW_SPREAD: Final = 0.05
_SLOW_MEMORY: Final = 0.97
"""Correlation of the slow part from one slot to the next: wanders within some five minutes."""


class Rhythm:
    """The expected rate of a span.

    Attributes:
        first: Second since the epoch at which the warm-up begins.
        begin, end: Seconds between which the log is written.
        rate: float64, shape (end - first,): requests per second; its mean from `begin` to `end` is the rate
            that was asked for.
    """

    def __init__(self, seed: int, start: datetime, seconds: int, rate: float) -> None:
        self.begin = int(start.timestamp())
        self.first = self.begin - WARM_UP
        self.end = self.begin + seconds
        slots = -(-(seconds + WARM_UP) // _SLOT)
        shape = _seasonal(start - timedelta(seconds=WARM_UP), slots) * _wander(Draws(seed, 1), slots)
        per_second = np.repeat(shape, _SLOT)[: seconds + WARM_UP]
        self.rate: Floats = per_second * (rate / per_second[WARM_UP:].mean())
        self._sum = np.concatenate(([0.0], np.cumsum(self.rate)))

    def share_before(self, second: int) -> float:
        """Which part (0..1) of all arrivals is expected before a second."""
        return float(self._sum[second - self.first] / self._sum[-1])

    def total(self) -> float:
        """Arrivals expected over the whole span, warm-up included."""
        return float(self._sum[-1])

    def arrivals(self, draws: Draws, second: int, until: int, per_request: float) -> Ints:
        """Times (microseconds, sorted) of what happens `per_request` times for each request expected."""
        begin, end = max(second, self.first) - self.first, min(until, self.end) - self.first
        if end <= begin:
            return np.zeros(0, dtype=np.int64)
        sums = self._sum[begin : end + 1] - self._sum[begin]
        n = draws.poisson(float(sums[-1]) * per_request)
        at = np.sort(draws.uniform(n)) * sums[-1]
        slot = np.minimum(np.searchsorted(sums, at, side="right") - 1, end - begin - 1)
        within = draws.below(n, SECOND)
        return np.sort((self.first + begin + slot) * SECOND + within)


def even_arrivals(draws: Draws, start: int, until: int, rate: float) -> Ints:
    """Times (microseconds, sorted) of a Poisson process of `rate` per second from `start` to `until`."""
    if until <= start:
        return np.zeros(0, dtype=np.int64)
    n = draws.poisson((until - start) / SECOND * rate)
    return np.sort(start + draws.below(n, until - start))


def _seasonal(start: datetime, slots: int) -> Floats:
    day = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    second = int((start - day).total_seconds()) + _SLOT * np.arange(slots, dtype=np.int64)
    hour = second / 3600.0
    left = hour.astype(np.int64)
    weekday = (day.weekday() + left // 24) % 7
    curve = np.array(_DAY)
    value = curve[left % 24] + (curve[(left + 1) % 24] - curve[left % 24]) * (hour - left)
    return np.asarray(value * np.array(_WEEK)[weekday], dtype=np.float64)


def _wander(draws: Draws, slots: int) -> Floats:
    fast = 1.0 + _FAST_SPREAD * draws.normal(slots)
    kick = (draws.normal(slots) * _SLOW_SPREAD * (1 - _SLOW_MEMORY**2) ** 0.5).tolist()
    slow = np.empty(slots)
    level = 0.0
    for i, step in enumerate(kick):
        level = _SLOW_MEMORY * level + step
        slow[i] = level
    return np.asarray(np.clip(fast, 0.5, None) * np.clip(1.0 + slow, 0.5, None), dtype=np.float64)

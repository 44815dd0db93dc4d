"""How much of a service's error budget is spent, and when it is gone at this rate."""

from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

FEWEST: Final = 5
"""Failed requests lately, of fewer of which no rate is told: the next one or two would change it by half."""


class Outlook(StrEnum):
    """What is said of an error budget."""

    GONE = "gone"
    """More failed already than the budget allows."""
    ENDS = "ends"
    """At this rate it is gone before the period it is for is over."""
    LASTS = "lasts"
    """At this rate it is not used up."""
    INSUFFICIENT_DATA = "insufficient_data"
    """Too few requests, or too few failed lately to tell a rate."""


class Burn(msgspec.Struct, frozen=True):
    """An error budget. Times are microseconds.

    Attributes:
        outlook: What it comes to.
        ratio: Share of requests that may fail. period: Over how long.
        requests, failed: In the last period, as far as is known. known: How much of it that is.
        allowed: Failed requests that a period's requests allow: `ratio` of them, at the pace known.
        left: Share of the budget that is left, below 0 where more was spent.
        lately: Span that the rate is taken of. lately_failed: In it.
        burn_rate: How many times as fast as would use the budget up exactly.
        gone_at: When it is gone at this rate; None where it lasts, is gone, or too little is known.
    """

    outlook: Outlook
    ratio: float
    period: int
    requests: float
    failed: float
    known: int
    allowed: float
    left: float
    lately: int
    lately_failed: float
    burn_rate: float
    gone_at: int | None


class Cells:
    """Requests and failures of the last period, in cells of a twelfth of `lately`, whatever the windows' span."""

    def __init__(self, *, period: int, lately: int) -> None:
        self._period, self._lately = period, lately
        self._span = max(1, lately // 12)
        self._number: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._sums: NDArray[np.float64] = np.zeros((0, 2))

    def add(
        self, time_us: NDArray[np.int64], requests: NDArray[np.float64], failed: NDArray[np.float64]
    ) -> None:
        """Count windows by their starts, int64 (n,); what is older than the period is forgotten."""
        if not len(time_us):
            return
        number = np.concatenate([self._number, time_us // self._span])
        sums = np.concatenate([self._sums, np.column_stack([requests, failed])])
        self._number, place = np.unique(number, return_inverse=True)
        self._sums = np.column_stack([np.bincount(place, weights=sums[:, side]) for side in (0, 1)])
        kept = self._number >= self._number[-1] - self._period // self._span
        self._number, self._sums = self._number[kept], self._sums[kept]

    def burn(self, ratio: float) -> Burn:
        """What became of the budget; see `burn`."""
        return burn(
            self._number * self._span,
            np.full(len(self._number), self._span),
            self._sums[:, 0],
            self._sums[:, 1],
            ratio=ratio,
            period=self._period,
            lately=self._lately,
        )


def burn(
    start: NDArray[np.int64],
    span: NDArray[np.int64],
    requests: NDArray[np.float64],
    failed: NDArray[np.float64],
    *,
    ratio: float,
    period: int,
    lately: int,
) -> Burn:
    """What became of an error budget (Beyer et al. 2018, *The Site Reliability Workbook*, chapter 5).

    The rate is that of the last `lately`. Where less than a period is known, the rest is taken to have as many requests
    for its time, and none that failed.

    Args:
        start, span: int64 (n,), windows in order of time, microseconds. requests, failed: float64 (n,), of each.
        ratio: Share of requests that may fail, above 0. period, lately: Microseconds, `lately` the shorter.
    """
    now = int((start + span).max()) if len(start) else 0
    within = start >= now - period
    known = now - int(start[within].min()) if len(start) else 0
    n, bad = float(requests[within].sum()), float(failed[within].sum())
    recent = start >= now - lately
    recent_failed = float(failed[recent].sum())
    allowed = ratio * n * period / known if known else 0.0
    left = 1.0 - bad / allowed if allowed > 0.0 else 0.0
    of_time = min(lately, known)
    rate = recent_failed / of_time if of_time else 0.0
    burn_rate = rate * period / allowed if allowed > 0.0 else 0.0
    gone_at = None
    if allowed <= 0.0 or of_time < lately:
        outlook = Outlook.INSUFFICIENT_DATA
    elif left <= 0.0:
        outlook = Outlook.GONE
    elif recent_failed < FEWEST:
        outlook = Outlook.INSUFFICIENT_DATA if recent_failed else Outlook.LASTS
    elif burn_rate > 1.0:
        ends = now + left * allowed / rate
        outlook = Outlook.ENDS if ends < now + period else Outlook.LASTS
        gone_at = round(ends) if outlook is Outlook.ENDS else None
    else:
        outlook = Outlook.LASTS
    return Burn(
        outlook, ratio, period, n, bad, known, allowed, left, lately, recent_failed, burn_rate, gone_at
    )

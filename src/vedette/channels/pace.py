"""How often a channel is told, and how soon again after it failed."""

import random
from collections.abc import Sequence

from vedette.schema.spans import HOUR_US, SECOND_US

FIRST_PAUSE = 5 * SECOND_US
LONGEST_PAUSE = 900 * SECOND_US
"""A channel that was away is noticed within a quarter of an hour of its return."""


def _nominal(tries: int) -> int:
    # 8 doublings exceed the longest already; more would only make large numbers.
    return min(FIRST_PAUSE << min(tries - 1, 8), LONGEST_PAUSE)


def pause(tries: int, key: str, seed: int) -> int:
    """Microseconds until the next try: doubled each time, less up to half of it, so that many do not try at once.

    Args:
        tries: How many there have been, from 1.
        key: What is told: others get other pauses.
        seed: Of the service: the same gives the same.
    """
    nominal = _nominal(tries)
    # No secret rests on it.
    return nominal - int(nominal / 2 * random.Random(f"{seed} {key} {tries}").random())  # noqa: S311


def patience(tries: int) -> int:
    """Microseconds that the pauses after so many tries add up to, before any is shortened."""
    return sum(_nominal(n) for n in range(1, tries + 1))


def next_free(sent: Sequence[int], per_hour: int | None, now: int) -> int:
    """When the next message may be sent: `now`, or later.

    Half of an hour's messages go at once; the others at the same distance from each other, so that what comes in
    a storm is told after minutes, not at the end of the hour. Never more than `per_hour` in any hour.

    Args:
        sent: When messages went out before, microseconds, in any order.
        per_hour: Most of them; None for no limit. now: Microseconds.
    """
    if per_hour is None:
        return now
    recent = sorted(at for at in sent if at > now - HOUR_US)
    if len(recent) < per_hour / 2:
        return now
    spaced = recent[-1] + min(2 * HOUR_US // per_hour, HOUR_US)
    if len(recent) >= per_hour:
        spaced = max(spaced, recent[-per_hour] + HOUR_US)
    return max(now, spaced)

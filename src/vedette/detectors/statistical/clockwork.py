"""Which surprises come by the clock, so that a job on every hour does not teach that anything may happen."""

from collections import deque
from collections.abc import Collection
from typing import Final

from vedette.detectors.statistical.recurrence import SAME_MINUTE, SAME_TIME
from vedette.schema.spans import DAY_US, HOUR_US, WEEK_US
from vedette.schema.state import check, decode, encode

HOURS: Final = 3
"""Earlier times of the last day at this minute of the hour, and at least half of that day. Of surprises that come
at random one in ten is at a given minute, three minutes more or less: fewer than two in a hundred are so by chance."""
NIGHTS: Final = 2
"""Earlier days of the last week with one at this time of the day, and one for each ..."""
CROWD: Final = 18
"""... so many of that week: by chance one day in ten has one then where there are fifty a week."""
REMEMBERED: Final = 192
"""Runs of an entity: those of a week's hours, and some."""
MOST: Final = 1024
"""Entities; for a further one, that whose last surprise is longest ago is forgotten."""


class Clockwork:
    """Remembers when the entities of a detector were surprising.

    The tail of surprises says how far normal traffic goes. A job on the hour goes far at a known time, and at no
    other: taken into the tail, it would raise the threshold for everything else (to its limit within two days).
    """

    def __init__(self) -> None:
        self._begins: dict[int, deque[int]] = {}
        """Begin of each run of surprises, microseconds."""
        self._last: dict[int, int] = {}
        """When an entity was last surprising."""

    def regular(self, slot: int, time: int) -> bool:
        """Say whether an entity's surprise is one that comes by the clock, and remember it.

        Args:
            slot: The entity.
            time: Start of the window, microseconds; windows come in order.
        """
        # At the end: the first is the one that was surprising longest ago.
        begins = self._begins.pop(slot, None) or deque(maxlen=REMEMBERED)
        self._begins[slot] = begins
        if len(self._begins) > MOST:
            gone = next(iter(self._begins))
            del self._begins[gone], self._last[gone]
        goes_on = slot in self._last and time - self._last[slot] <= SAME_MINUTE
        begin = begins.pop() if goes_on else time
        while begins and begin - begins[0] > WEEK_US + SAME_TIME:
            begins.popleft()
        found = _hourly(begins, begin) or _daily(begins, begin)
        begins.append(begin)
        self._last[slot] = time
        return found

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode([(slot, self._last[slot], list(begins)) for slot, begins in self._begins.items()])

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        kept = decode(content, list[tuple[int, int, list[int]]], "clockwork")
        check(len(kept) <= MOST and all(0 < len(begins) <= REMEMBERED for *_, begins in kept), "clockwork")
        self._begins = {slot: deque(begins, maxlen=REMEMBERED) for slot, _, begins in kept}
        self._last = {slot: last for slot, last, _ in kept}


def _hourly(past: Collection[int], begin: int) -> bool:
    day = [time for time in past if begin - time <= DAY_US + SAME_MINUTE]
    alike = sum(_apart(begin - time, HOUR_US) <= SAME_MINUTE for time in day)
    return alike >= HOURS and 2 * alike >= len(day)


def _daily(past: Collection[int], begin: int) -> bool:
    nights = {
        round((begin - time) / DAY_US) for time in past if _apart(begin - time, DAY_US) <= SAME_TIME
    } - {0}
    return len(nights) >= NIGHTS and CROWD * len(nights) >= len(past)


def _apart(span: int, period: int) -> int:
    """How far a span is from a whole number of periods."""
    rest = span % period
    return min(rest, period - rest)

"""Bursts that come again and again: a job on the hour, a newsletter, a nightly crawl."""

from collections import deque

from vedette.schema.state import check, decode, encode

WEEK = 7 * 24 * 3600 * 1_000_000
"""Microseconds."""
APART = 30 * 60 * 1_000_000
"""Bursts closer than this are one episode."""
TIMES = 3
"""Earlier episodes that make a burst part of what is normal."""
ALIKE = 0.5
"""An earlier episode counts if it reached this part of the present value."""
_REMEMBERED = 32


class Recurrence:
    """Remembers each entity's bursts of the last week, whether or not they were stated.

    A level cannot tell a burst on every hour from one that never was: between the bursts it returns to what is
    there most of the time. So a burst that came at least `TIMES` times in a week, about as high, counts as
    normal the next time; a burst that is higher than all of these does not.
    """

    def __init__(self) -> None:
        self._episodes: dict[int, deque[tuple[int, int, float]]] = {}

    def earlier(self, slot: int, time: int, value: float) -> int:
        """Count the earlier episodes like this burst, and remember it.

        Args:
            slot: The entity.
            time: Start of the window, microseconds; windows come in order.
            value: How high the burst is.
        """
        episodes = self._episodes.setdefault(slot, deque(maxlen=_REMEMBERED))
        while episodes and episodes[0][1] < time - WEEK:
            episodes.popleft()
        going_on = bool(episodes) and time - episodes[-1][1] < APART
        before = list(episodes)[:-1] if going_on else list(episodes)
        if going_on:
            begin, _, height = episodes.pop()
            episodes.append((begin, time, max(height, value)))
        else:
            episodes.append((time, time, value))
        return sum(height >= ALIKE * value for _, _, height in before)

    def began(self, slot: int) -> int:
        """Start of an entity's latest episode, microseconds; there must have been one."""
        return self._episodes[slot][-1][0]

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode([(slot, list(episodes)) for slot, episodes in sorted(self._episodes.items())])

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        kept = decode(content, list[tuple[int, list[tuple[int, int, float]]]], "recurrence")
        check(all(0 < len(episodes) <= _REMEMBERED for _, episodes in kept), "recurrence")
        self._episodes = {slot: deque(episodes, maxlen=_REMEMBERED) for slot, episodes in kept}

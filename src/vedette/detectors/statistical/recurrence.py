"""Bursts that come again and again: a job on the hour, a nightly export, a backup on the first Sunday of a month."""

from collections import deque
from typing import Final, NamedTuple

from vedette.schema.spans import DAY_US, HOUR_US, MINUTE_US, WEEK_US
from vedette.schema.state import check, decode, encode

APART: Final = 30 * MINUTE_US
"""Bursts closer than this are one episode."""
TIMES: Final = 3
"""Earlier episodes of a week, at whatever times, that make a burst part of what is normal ..."""
HOURS: Final = 2
"""... or so many of the last day at this minute of the hour ..."""
SAME_MINUTE: Final = 3 * MINUTE_US
SAME_TIME: Final = 10 * MINUTE_US
"""... or a single one at this time of the day. A job that waits for another begins a few minutes sooner or later. Were
an earlier burst of another cause, it would hide a new one at one moment of seventy."""
NEARLY: Final = 0.5
"""Part of the threshold from which a burst that was expected is remembered: it is not as surprising every night."""
ALIKE: Final = 0.5
"""An earlier episode counts if it reached this part of the present value."""
_MONTH: Final = (28, 29, 30, 31, 35)
"""Days until a day of the month, or the first Sunday of one, comes again."""
_FORGOTTEN: Final = _MONTH[-1] * DAY_US + HOUR_US
_SETTLED: Final = 6 * HOUR_US
"""Age from which an episode is forgotten when another at its time of day takes its place."""
REMEMBERED: Final = 96
"""Episodes of an entity: those of a job on every hour are one for each hour of the day."""


class _Episode(NamedTuple):
    """A burst.

    Attributes:
        begin, last: Start of its first and last window, microseconds. height: How high it was.
        who: Whose it was, "" for anybody's.
        seen: When it was last seen to come again, be it too low to alarm; at first its last window.
    """

    begin: int
    last: int
    height: float
    who: str
    seen: int

    def covers(self, begin: int, time: int, period: int, slack: int) -> bool:
        """Whether it began, and was going on, one period before or several, give or take the slack."""
        periods = max(1, round((begin - self.begin) / period))
        return (
            abs(begin - self.begin - periods * period) <= slack
            and time - periods * period <= self.last + slack
        )


class Recurrence:
    """Remembers each entity's bursts of the last weeks, whether or not they were stated.

    A level cannot tell a burst on every hour from one that never was: between the bursts it returns to what is
    there most of the time. So a burst is expected that came before, about as high: once at the same time of the day
    within the last week, or four to five weeks ago on the same day of the week or month; twice at the same minute of
    the hour within the last day; or `TIMES` times in the last week at whatever times. A burst that is higher than
    these is not. One that was expected counts as no higher than what made it so: what grows from night to night is
    told again once it has doubled.
    """

    def __init__(self, *, times: int | None = TIMES, hours: int | None = HOURS) -> None:
        """Say how many episodes make a burst normal, None where none do; one at its time of the day always does.

        Args:
            times: Of a week, at whatever times. hours: Of a day, at its minute of the hour.
        """
        self._times, self._hours = times, hours
        self._episodes: dict[int, deque[_Episode]] = {}

    def expects(self, slot: int, time: int, value: float, who: str = "", *, alarms: bool = True) -> bool:
        """Say whether a burst is one of those that came before, and remember it.

        Args:
            slot: The entity.
            time: Start of the window, microseconds; windows come in order.
            value: How high the burst is.
            who: Only bursts of the same name count.
            alarms: Whether it would be stated otherwise. What would not is remembered only if it was expected.
        """
        if not alarms and slot not in self._episodes:
            return False
        episodes = self._episodes.setdefault(slot, deque(maxlen=REMEMBERED))
        for old in [e for e in episodes if e.seen < time - _FORGOTTEN]:
            episodes.remove(old)
        going_on = next((e for e in reversed(episodes) if e.who == who and time - e.last < APART), None)
        before = [e for e in episodes if e is not going_on and e.who == who and e.height >= ALIKE * value]
        known = self._known(before, time if going_on is None else going_on.begin, time)
        if not alarms:
            # Its time stays what it was: noise around it must not shift it from night to night.
            for place, e in enumerate(episodes):
                if e in known:
                    episodes[place] = e._replace(seen=time)
            return bool(known)
        height = min(value, max(e.height for e in known)) if known else value
        if going_on is not None:
            episodes.remove(going_on)
            now = _Episode(going_on.begin, time, max(going_on.height, height), who, time)
        else:
            now = _Episode(time, time, height, who, time)
            for old in [e for e in episodes if _replaced(e, episodes[-1])]:
                episodes.remove(old)
        episodes.append(now)
        return bool(known)

    def _known(self, before: list[_Episode], begin: int, time: int) -> list[_Episode]:
        """Earlier episodes that make a burst at a time expected; none if it is not."""
        at_time = [e for e in before if _same_time(e, begin, time)]
        if at_time:
            return at_time
        on_the_hour = [
            e for e in before if time - e.seen < DAY_US and e.covers(begin, time, HOUR_US, SAME_MINUTE)
        ]
        if self._hours is not None and len(on_the_hour) >= self._hours:
            return on_the_hour
        of_week = [e for e in before if e.last >= time - WEEK_US]
        return of_week if self._times is not None and len(of_week) >= self._times else []

    def began(self, slot: int) -> int:
        """Start of an entity's latest episode, microseconds; there must have been one."""
        return self._episodes[slot][-1].begin

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode(
            [(slot, [tuple(e) for e in episodes]) for slot, episodes in sorted(self._episodes.items())]
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        kept = decode(content, list[tuple[int, list[tuple[int, int, float, str, int]]]], "recurrence")
        check(all(len(episodes) <= REMEMBERED for _, episodes in kept), "recurrence")
        self._episodes = {
            slot: deque((_Episode(*e) for e in episodes), maxlen=REMEMBERED) for slot, episodes in kept
        }


def _same_time(episode: _Episode, begin: int, time: int) -> bool:
    if not episode.covers(begin, time, DAY_US, SAME_TIME):
        return False
    days = round((time - episode.seen) / DAY_US)
    return days <= 7 or days in _MONTH


def _replaced(old: _Episode, later: _Episode) -> bool:
    """Whether nothing is lost if an episode is forgotten for a later one that is over."""
    return (
        old.who == later.who
        and old.height <= later.height
        and old.last - old.begin <= later.last - later.begin
        and later.begin - old.last >= _SETTLED
        and old.covers(later.begin, later.begin, DAY_US, SAME_TIME)
    )

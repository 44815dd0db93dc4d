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
AS_HIGH: Final = 1.25
"""A single one that began an hour before, give or take a minute, is enough where it was as high, give or take this
factor: by chance one burst in twenty begins then, and of these one in five is as high as another."""
NEARLY: Final = 0.5
"""Part of the threshold from which a burst that was expected is remembered: it is not as surprising every night."""
FAINT_HOURS: Final = 3
FAINT_NIGHTS: Final = 2
"""Times that make a burst normal which was hardly ever high enough to be told, at its minute of the hour (within a day)
and at its time of the day: as many as tell `Clockwork` that a surprise comes by the clock."""
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
        faint: It never alarmed.
    """

    begin: int
    last: int
    height: float
    who: str
    seen: int
    faint: bool = False

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
    the hour within the last day, or an hour before if that was to the minute and as high; or `TIMES` times in the
    last week at whatever times. A burst that is higher than these is not. One that was expected counts as no higher
    than what made it so: what grows from night to night is told again once it has doubled.

    A burst of one window that alarms on some days only is there on all of them none the less. So those that nearly
    alarm are remembered too, as faint ones, of which `FAINT_HOURS` or `FAINT_NIGHTS` by the clock are needed, and
    which do not count at whatever times.
    """

    def __init__(self, *, times: int | None = TIMES, hours: int | None = HOURS, after: int = 0) -> None:
        """Say how many episodes make a burst normal, None where none do; one at its time of the day always does.

        Args:
            times: Of a week, at whatever times. hours: Of a day, at its minute of the hour.
            after: For how long a burst may still be seen when it is over, microseconds.
        """
        self._times, self._hours, self._after = times, hours, after
        self._episodes: dict[int, deque[_Episode]] = {}

    def expects(self, slot: int, time: int, value: float, who: str = "", *, alarms: bool = True) -> bool:
        """Say whether a burst is one of those that came before, and remember it.

        Args:
            slot: The entity.
            time: Start of the window, microseconds; windows come in order.
            value: How high the burst is.
            who: Only bursts of the same name count.
            alarms: Whether it would be stated otherwise. What would not is remembered as faint.
        """
        episodes = self._episodes.setdefault(slot, deque(maxlen=REMEMBERED))
        for old in [e for e in episodes if e.seen < time - _FORGOTTEN]:
            episodes.remove(old)
        going_on = next(
            (
                e
                for e in reversed(episodes)
                # One that alarms does not begin with the noise before it.
                if e.who == who and time - e.last < APART and not (e.faint and alarms)
            ),
            None,
        )
        before = [e for e in episodes if e is not going_on and e.who == who and e.height >= ALIKE * value]
        begin = time if going_on is None else going_on.begin
        known = self._known(before, begin, time, value)
        if not alarms:
            for place, e in enumerate(episodes):
                if e in known:
                    episodes[place] = e._replace(seen=time)
            # Its time stays what it was: noise around it must not shift it from night to night.
            at_time = any(_same_time(e, begin, time) for e in known)
            if at_time or (going_on is not None and not going_on.faint):
                return bool(known)
        height = min(value, max(e.height for e in known)) if known else value
        if going_on is not None:
            episodes.remove(going_on)
            now = _Episode(going_on.begin, time, max(going_on.height, height), who, time, not alarms)
        else:
            now = _Episode(time, time, height, who, time, not alarms)
            for old in [e for e in episodes if _replaced(e, episodes[-1])]:
                episodes.remove(old)
        if len(episodes) == REMEMBERED:
            # What nearly alarmed must not make what did forgotten.
            gone = next((e for e in episodes if e.faint), None if now.faint else episodes[0])
            if gone is None:
                return bool(known)
            episodes.remove(gone)
        episodes.append(now)
        return bool(known)

    def _known(self, before: list[_Episode], begin: int, time: int, value: float) -> list[_Episode]:
        """Earlier episodes that make a burst at a time expected; none if it is not."""
        at_time = [e for e in before if _same_time(e, begin, time, self._after)]
        nights = {round((begin - e.begin) / DAY_US) for e in at_time if e.faint}
        if len(nights) >= FAINT_NIGHTS or not all(e.faint for e in at_time):
            return at_time
        if self._hours is not None:
            of_day = [e for e in before if time - e.seen < DAY_US]
            on_the_hour = [e for e in of_day if e.covers(begin, time, HOUR_US, SAME_MINUTE)]
            told = [e for e in on_the_hour if not e.faint]
            if len(told) >= self._hours or len(on_the_hour) >= FAINT_HOURS:
                return on_the_hour
            alike = [
                e
                for e in told
                if begin - e.begin <= HOUR_US + MINUTE_US
                and e.covers(begin, time, HOUR_US, MINUTE_US)
                and value / AS_HIGH <= e.height <= AS_HIGH * value
            ]
            if alike:
                return alike
        of_week = [e for e in before if not e.faint and e.last >= time - WEEK_US]
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
        # States of earlier versions know nothing of faint ones.
        kept = decode(content, list[tuple[int, list[_Episode]]], "recurrence")
        check(all(len(episodes) <= REMEMBERED for _, episodes in kept), "recurrence")
        self._episodes = {slot: deque(episodes, maxlen=REMEMBERED) for slot, episodes in kept}


def _same_time(episode: _Episode, begin: int, time: int, after: int = 0) -> bool:
    if not episode.covers(begin, max(begin, time - after), DAY_US, SAME_TIME):
        return False
    days = round((time - episode.seen) / DAY_US)
    return days <= 7 or days in _MONTH


def _replaced(old: _Episode, later: _Episode) -> bool:
    """Whether nothing is lost if an episode is forgotten for a later one that is over."""
    return (
        old.who == later.who
        and not old.faint
        and not later.faint
        and old.height <= later.height
        and old.last - old.begin <= later.last - later.begin
        and later.begin - old.last >= _SETTLED
        and old.covers(later.begin, later.begin, DAY_US, SAME_TIME)
    )

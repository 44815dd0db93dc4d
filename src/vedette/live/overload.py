"""When there is more than can be looked at: which share of it is, so that the service does not fall behind.

Being behind alone is no overload: a service that starts on a week of old logs is behind, and catches up. It is
overloaded when it is behind by more than it may be, and is falling further behind.
"""

import msgspec

LEAST = 1 / 64
"""The smallest share."""


class Overload(msgspec.Struct):
    """Decides the share from how far behind the service is. Pure: the clock is passed in.

    Args:
        most_behind: How far behind it may be, microseconds of event time behind the clock.
        look_every: How often it is decided anew, microseconds.
    """

    most_behind: int
    look_every: int = 10_000_000
    share: float = 1.0
    _looked: int | None = None
    _behind: int = 0
    _calm: int = 0

    def look(self, now: int, behind: int | None, waiting: int) -> float:
        """The share of requests to look at from now on.

        Args:
            now: The clock, microseconds.
            behind: How far the newest line taken is behind the clock, microseconds; None before the first.
            waiting: Bytes that are there and not taken.
        """
        if behind is None:
            return self.share
        if self._looked is None:
            self._looked, self._behind = now, behind
            return self.share
        if now - self._looked < self.look_every:
            return self.share
        growing = behind > self._behind
        if waiting and growing and behind > self.most_behind:
            self.share = max(LEAST, self.share / 2)
            self._calm = 0
        elif waiting == 0 or behind < self.most_behind // 2:
            self._calm += 1
            # Twice as quick down as up: a share that swings helps nobody.
            if self._calm >= 2 and self.share < 1.0:
                self.share = min(1.0, self.share * 2)
                self._calm = 0
        self._looked, self._behind = now, behind
        return self.share

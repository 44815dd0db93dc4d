"""What the live thread has done so far, for those who ask how it is doing."""

import msgspec


class Work(msgspec.Struct):
    """Written by the live thread, read by any.

    Attributes:
        bytes, batches: Taken. seconds: Spent in judging them.
        newest: The newest line's own time; seen_at: when it was judged. Microseconds, None before the first.
    """

    bytes: int = 0
    batches: int = 0
    seconds: float = 0.0
    newest: int | None = None
    seen_at: int | None = None

    def took(self, size: int, seconds: float) -> None:
        """Count a delivery."""
        self.bytes += size
        self.batches += 1
        self.seconds += seconds

    def saw(self, time: int, now: int) -> None:
        """Note the newest time of a batch that was judged at `now`."""
        if time <= now:  # a time ahead of the clock says nothing about how far behind we are
            self.newest, self.seen_at = time, now

    @property
    def lag_us(self) -> int | None:
        """How far behind the clock the last batch's newest line was when it was judged."""
        return None if self.newest is None or self.seen_at is None else self.seen_at - self.newest

    def behind_us(self, now: int, *, idle_after: int, kept_up: bool) -> int | None:
        """How far behind the clock judging is at `now`; None before the first line.

        Args:
            idle_after: How long nothing may have come until nobody is behind with anything, microseconds.
            kept_up: Whether next to nothing that is there waits to be judged.
        """
        if self.newest is None or self.seen_at is None:
            return None
        if not kept_up:
            return max(now, self.seen_at) - self.newest
        return self.seen_at - self.newest if now - self.seen_at < idle_after else 0

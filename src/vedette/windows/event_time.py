"""Event time of a stream of rows: how far it is, by the rows or as it is told, and which rows come too late for it."""

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.windows.rows import cut_time
from vedette.kernels.windows.windows import BEGINNING, mark_late
from vedette.schema.spans import DAY_US, HOUR_US
from vedette.schema.state import check
from vedette.windows.layout import SECONDS_BITS

_LONGEST_REST: Final = 31 * DAY_US
"""Between two of the last rows of a log; what is further ahead is a clock that is wrong."""


def jump_of(lateness: int) -> int:
    """How far ahead a time may be to be believed at once, where rows may be so late; microseconds."""
    return max(HOUR_US, 2 * lateness)


class Timed(msgspec.Struct):
    """How a batch's rows stand in event time.

    Attributes:
        window: int64 (n,), numbers. second: uint8 (n,), place within it. late: uint8 (n,).
        reached: int64 (n,), event time once each row had come, microseconds; it never goes back. Rows of windows that
            it has left behind by the lateness are late from there on.
    """

    window: NDArray[np.int64]
    second: NDArray[np.uint8]
    late: NDArray[np.uint8]
    reached: NDArray[np.int64]


EventTimeState: TypeAlias = tuple[int, int, int]
"""Event time, how many rows in a row are far ahead of it, and the earliest of their times; microseconds."""


class EventTime:
    """Follows the times of rows, without believing a single one that is far ahead.

    Args:
        span: Length of a window, microseconds. lateness: How far behind event time a window closes.
        jump: How far ahead a time may be to be believed at once, microseconds; more than the lateness.
        own: Whether event time follows the rows. Otherwise it is told.
    """

    def __init__(self, span: int, lateness: int, jump: int, *, own: bool) -> None:
        self._span, self._lateness, self._jump, self._own = span, lateness, jump, own
        self._clock = np.array([BEGINNING, 0, 0], dtype=np.int64)

    @property
    def begun(self) -> bool:
        """Whether there was any."""
        return self.now != BEGINNING

    @property
    def now(self) -> int:
        """Microseconds: the latest time that is believed."""
        return int(self._clock[0])

    @property
    def watermark(self) -> int:
        """Event time (microseconds) up to which windows are closed."""
        return self.now - self._lateness

    @property
    def believed_next(self) -> int | None:
        """Where event time goes once enough rows have come that are far ahead of it; None if the last row was not."""
        return int(self._clock[2]) if self._clock[1] else None

    @property
    def open_from(self) -> int:
        """Number of the first window that is not closed."""
        return self.watermark // self._span

    @property
    def unbelieved_from(self) -> int:
        """Number of the first window that is too far ahead for a row's time to be believed."""
        return (self.now + self._jump) // self._span + 1

    def ends_before(self, held: Sequence[int]) -> int:
        """Number of the first window, at the end of the input, that nobody believes.

        Times far ahead that event time never followed are somebody's mistakes, unless they are the last there
        are: a log may end soon after a long silence, or have hours between its rows.

        Args:
            held: Numbers of the windows that hold rows, in order.
        """
        now, ahead, earliest = self._clock.tolist()
        last = max(now, earliest) if ahead else now
        limit = int((last + self._jump) // self._span) + 1
        if ahead:
            for number in held:
                if limit <= number <= limit + _LONGEST_REST // self._span:
                    limit = number + 1
        return limit

    def advance(self, until: int) -> None:
        """Let it reach `until`, microseconds; it never goes back."""
        self._clock[0] = max(self.now, until)

    def settle(self) -> None:
        """Let the window that it is in, and all before, be closed."""
        self._clock[0] = (self.now // self._span + 1) * self._span + self._lateness

    def follow(
        self,
        time: NDArray[np.int64],
        known_late: NDArray[np.uint8] | None = None,
        reached: NDArray[np.int64] | None = None,
    ) -> Timed:
        """Follow a batch's rows, if it may, and say which of them come too late.

        Args:
            time: int64 (n,), microseconds.
            known_late: uint8 (n,), rows that come too late whatever event time is, None for none; only where it is
                told.
            reached: int64 (n,), there too: where event time would be, had it been told after each row; None where it
                does not move within a batch.
        """
        n = len(time)
        window, second = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.uint8)
        cut_time(time, self._span, SECONDS_BITS, window, second)
        followed = np.full(n, self.now)
        if self._own:
            late = np.zeros(n, dtype=np.uint8)
            mark_late(time, self._clock, self._lateness, self._jump, self._span, late, followed)
            return Timed(window, second, late, followed)
        late = (window < self.open_from).astype(np.uint8)
        if known_late is not None:
            late |= known_late
        if reached is not None:
            followed = np.maximum(followed, reached)
        return Timed(window, second, late, followed)

    def to_state(self) -> EventTimeState:
        """Where it is."""
        now, ahead, earliest = self._clock.tolist()
        return now, ahead, earliest if ahead else 0

    def from_state(self, state: EventTimeState, lateness: int, what: str) -> None:
        """Go on from there; where more lateness is allowed now, windows that have closed stay closed.

        Args:
            state: From `to_state`. lateness: What it was then, microseconds. what: Whose state it is, for the message.

        Raises:
            StateError: Damaged.
        """
        now, ahead, earliest = state
        check(all(abs(time) <= -BEGINNING for time in state) and ahead >= 0, what)
        self._clock[:] = now + max(0, self._lateness - lateness), ahead, earliest

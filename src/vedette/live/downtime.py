"""What is missed while the service is down: what is pushed then, and by nobody sent again."""

import msgspec
import numpy as np

from vedette.engine.batch import Batch
from vedette.engine.unwatched import Unwatched
from vedette.schema.state import decode, encode

MOST = 4096
"""Services that are remembered as pushed; what further ones miss may be told as a drop."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    at: int
    services: list[str]
    start: int
    end: int


class Downtime:
    """Which services are pushed, and when nobody was there to take what was.

    Files and stores keep what comes meanwhile; it is read afterwards, and their silence is true.

    Args:
        back: How long senders take to come back, microseconds.
    """

    def __init__(self, back: int) -> None:
        self._back = back
        self._pushed: set[str] = set()
        self.unwatched = Unwatched()

    def saw(self, batch: Batch) -> None:
        """Take note of pushed requests."""
        for number in np.unique(batch.service).tolist():
            if len(self._pushed) < MOST:
                self._pushed.add(batch.services[number])

    def to_state(self, at: int) -> bytes:
        """All of it, as bytes; `at` is the caller's clock, microseconds."""
        span = self.unwatched
        return encode(_State(at, sorted(self._pushed), span.start, span.end))

    def from_state(self, content: bytes, at: int, closed: int) -> None:
        """Go on after a stop.

        Args:
            content: What `to_state` gave when it was kept last. at: The caller's clock.
            closed: Event time up to which windows are closed: what was missed before matters no longer.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        state = decode(content, _State, "downtime")
        self._pushed = set(state.services[:MOST])
        # Stopped again before the windows of the last stop were judged: both were one.
        start = min(state.start, state.at) if state.end > closed else state.at
        self.unwatched = Unwatched(frozenset(self._pushed), start, at + self._back)

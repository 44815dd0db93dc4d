"""A source of lines that are there from the start, and a clock that is turned by hand."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from vedette.live.live import Live
from vedette.sources.source import Delivery, SourceState, SourceStatus


@dataclass(slots=True)
class Clock:
    """Microseconds; stands still until it is told otherwise."""

    now: int = 0

    def __call__(self) -> int:
        """The time."""
        return self.now


@dataclass(slots=True)
class Lines:
    """A source that delivers given lines, as many at a time as `sizes` says, then one by one."""

    lines: Sequence[bytes]
    sizes: list[int] = field(default_factory=list)
    name: str = "lines"
    kept: list[bytes] = field(default_factory=list)
    at: int = 0

    def open(self, position: bytes | None) -> None:
        """See `Source`."""
        self.at = 0 if position is None else json.loads(position)

    def take(self, room: int) -> Sequence[Delivery]:
        """See `Source`."""
        size = self.sizes.pop(0) if self.sizes else 200
        taken = self.lines[self.at : self.at + size]
        if not taken:
            return ()
        first = self.at + 1
        self.at += len(taken)
        return [Delivery("test.log", b"".join(taken), json.dumps(self.at).encode(), first)]

    def pending(self) -> Sequence[str]:
        """See `Source`."""
        return ["test.log"] if self.at < len(self.lines) else []

    def committed(self, position: bytes) -> None:
        """See `Source`."""
        self.kept.append(position)

    def status(self) -> SourceStatus:
        """See `Source`."""
        left = sum(map(len, self.lines[self.at :]))
        return SourceStatus(self.name, SourceState.READING if left else SourceState.ENDED, "", left, {})

    def close(self) -> None:
        """See `Source`."""


def run_for(running: Live, clock: Clock, chance: Random, turns: int | None) -> None:
    """Let a service take so many turns, up to three seconds apart; None for all that there are, and drain it then."""
    left = 1 << 30 if turns is None else turns
    while left and running.turn():
        clock.now += chance.randrange(3_000_000)
        left -= 1
    if turns is None:
        running.drain(clock.now + 1_000_000)

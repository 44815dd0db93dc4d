"""What a live source is to the rest of the program."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

POSITION_BYTES = 1 << 20
"""Longest position that a source may hand out: about a hundred bytes for each file that is followed."""


class Delivery(msgspec.Struct, frozen=True):
    """Whole lines of one stream.

    Attributes:
        stream: Whose lines these are: a file's path, a sender, a set of labels. A format is found, and a format's
            state kept, per stream.
        lines: The lines, each with its newline.
        position: Where the source stands behind these lines: whoever opens it there gets what follows, once.
            Empty for all but the last of one `take`: those are kept (committed) together.
        first_line: 1-based number of the first line in its stream, as far as the source can tell.
        service: The service that all lines belong to, if the source knows.
        format: Name of the lines' format, if the source knows.
    """

    stream: str
    lines: bytes
    position: bytes
    first_line: int = 1
    service: str | None = None
    format: str | None = None


class SourceState(StrEnum):
    """What a source is doing."""

    WAITING = "waiting"
    """There is nothing to read now."""
    READING = "reading"
    FAILED = "failed"
    """It cannot be read; it is tried again."""
    ENDED = "ended"
    """There will be nothing more."""


class SourceStatus(msgspec.Struct, frozen=True):
    """How a source is doing.

    Attributes:
        name: Its name. state: What it is doing.
        reason: Why it failed, ended or waits, in one sentence with the remedy; empty if all is well.
        behind: Bytes (a file, the journal) that are there and have not been taken, None where nobody can know.
        dropped: What was lost, by reason, since it was opened: lines, or what the reason names (`bytes_...`,
            `files_...`).
    """

    name: str
    state: SourceState
    reason: str
    behind: int | None
    dropped: dict[str, int]

    @property
    def fault(self) -> str:
        """Why it cannot be read, with its name; empty if it can."""
        return f"{self.name}: {self.reason}" if self.reason and self.state is SourceState.FAILED else ""


class Source(Protocol):
    """Where lines come from, live. Used by one thread, but for `status`, which any may call.

    Nothing waits: a source that has nothing returns nothing. What cannot be read now is no exception but a
    status; it is tried again, with growing pauses.
    """

    @property
    def name(self) -> str:
        """Unique among the sources of a service, and the same after a restart: positions are kept under it."""
        ...

    def open(self, position: bytes | None) -> None:
        """Begin behind `position`, which this source handed out before; None is its configured beginning.

        Raises:
            SourceError: The position is not this source's.
        """
        ...

    def take(self, room: int) -> Sequence[Delivery]:
        """What has come since, the oldest first, about `room` bytes at most. What is left over waits where it is."""
        ...

    def pending(self) -> Sequence[str]:
        """Streams that have something now which was not taken: event time waits for them."""
        ...

    def committed(self, position: bytes) -> None:
        """Everything up to `position` is kept for good: what was held for a restart can go."""
        ...

    def status(self) -> SourceStatus:
        """How it is doing."""
        ...

    def close(self) -> None:
        """Let go of files and sockets."""
        ...

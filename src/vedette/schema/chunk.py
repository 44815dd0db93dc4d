"""What sources hand to parsers, and what parsers hand on."""

from enum import StrEnum
from typing import ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.requests import Requests

PADDING = 64
"""Bytes after a chunk's last byte that a kernel may read: newlines, written by whoever fills the buffer."""
_NEWLINE = ord("\n")


class Chunk(msgspec.Struct):
    r"""Whole lines of one source.

    Attributes:
        source: Name of the source.
        buffer: uint8, shape (capacity,). `buffer[:length]` are the lines; then `PADDING` bytes of b"\n".
            The parser may use what follows (`buffer[length + PADDING:]`) for unescaped text; the capacity is
            at least `2 * length + 2 * PADDING`.
        length: Bytes used. The last line may lack its newline only at the end of the source.
        first_line: 1-based number of the first line.
        newlines: How many there are among the bytes used, if whoever filled the buffer has counted them.
    """

    source: str
    buffer: NDArray[np.uint8]
    length: int
    first_line: int
    newlines: int | None = None

    @classmethod
    def of(cls, text: bytes, source: str = "-", first_line: int = 1) -> "Chunk":
        """Copy lines into a chunk of their own (samples, single requests, tests)."""
        length = len(text)
        room = np.empty(2 * (length + PADDING), dtype=np.uint8)
        room[:length] = np.frombuffer(text, dtype=np.uint8)
        room[length : length + PADDING] = _NEWLINE
        return cls(source, room, length, first_line)


class SkipReason(StrEnum):
    """Why a line is not a request."""

    BLANK = "blank"
    COMMENT = "comment"
    NO_TIME = "no_time"
    BAD_TIME = "bad_time"
    NOT_THIS_FORMAT = "not_this_format"
    BAD_JSON = "bad_json"
    TOO_LONG = "too_long"
    BINARY = "binary"
    OTHER_EVENT = "other_event"


class Skips(msgspec.Struct):
    """Lines that are not requests: how many for each reason, and the first few as samples."""

    counts: dict[SkipReason, int] = msgspec.field(default_factory=dict)
    samples: list[tuple[SkipReason, int, bytes]] = msgspec.field(default_factory=list)
    """(reason, line number, first bytes of the line)."""

    SAMPLES_PER_REASON: ClassVar[int] = 3
    SAMPLE_BYTES: ClassVar[int] = 200

    def add(self, reason: SkipReason, line: int, text: bytes) -> None:
        """Count one line."""
        seen = self.counts.get(reason, 0)
        self.counts[reason] = seen + 1
        if seen < self.SAMPLES_PER_REASON:
            self.samples.append((reason, line, text[: self.SAMPLE_BYTES]))

    def merge(self, other: "Skips") -> None:
        """Add another batch's skips, keeping the earliest samples."""
        for sample in other.samples:
            if sum(s[0] is sample[0] for s in self.samples) < self.SAMPLES_PER_REASON:
                self.samples.append(sample)
        for reason, count in other.counts.items():
            self.counts[reason] = self.counts.get(reason, 0) + count

    @property
    def total(self) -> int:
        """Lines skipped, for any reason."""
        return sum(self.counts.values())


class Parsed(msgspec.Struct):
    """What one chunk held.

    Attributes:
        requests: Its requests. skips: Its skipped lines. lines: How many lines it had.
        joined: Those of them that are parts of a later line, less those that after all are not.
        cut_lines, cut_bytes: Lines too long once their parts were joined, and the bytes that they lost.
        shape: uint8, of each request which of its format's shapes its line has; None where that is not known.
    """

    requests: Requests
    skips: Skips
    lines: int
    joined: int = 0
    cut_lines: int = 0
    cut_bytes: int = 0
    shape: NDArray[np.uint8] | None = None

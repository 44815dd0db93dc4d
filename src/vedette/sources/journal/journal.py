"""The journal: where lines that are pushed wait on disk until they are taken in and kept for good.

Any thread appends, and answers its sender after `sync`; one thread takes. Only what is synced is taken.
"""

import fcntl
import os
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from errno import EAGAIN, EDQUOT, ENOSPC
from pathlib import Path
from threading import Condition

import numpy as np
from msgspec.structs import replace

from vedette.schema.errors import VedetteError
from vedette.sources.errors import SourceError, SourceProblem
from vedette.sources.journal.gathering import Gathered
from vedette.sources.journal.record import HEAD_BYTES, RECORD_BYTES, Label, record
from vedette.sources.journal.segments import (
    ReadSegment,
    WrittenSegment,
    cut_torn_end,
    numbering_in,
    numbers_in,
    segment_path,
)
from vedette.sources.long_lines import LINE_BYTES, LongLines
from vedette.sources.source import Delivery, SourceState, SourceStatus

CAPACITY_BYTES = 512 << 20
SEGMENT_BYTES = 16 << 20
"""A segment is closed when it has as many: what is kept beyond what waits is at most one of them."""
RETRY_AFTER_S = 5.0
PROBE_US = 5_000_000
"""While it cannot be written, it is looked so often whether it can be again, also when nobody sends."""
NAME_BYTES = 1024
"""Longest name of a stream, in UTF-8; the rest is cut off."""
MOST_STREAMS = 4096
"""Streams whose lines are numbered; when there are more, numbering starts anew."""
_POSITION = struct.Struct(">BQQ")
_VERSION = 1
_PROBE_BYTES = 1 << 16
_NEWLINE = ord("\n")
_FEW_BYTES = 1024


class JournalError(VedetteError):
    """Lines were not taken; they are to be sent again.

    Attributes:
        retry_after_s: When that may help.
        full: Whether the journal has as much as it may hold; else the disk failed.
    """

    def __init__(self, reason: str, *, full: bool) -> None:
        super().__init__(f"journal: {reason}")
        self.reason = reason
        self.full = full
        self.retry_after_s = RETRY_AFTER_S


class Journal:
    """A bounded queue of lines on disk, and the source that gives them out.

    Args:
        directory: Where it lies; made if missing, and used by one process at a time.
        clock: Microseconds since the epoch.
        capacity: Most bytes on disk.
        segment_bytes: Bytes from which a segment is closed.
        line_bytes: Longest line that is kept whole.

    Raises:
        SourceError: The directory cannot be used.
    """

    name = "journal"

    def __init__(
        self,
        directory: Path,
        clock: Callable[[], int],
        *,
        capacity: int = CAPACITY_BYTES,
        segment_bytes: int = SEGMENT_BYTES,
        line_bytes: int = LINE_BYTES,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._capacity = capacity
        self._segment_bytes = min(segment_bytes, max(capacity // 8, 1))
        self._changed = Condition()
        self._ends: dict[int, int] = {}
        self._found: Sequence[int] = ()
        """Segments that were there at the start: lines may have come since, and positions are of those from before."""
        self._writing: WrittenSegment | None = None
        self._syncing = False
        self._numbering: dict[str, int] = {}
        self._long = LongLines(line_bytes)
        self._refused = 0
        self._refusing = False
        self._trouble = ""
        self._probed = 0
        self._at = (0, HEAD_BYTES)
        self._damage: dict[str, int] = {}
        self._reading: ReadSegment | None = None
        try:
            self._lock = self._begin()
        except OSError as error:
            raise SourceError(
                str(directory),
                SourceProblem.UNREADABLE,
                f"the journal cannot be kept there: {error.strerror}; name a directory that can be written to",
            ) from None

    def append(
        self,
        stream: str,
        lines: bytes,
        *,
        service: str | None = None,
        format: str | None = None,  # noqa: A002 -- the word of the whole program
    ) -> None:
        """Add lines; once `sync` returns they survive.

        Raises:
            JournalError: They were not added.
        """
        if not lines:
            return
        stream = stream.encode("utf-8", "replace")[:NAME_BYTES].decode("utf-8", "ignore")
        with self._changed:
            if self._lock < 0:
                raise JournalError("closed: the service is ending", full=False)
            if self._used() + len(lines) > self._capacity:
                self._refused += len(lines)
                self._refusing = True
                raise JournalError(self._full_reason(), full=True)
            self._refusing = False
            for piece in self._pieces(lines):
                self._append(stream, service, format, piece)

    def sync(self) -> None:
        """Wait until everything appended before is on the disk. Calls at the same time share one write.

        Raises:
            JournalError: The disk failed; of what was not synced before, nothing is kept.
        """
        with self._changed:
            if (segment := self._writing) is None:
                return
            number, goal = segment.number, segment.written
            # A segment that is gone was taken in, and only what is synced is.
            while self._ends.get(number, goal) < goal:
                if not self._is_written(number):
                    raise JournalError(self._trouble or "the lines could not be written", full=False)
                if self._syncing:
                    self._changed.wait()
                else:
                    self._flush(segment)

    def open(self, position: bytes | None) -> None:
        """See `Source`."""
        if position is None:
            return
        if len(position) != _POSITION.size or position[0] != _VERSION:
            raise SourceError(
                self.name,
                SourceProblem.DAMAGED,
                "its position cannot be read; forget it to take in again what still waits",
            )
        _, number, offset = _POSITION.unpack(position)
        with self._changed:
            # The segment of a position is always kept: where there are only older ones, the journal is another.
            if number in self._found or any(other > number for other in self._found):
                self._at = number, offset

    def take(self, room: int) -> Sequence[Delivery]:
        """See `Source`."""
        self._probe()
        with self._changed:
            ends = sorted((number, end) for number, end in self._ends.items() if number >= self._at[0])
        gathered = Gathered()
        try:
            for number, end in ends:
                if gathered.bytes >= room:
                    break
                if number > self._at[0]:
                    self._at = number, HEAD_BYTES
                while gathered.bytes < room and self._at[1] < end:
                    self._read(end, room, gathered)
        except OSError as error:
            self._trouble = f"cannot be read: {error.strerror}"
        deliveries = gathered.deliveries()
        if deliveries:
            deliveries[-1] = replace(deliveries[-1], position=_POSITION.pack(_VERSION, *self._at))
        return deliveries

    def pending(self) -> Sequence[str]:
        """See `Source`. Lines wait in the order in which they came, so nobody has to wait for another."""
        return ()

    def committed(self, position: bytes) -> None:
        """See `Source`: whole segments before it go."""
        _, number, _ = _POSITION.unpack(position)
        with self._changed:
            done = [other for other in self._ends if other < number]
            for other in done:
                try:
                    segment_path(self._directory, other).unlink(missing_ok=True)
                except OSError as error:
                    self._trouble = f"what was taken in cannot be removed: {error.strerror}"
                    return
                del self._ends[other]
                self._refusing = False

    def status(self) -> SourceStatus:
        """See `Source`."""
        with self._changed:
            number, offset = self._at
            behind = sum(max(e - HEAD_BYTES, 0) for n, e in self._ends.items() if n > number)
            behind += max(self._ends.get(number, 0) - offset, 0)
            reason = self._trouble or (self._full_reason() if self._refusing else "")
            dropped = dict(self._damage)
            if self._long.lines:
                dropped |= {"lines_cut": self._long.lines, "bytes_cut": self._long.bytes}
            if self._refused:
                dropped["bytes_refused"] = self._refused
        state = SourceState.FAILED if reason else SourceState.READING if behind else SourceState.WAITING
        return SourceStatus(self.name, state, reason, behind, dropped)

    def close(self) -> None:
        """See `Source`. What was appended and not synced may be lost."""
        with self._changed:
            if self._writing is not None:
                self._writing.close()
                self._writing = None
            if self._reading is not None:
                self._reading.close()
                self._reading = None
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1

    def _begin(self) -> int:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._found = numbers = numbers_in(self._directory)
            for number in numbers:
                self._ends[number] = segment_path(self._directory, number).stat().st_size
            if numbers:
                path = segment_path(self._directory, numbers[-1])
                self._ends[numbers[-1]] = cut_torn_end(path)
                self._numbering = numbering_in(path)
        except BlockingIOError:
            os.close(lock)
            raise BlockingIOError(EAGAIN, "another process uses it") from None
        except BaseException:
            os.close(lock)
            raise
        return lock

    def _is_written(self, number: int) -> bool:
        return self._writing is not None and self._writing.number == number

    def _append(self, stream: str, service: str | None, form: str | None, lines: bytes) -> None:
        first = self._numbering.get(stream, 1)
        label = Label(stream, service, form, first, _count(lines))
        try:
            segment = self._segment()
            segment.write(record(segment.marker, label, lines))
        except OSError as error:
            self._trouble = f"cannot be written: {error.strerror}; senders are told to come back"
            raise JournalError(self._trouble, full=error.errno in (ENOSPC, EDQUOT)) from None
        if len(self._numbering) >= MOST_STREAMS and stream not in self._numbering:
            self._numbering.clear()
        self._numbering[stream] = first + label.lines

    def _segment(self) -> WrittenSegment:
        """The segment to write to. Raises OSError, JournalError."""
        while self._syncing and self._writing is not None and self._writing.written >= self._segment_bytes:
            self._changed.wait()
        segment = self._writing
        if segment is not None and segment.written >= self._segment_bytes:
            self._flush(segment)
            if self._writing is segment:
                segment.close()
                self._writing = None
        if self._writing is None:
            number = max(self._ends, default=self._at[0]) + 1
            self._writing = WrittenSegment(self._directory, number)
            self._ends[number] = 0
        return self._writing

    def _flush(self, segment: WrittenSegment) -> None:
        """Sync what was written, letting others append meanwhile."""
        goal, failure = segment.written, None
        self._syncing = True
        self._changed.release()
        try:
            segment.flush()
        except OSError as error:
            failure = error
        finally:
            self._changed.acquire()
            self._syncing = False
        if failure is None:
            segment.synced = self._ends[segment.number] = goal
            self._trouble = ""
        else:
            # After a failed sync nobody knows what is on the disk: what was not synced before is taken back.
            self._trouble = f"cannot be written: {failure.strerror}; senders are told to come back"
            with suppress(OSError):
                segment.take_back()
            segment.close()
            self._writing = None
        self._changed.notify_all()

    def _pieces(self, lines: bytes) -> list[bytes]:
        """Whole lines, in pieces that fit a record."""
        if not lines.endswith(b"\n"):
            lines += b"\n"
        if len(lines) > self._long.line_bytes:
            memory = bytearray(lines)
            end, _ = self._long.cut(memory, memoryview(memory), len(memory))
            lines = bytes(memory[:end])
        pieces = []
        at = 0
        while at < len(lines):
            end = lines.rfind(b"\n", at, at + RECORD_BYTES) + 1
            pieces.append(lines[at:end])
            at = end
        return pieces

    def _used(self) -> int:
        writing = self._writing
        unsynced = 0 if writing is None else writing.written - self._ends[writing.number]
        return sum(self._ends.values()) + unsynced

    def _probe(self) -> None:
        """Notice that a disk that failed takes something again."""
        if not self._trouble or self._clock() - self._probed < PROBE_US:
            return
        self._probed = self._clock()
        path = self._directory / "probe"
        try:
            path.write_bytes(bytes(_PROBE_BYTES))
        except OSError:
            return
        else:
            self._trouble = ""
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _full_reason(self) -> str:
        return (
            f"full: {self._capacity} bytes wait to be taken in; senders are told to come back "
            "(raise live.journal_bytes, or see why the service is behind)"
        )

    def _read(self, end: int, room: int, gathered: Gathered) -> None:
        """Gather records from the current segment. Raises OSError."""
        number, offset = self._at
        if self._reading is None or self._reading.number != number:
            if self._reading is not None:
                self._reading.close()
            self._reading = ReadSegment(segment_path(self._directory, number), number)
        found = self._reading.records(offset, end, room - gathered.bytes)
        for each in found:
            if each.label is None:
                self._damage["bytes_damaged"] = self._damage.get("bytes_damaged", 0) + each.end - offset
            else:
                gathered.add(each.label, each.lines)
            offset = each.end
            if gathered.bytes >= room:
                break
        self._at = number, offset


def _count(lines: bytes) -> int:
    """How many newlines there are."""
    if len(lines) <= _FEW_BYTES:
        return lines.count(b"\n")
    # Four times as quick as `bytes.count`, which goes byte by byte from one newline to the next.
    return int(np.count_nonzero(np.frombuffer(lines, dtype=np.uint8) == _NEWLINE))

"""The files of a journal: one after the other, the last one being written."""

import os
import re
import secrets
from pathlib import Path

from vedette.sources.journal.record import (
    HEAD_BYTES,
    MARKER_BYTES,
    Record,
    marker_of,
    next_size,
    records,
    segment_head,
)

_NAME = re.compile(r"([0-9]{12})\.journal")


def segment_path(directory: Path, number: int) -> Path:
    """Where a segment lies."""
    return directory / f"{number:012d}.journal"


def numbers_in(directory: Path) -> list[int]:
    """The segments that are there, in order. Raises OSError."""
    found = (_NAME.fullmatch(entry.name) for entry in directory.iterdir())
    return sorted(int(match[1]) for match in found if match is not None)


def sync_directory(directory: Path) -> None:
    """Make names durable. Raises OSError."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_PIECE = 1 << 20


def cut_torn_end(path: Path) -> int:
    """Cut off what a crash left at the end of the last segment; returns how many bytes are left.

    What stands behind the last whole record was never acknowledged: had it been synced, it would be whole. Raises
    OSError.
    """
    data = path.read_bytes()
    marker = marker_of(data[:HEAD_BYTES])
    if marker is None:
        return len(data)
    end = HEAD_BYTES
    for found in records(data[HEAD_BYTES:], HEAD_BYTES, marker):
        end = found.end
    if end < len(data):
        with path.open("rb+") as file:
            file.truncate(end)
            os.fsync(file.fileno())
    return end


class WrittenSegment:
    """The segment being written. Every method raises OSError.

    Attributes:
        number: Its number.
        written: Bytes in it.
        synced: Bytes in it that survive a loss of power.
    """

    def __init__(self, directory: Path, number: int) -> None:
        self.number = number
        self.marker = secrets.token_bytes(MARKER_BYTES)
        path = segment_path(directory, number)
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self.written = self.synced = 0
        try:
            self.write(segment_head(self.marker))
            sync_directory(directory)
        except OSError:
            self.close()
            path.unlink(missing_ok=True)
            raise

    def write(self, data: bytes) -> None:
        """Append all of it, or nothing."""
        at = 0
        while at < len(data):
            # At its place: what a failed try left behind is written over.
            at += os.pwrite(self._handle, memoryview(data)[at:], self.written + at)
        self.written += len(data)

    def flush(self) -> None:
        """Wait until what was written before the call is on the disk; the caller notes so in `synced`."""
        os.fdatasync(self._handle)

    def take_back(self) -> None:
        """Drop what is not synced."""
        self.written = self.synced
        os.ftruncate(self._handle, self.synced)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)


def numbering_in(path: Path) -> dict[str, int]:
    """The number of each stream's next line, as far as a segment tells. Raises OSError."""
    data = path.read_bytes()
    marker = marker_of(data[:HEAD_BYTES])
    found = records(data[HEAD_BYTES:], HEAD_BYTES, marker) if marker is not None else ()
    return {r.label.stream: r.label.first_line + r.label.lines for r in found if r.label is not None}


class ReadSegment:
    """A segment being read. Every method raises OSError.

    Attributes:
        number: Its number.
    """

    def __init__(self, path: Path, number: int) -> None:
        self.number = number
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._marker = marker_of(os.pread(self._handle, HEAD_BYTES, 0))
        except OSError:
            self.close()
            raise

    def records(self, offset: int, end: int, room: int) -> list[Record]:
        """What stands from `offset` on, at least one record or stretch of damage, about `room` bytes.

        Args:
            offset: Where a record begins. end: Where the segment's last one ends. room: Bytes.
        """
        marker = self._marker
        if marker is None:
            return [Record(None, b"", end)]
        data = os.pread(self._handle, min(max(room, _PIECE), end - offset), offset)
        size = next_size(data, marker)
        if size > len(data):
            data = os.pread(self._handle, min(size, end - offset), offset)
        found = list(records(data, offset, marker))
        if not found:
            # Damage: look for whatever follows in the whole segment.
            data = os.pread(self._handle, end - offset, offset)
            found = list(records(data, offset, marker)) or [Record(None, b"", end)]
        return found

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)

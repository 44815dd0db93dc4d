"""Commits on disk, for as long as the store cannot take them."""

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

import msgspec

from vedette.schema.live import Commit, Resume
from vedette.storage.errors import StoreError, StoreProblem
from vedette.storage.text import document

_HEADER: Final = struct.Struct("<4sII")
"""Before each record: mark, length and CRC-32 of what follows."""
_FRAME: Final = b"VSf1"
_STATE: Final = b"VSs1"
_STATES: Final = ("state.0", "state.1")


class _Frame(msgspec.Struct, array_like=True):
    """One commit but for its state, which is kept once, for the newest."""

    commit: str
    """JSON."""
    slot: int | None
    """Which of `_STATES` holds its state; None without one."""
    crc: int = 0
    """Of that file's content: an older frame's state has been overwritten by a newer one's."""


class Spool:
    """A directory of commits in order: the findings and windows of all, the state of the newest.

    A commit is in it from the moment that `append` returns, whatever is killed then: the state goes into the file
    that the last frame does not use, then its frame behind the others; both are synced, in that order. A frame that
    was cut short by a crash was never acknowledged, and is cut off when the spool is opened.

    Args:
        directory: Made if it is missing. limit_bytes: Most that it may hold; beyond, `append` refuses.

    Raises:
        StoreError: The directory cannot be used, or another process uses it.
    """

    def __init__(self, directory: Path, limit_bytes: int) -> None:
        self.directory = directory
        self._limit = limit_bytes
        self._slot: int | None = None
        self.commits = 0
        """How many wait."""
        self.end = 0
        """Offset behind the last of them."""
        self.damage = ""
        """What was found unreadable when the spool was opened, and where it lies now."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = -1
            self._lock = os.open(directory / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            self._take_lock()
            self._file = os.open(directory / "commits", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            self._sync_directory()
            self.end = self._recover()
        except OSError as error:
            raise self._error(error) from error

    @property
    def taken(self) -> int:
        """How much of the limit is taken."""
        return self.end + sum(self._size(name) for name in _STATES)

    def append(self, commit: Commit) -> None:
        """Keep a commit.

        Raises:
            StoreError: There is no room for it, in the spool or on its disk; nothing of it is kept.
        """
        slot, crc = self._slot, 0
        body = b""
        if commit.state is not None:
            slot = 1 if self._slot == 0 else 0
            body, crc = _record(_STATE, commit.state)
        frame = _Frame(document(_without_state(commit)), slot if commit.state is not None else None, crc)
        record, _ = _record(_FRAME, zlib.compress(msgspec.msgpack.encode(frame)))
        # The other state's file stays until the next one: what counts is what lies there then.
        other = self._size(_STATES[self._slot]) if self._slot is not None else 0
        if self.end + len(record) + len(body) + other > self._limit:
            raise StoreError(
                str(self.directory),
                StoreProblem.SPOOL_FULL,
                f"the spool holds {self.taken:,} of {self._limit:,} bytes and nothing more is taken in; bring the "
                "store back, or raise store.spool_bytes",
            )
        try:
            if commit.state is not None and slot is not None:
                self._write_state(_STATES[slot], body)
            _write_all(self._file, record, self.end)
            os.fsync(self._file)
        except OSError as error:
            self._cut(self.end)
            raise self._error(error) from error
        self.end += len(record)
        self._slot = slot
        self.commits += 1

    def waiting(self, start: int = 0) -> Iterator[tuple[Commit, int]]:
        """Commits behind an offset, the oldest first, each with the offset behind it.

        The newest that has a state comes with it; of those before it, states that were overwritten are left out.

        Raises:
            StoreError: The disk fails, or what is on it has changed.
        """
        try:
            for frame, end in self._frames(start):
                yield self._with_state(msgspec.json.decode(frame.commit, type=Commit), frame), end
        except OSError as error:
            raise self._error(error) from error
        except msgspec.DecodeError as error:
            reason = f"a commit in the spool cannot be read back ({error}); use the version that wrote it"
            raise StoreError(str(self.directory), StoreProblem.SPOOL_FAILED, reason) from None

    def newest(self) -> Resume | None:
        """The newest state that waits, None if none does."""
        found = None
        for commit, _ in self.waiting():
            if commit.state is not None:
                found = Resume(time=commit.time, state=commit.state, positions=commit.positions)
        return found

    def clear(self) -> None:
        """Everything is in the store.

        Raises:
            StoreError: The disk fails; what is in the spool is kept a second time then, which changes nothing.
        """
        try:
            os.ftruncate(self._file, 0)
            os.fsync(self._file)
            for name in _STATES:
                (self.directory / name).unlink(missing_ok=True)
        except OSError as error:
            raise self._error(error) from error
        self.end = self.commits = 0
        self._slot = None

    def close(self) -> None:
        """Let go of the directory."""
        for file in (self._file, self._lock):
            if file >= 0:
                os.close(file)
        self._file = self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise StoreError(
                str(self.directory),
                StoreProblem.LOCKED,
                "another vedette is running with this directory; end it, or give each a live.directory of its own",
            ) from None

    def _recover(self) -> int:
        """Find the end of what can be read, and put aside what is behind it; returns that end."""
        end = 0
        for frame, behind in self._frames(0):
            end = behind
            self.commits += 1
            if frame.slot is not None:
                self._slot = frame.slot
        size = os.fstat(self._file).st_size
        if size > end:
            # Most likely a frame that was being written when the process was killed; but keep it, whatever it is.
            aside = self.directory / "unreadable"
            self.damage = f"{size - end:,} bytes behind commit {self.commits} could not be read; "
            try:
                aside.write_bytes(os.pread(self._file, size - end, end))
                self.damage += f"they are in {aside}"
            except OSError as error:
                self.damage += f"they are gone ({error.strerror})"
            self._cut(end)
        return end

    def _frames(self, start: int) -> Iterator[tuple[_Frame, int]]:
        while (body := self._read(self._file, _FRAME, start)) is not None:
            start += _HEADER.size + len(body)
            try:
                yield msgspec.msgpack.decode(zlib.decompress(body), type=_Frame), start
            except (zlib.error, msgspec.DecodeError):
                return

    def _with_state(self, commit: Commit, frame: _Frame) -> Commit:
        if frame.slot is None:
            return commit
        try:
            file = os.open(self.directory / _STATES[frame.slot], os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return _without_positions(commit)
        try:
            state = self._read(file, _STATE, 0)
        finally:
            os.close(file)
        if state is None or zlib.crc32(state) != frame.crc:
            return _without_positions(commit)
        return msgspec.structs.replace(commit, state=state)

    def _read(self, file: int, mark: bytes, start: int) -> bytes | None:
        """The record at an offset; None if there is none that is whole."""
        header = os.pread(file, _HEADER.size, start)
        if len(header) < _HEADER.size:
            return None
        found, length, crc = _HEADER.unpack(header)
        if found != mark or length > os.fstat(file).st_size - start:
            return None
        body = os.pread(file, length, start + _HEADER.size)
        return body if len(body) == length and zlib.crc32(body) == crc else None

    def _write_state(self, name: str, record: bytes) -> None:
        file = os.open(self.directory / name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            _write_all(file, record, 0)
            os.fsync(file)
        finally:
            os.close(file)
        self._sync_directory()

    def _cut(self, end: int) -> None:
        os.ftruncate(self._file, end)
        os.fsync(self._file)

    def _size(self, name: str) -> int:
        try:
            return (self.directory / name).stat().st_size
        except FileNotFoundError:
            return 0

    def _sync_directory(self) -> None:
        file = os.open(self.directory, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(file)
        finally:
            os.close(file)

    def _error(self, error: OSError) -> StoreError:
        return StoreError(
            str(self.directory),
            StoreProblem.SPOOL_FAILED,
            f"the spool cannot be used ({error.strerror}); free space or check that its directory may be written to",
        )


def _without_state(commit: Commit) -> Commit:
    return msgspec.structs.replace(commit, state=None)


def _without_positions(commit: Commit) -> Commit:
    """A commit whose state a newer one has replaced: only its findings and windows still matter."""
    return msgspec.structs.replace(commit, state=None, positions={})


def _record(mark: bytes, body: bytes) -> tuple[bytes, int]:
    crc = zlib.crc32(body)
    return _HEADER.pack(mark, len(body), crc) + body, crc


def _write_all(file: int, data: bytes, start: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, start)
        start += written
        view = view[written:]

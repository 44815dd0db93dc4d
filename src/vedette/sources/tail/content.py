"""The bytes of a followed file, by offset."""

import os
from io import FileIO
from typing import Protocol

from vedette.sources.rotation import COMPRESSED_SUFFIXES
from vedette.sources.streams import RawStream, Stream, decompressed, fill

_STEP = 256 << 10


class Content(Protocol):
    """What a file holds. Reads raise OSError."""

    def read(self, at: int, count: int) -> bytes:
        """The bytes from offset `at`, fewer than `count` only at the end."""
        ...

    def status(self) -> os.stat_result:
        """Of the open file."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


def is_packed(path: str) -> bool:
    """Whether a file is compressed, by its name."""
    return path.lower().endswith(COMPRESSED_SUFFIXES)


def open_content(path: str) -> Content:
    """Open a file for reading.

    Raises:
        OSError: It cannot be opened.
    """
    return Packed(path) if is_packed(path) else Plain(path)


class Plain:
    """A file as it is stored."""

    def __init__(self, path: str) -> None:
        # Never waiting: a named pipe in the place of a log would hold everything up.
        self._handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)

    def read(self, at: int, count: int) -> bytes:
        """See `Content`."""
        return os.pread(self._handle, count, at) if count > 0 else b""

    def status(self) -> os.stat_result:
        """See `Content`."""
        return os.fstat(self._handle)

    def close(self) -> None:
        """See `Content`."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class Packed:
    """A compressed file's text. Read forward; going back before the last read begins anew.

    Attributes:
        damage: Why the text ended early, or None.
    """

    def __init__(self, path: str) -> None:
        self._file = FileIO(path)
        self._stream = self._begin()
        self._held = bytearray()
        self._start = 0

    @property
    def damage(self) -> str | None:
        """Why the text ended early, or None."""
        return self._stream.damage

    def read(self, at: int, count: int) -> bytes:
        """See `Content`."""
        if at < self._start:
            self._file.seek(0)
            self._stream = self._begin()
            self._held.clear()
            self._start = 0
        self._pass(at)
        while self._start + len(self._held) < at + count:
            piece = bytearray(_STEP)
            got = fill(self._stream, memoryview(piece))
            if not got:
                break
            self._held += memoryview(piece)[:got]
            self._pass(at)
        return bytes(self._held[:count]) if self._start == at else b""

    def status(self) -> os.stat_result:
        """See `Content`."""
        return os.fstat(self._file.fileno())

    def close(self) -> None:
        """See `Content`."""
        self._file.close()

    def _pass(self, at: int) -> None:
        passed = min(at - self._start, len(self._held))
        if passed > 0:
            del self._held[:passed]
            self._start += passed

    def _begin(self) -> Stream:
        return decompressed(RawStream(self._file, owned=False))

"""Reads one input as bytes, for captures: decompressed, and nothing else."""

from collections.abc import Callable
from io import BytesIO
from types import TracebackType
from typing import Self

from vedette.sources.discover import Input
from vedette.sources.errors import SourceError, SourceProblem
from vedette.sources.files import open_raw
from vedette.sources.streams import RawStream, decompressed, fill


class ByteReader:
    """An input's bytes, decompressed.

    Attributes:
        source: The input.
        size: Bytes on disk, None where unknown (a pipe).
        bytes: Bytes delivered so far.

    Raises:
        SourceError: It cannot be opened, or holds nothing.
    """

    def __init__(self, source: Input, stopped: Callable[[], bool] | None = None) -> None:
        self.source = source
        self.bytes = 0
        raw, self.size = open_raw(source, stopped)
        try:
            self._stream = decompressed(raw)
            self._head = self._take(64)
        except BaseException:
            raw.close()
            raise
        if not self._head:
            self._stream.close()
            raise SourceError(
                source.name, SourceProblem.EMPTY, "is empty: it holds no packet; give a capture"
            )
        self._unread = self._head

    @property
    def head(self) -> bytes:
        """The first bytes, up to 64; they are still to be read."""
        return self._head

    @property
    def position(self) -> int:
        """Bytes of the file (as stored) taken so far."""
        return self._stream.position

    @property
    def damage(self) -> str | None:
        """Why reading ended early, or None."""
        return self._stream.damage

    def readinto(self, view: memoryview) -> int:
        """Fill `view`; fewer bytes than fit only at the end."""
        got = min(len(view), len(self._unread))
        view[:got] = self._unread[:got]
        self._unread = self._unread[got:]
        got += fill(self._stream, view[got:])
        self.bytes += got
        return got

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def _take(self, count: int) -> bytes:
        head = bytearray(count)
        return bytes(head[: fill(self._stream, memoryview(head))])


def beginning(stored: bytes, count: int) -> bytes:
    """What an input says first, decompressed; fewer bytes than `count` where its first bytes as stored hold no more."""
    head = bytearray(count)
    return bytes(head[: fill(decompressed(RawStream(BytesIO(stored))), memoryview(head))])

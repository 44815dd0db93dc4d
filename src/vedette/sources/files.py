"""Reads one input as chunks of whole lines."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from io import FileIO
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vedette.schema.chunk import PADDING, Chunk
from vedette.sources.content import HEAD_BYTES, Encoding, recognise
from vedette.sources.discover import NO_PERMISSION, STDIN, Input
from vedette.sources.errors import SourceError, SourceProblem
from vedette.sources.long_lines import LINE_BYTES, LongLines
from vedette.sources.pool import BufferPool, Memory
from vedette.sources.streams import RawStream, Utf16Stream, decompressed, fill

_COUNT_BLOCK = 64 << 10
_NEWLINE = 0x0A


def read_chunks(
    source: Input,
    *,
    pool: BufferPool,
    line_bytes: int = LINE_BYTES,
    stopped: Callable[[], bool] | None = None,
) -> "Reader":
    """Open an input and return an iterator over its chunks.

    Each chunk's buffer belongs to the caller until `pool.release(chunk.buffer)`. `Reader.sample` shows the
    beginning first, without taking it away from the iteration, also of a pipe.

    Args:
        source: What to read.
        pool: Where buffers come from; its `chunk_bytes` is the most that a chunk holds.
        line_bytes: Longest line that is delivered whole. Of a longer one the first `line_bytes` bytes are
            delivered as the line, and the rest is dropped and counted (`cut_lines`, `cut_bytes`).
        stopped: Looked at while a pipe has nothing to read; once it is true, what was read so far is all.

    Raises:
        SourceError: It cannot be opened, is empty, or is no text.
    """
    return Reader(source, pool, line_bytes, stopped)


class Reader:
    """An iterator over one input's chunks. See `read_chunks`.

    The lines of all chunks, one after the other, are the input's bytes (decompressed, without byte-order
    mark, UTF-16 as UTF-8) except for what `cut_bytes` and `hole_bytes` count, whatever the chunk size.

    Attributes:
        source: The input.
        size: Bytes on disk, None where unknown (a pipe).
        lines: Lines delivered so far.
        bytes: Bytes delivered so far.
        hole_bytes: NUL bytes at the input's start, left out: a log has them that was truncated while its
            writer kept its place.
    """

    def __init__(
        self,
        source: Input,
        pool: BufferPool,
        line_bytes: int,
        stopped: Callable[[], bool] | None = None,
    ) -> None:
        if not 0 < line_bytes < pool.chunk_bytes:
            raise ValueError(
                f"line_bytes = {line_bytes}: must be from 1 to chunk_bytes - 1 = {pool.chunk_bytes - 1}"
            )
        self.source = source
        self.lines = 0
        self.bytes = 0
        self.hole_bytes = 0
        self._pool = pool
        self._long = LongLines(line_bytes)
        self._carry = b""
        self._ended = False
        self._matches = np.empty(_COUNT_BLOCK, dtype=bool)
        raw, self.size = open_raw(source, stopped)
        try:
            self._stream = decompressed(raw)
            self._head = self._take_head()
        except BaseException:
            raw.close()
            raise
        self._unread = memoryview(self._head)

    @property
    def cut_lines(self) -> int:
        """Lines longer than `line_bytes`, delivered cut."""
        return self._long.lines

    @property
    def cut_bytes(self) -> int:
        """Bytes dropped from them."""
        return self._long.bytes

    @property
    def position(self) -> int:
        """Bytes of the file (as stored) taken so far: of `size` for a progress bar."""
        return self._stream.position

    @property
    def truncated(self) -> str | None:
        """Why reading stopped early (damage, a failing disk), or None. Final after the last chunk."""
        return self._stream.damage

    def sample(self, limit: int = HEAD_BYTES) -> Chunk:
        """Copy the first whole lines into a chunk of their own (not of the pool); nothing is consumed.

        Args:
            limit: Most bytes, at most `HEAD_BYTES`. A first line longer than that is cut.
        """
        head = self._head[:limit]
        whole_input = self._head_is_all and len(head) == len(self._head)
        if not whole_input and (end := head.rfind(b"\n") + 1):
            head = head[:end]
        buffer = np.full(2 * (len(head) + PADDING), _NEWLINE, dtype=np.uint8)
        buffer[: len(head)] = np.frombuffer(head, dtype=np.uint8)
        return Chunk(self.source.name, buffer, len(head), 1)

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        if self._ended:
            self.close()
            raise StopIteration
        buffer = self._pool.acquire()
        memory = self._pool.memory(buffer)
        try:
            length = self._fill(memory)
        except BaseException:
            self._pool.release(buffer)
            raise
        if not length:
            self._pool.release(buffer)
            self.close()
            raise StopIteration
        memory[length : length + PADDING] = b"\n" * PADDING
        newlines = self._count_newlines(buffer, length)
        chunk = Chunk(self.source.name, buffer, length, self.lines + 1, newlines)
        self.bytes += length
        self.lines += newlines + (memory[length - 1] != _NEWLINE)
        return chunk

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. `position` and `truncated` stay readable."""
        self._ended = True
        self._stream.close()

    def _take_head(self) -> bytes:
        head = self._read_head()
        while head and not head.strip(b"\0") and (more := self._read_head()):
            self.hole_bytes += len(head)
            head = more
        content = recognise(head)
        if content.refusal is not None:
            raise SourceError(self.source.name, SourceProblem.BINARY, content.refusal)
        self.hole_bytes += content.hole
        head = head[content.hole + content.mark :]
        if content.encoding is not Encoding.BYTES:
            self._stream = Utf16Stream(self._stream, content.encoding.value, head)
            head = self._read_head()
        if not head:
            if self._stream.damage is not None:
                raise SourceError(
                    self.source.name,
                    SourceProblem.DAMAGED,
                    f"nothing could be read: {self._stream.damage}; give an undamaged copy",
                )
            raise SourceError(
                self.source.name,
                SourceProblem.EMPTY,
                "is empty: it holds no line to read; give one that holds some",
            )
        return head

    def _read_head(self) -> bytes:
        buffer = bytearray(HEAD_BYTES)
        got = fill(self._stream, memoryview(buffer))
        self._head_is_all = got < HEAD_BYTES
        return bytes(buffer[:got])

    def _fill(self, memory: Memory) -> int:
        """Put the next whole lines at the start of `memory`; returns their length, 0 at the end."""
        room = self._pool.chunk_bytes
        view = memoryview(memory)
        filled = len(self._carry)
        view[:filled] = self._carry
        while True:
            if self._unread:
                got = min(room - filled, len(self._unread))
                view[filled : filled + got] = self._unread[:got]
                self._unread = self._unread[got:]
                filled += got
            filled += fill(self._stream, view[filled:room])
            self._ended = filled < room
            whole, filled = self._long.cut(memory, view, filled)
            if self._ended:
                self._carry = b""
                return filled
            if whole:
                self._carry = bytes(view[whole:filled])
                return whole

    def _count_newlines(self, buffer: NDArray[np.uint8], length: int) -> int:
        # In blocks that stay in the cache: 12 GB/s, where bytearray.count makes 3.7.
        count = 0
        for start in range(0, length, _COUNT_BLOCK):
            block = buffer[start : min(start + _COUNT_BLOCK, length)]
            count += int(np.count_nonzero(np.equal(block, _NEWLINE, out=self._matches[: len(block)])))
        return count


def open_raw(source: Input, stopped: Callable[[], bool] | None) -> tuple[RawStream, int | None]:
    """Open an input as it is stored; returns it and its size, None where that is unknown.

    Raises:
        SourceError: It cannot be opened.
    """
    if source.held is not None:
        return RawStream(source.held, owned=False, stopped=stopped, begun=source.begun), None
    if source.path is None:
        return _open_stdin(stopped, source.begun)
    try:
        file = FileIO(source.path)
        status = os.fstat(file.fileno())
    except FileNotFoundError:
        reason = "no such file; it may have been rotated away since the scan began"
        raise SourceError(source.name, SourceProblem.MISSING, reason) from None
    except PermissionError:
        raise SourceError(source.name, SourceProblem.FORBIDDEN, NO_PERMISSION) from None
    except OSError as error:
        raise SourceError(
            source.name, SourceProblem.UNREADABLE, f"cannot be opened: {error.strerror}"
        ) from None
    if stat.S_ISREG(status.st_mode):
        return RawStream(file, size=status.st_size), status.st_size
    return RawStream(file, stopped=stopped), None


def _open_stdin(stopped: Callable[[], bool] | None, begun: bytes) -> tuple[RawStream, int | None]:
    remedy = "pipe a log into it or name a file"
    stdin = sys.stdin
    if stdin is None or stdin.closed:
        raise SourceError(STDIN, SourceProblem.UNREADABLE, f"standard input is closed; {remedy}")
    if stdin.isatty():
        raise SourceError(STDIN, SourceProblem.NOT_A_FILE, f"standard input is a terminal; {remedy}")
    try:
        status = os.fstat(stdin.fileno())
    except OSError:
        # A stand-in for standard input (a test's) has no descriptor, and nothing to wait for.
        return RawStream(stdin.buffer, owned=False, begun=begun), None
    # Without its buffer, which would wait until it is full.
    raw = getattr(stdin.buffer, "raw", stdin.buffer)
    if stat.S_ISREG(status.st_mode):
        return RawStream(raw, owned=False, begun=begun), status.st_size
    return RawStream(raw, owned=False, stopped=stopped, begun=begun), None

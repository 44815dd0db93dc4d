"""A fixed number of reused buffers: what bounds the memory of everything in flight."""

import mmap
from threading import Condition

import numpy as np
from numpy.typing import NDArray

from vedette.schema.chunk import PADDING

CHUNK_BYTES = 4 << 20


Memory = bytearray | mmap.mmap


class PoolClosedError(Exception):
    """The pool was closed while (or before) a buffer was asked for."""


class BufferPool:
    """At most `limit` buffers, each fit for a `Chunk` of `chunk_bytes`; safe to share between threads.

    `acquire` waits while all buffers are out, so a slow consumer slows the reader down instead of filling
    memory. A consumer that may die first calls `close`, which frees a waiting reader with `PoolClosedError`.

    Args:
        chunk_bytes: Most bytes of lines in one chunk. A buffer takes `2 * (chunk_bytes + PADDING)` bytes.
        limit: Most buffers alive at once.
        shared: Let processes that are forked from this one see the same bytes.
    """

    def __init__(self, chunk_bytes: int = CHUNK_BYTES, limit: int = 4, *, shared: bool = False) -> None:
        if chunk_bytes < 2 or limit < 1:
            raise ValueError(f"chunk_bytes = {chunk_bytes}, limit = {limit}: a pool needs room for one chunk")
        self.chunk_bytes = chunk_bytes
        self.limit = limit
        self._changed = Condition()
        self._idle: list[NDArray[np.uint8]] = []
        self._out: dict[int, NDArray[np.uint8]] = {}
        # A numpy array has no fast search for a byte; the bytearray underneath has.
        self._memory: dict[int, Memory] = {}
        self._closed = False
        self.shared: list[mmap.mmap] = []
        """What the buffers of a shared pool are made of."""
        if shared:
            size = self._buffer_bytes
            self.shared = [mmap.mmap(-1, size) for _ in range(limit)]
            self._idle = [self._over(memory) for memory in self.shared]

    def acquire(self) -> NDArray[np.uint8]:
        """Take a buffer: uint8, shape (2 * (chunk_bytes + PADDING),), contents undefined.

        Raises:
            PoolClosedError: The pool is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._idle or len(self._memory) < self.limit)
            if self._closed:
                raise PoolClosedError("the buffer pool is closed: its consumer has stopped")
            buffer = self._idle.pop() if self._idle else self._new()
            self._out[id(buffer)] = buffer
            return buffer

    def memory(self, buffer: NDArray[np.uint8]) -> Memory:
        """The same bytes as what they are kept in. Its length must not be changed."""
        return self._memory[id(buffer)]

    def lent(self, buffer: NDArray[np.uint8]) -> bool:
        """Whether a buffer is this pool's and is out."""
        with self._changed:
            return self._out.get(id(buffer)) is buffer

    def release(self, buffer: NDArray[np.uint8]) -> None:
        """Give a buffer back; nothing may look at it afterwards.

        Raises:
            ValueError: The buffer is not this pool's, or was given back before.
        """
        with self._changed:
            if self._out.pop(id(buffer), None) is not buffer:
                raise ValueError("released a buffer that this pool has not handed out")
            self._idle.append(buffer)
            self._changed.notify()

    def close(self) -> None:
        """Refuse further buffers and wake whoever waits for one. Buffers still out stay valid."""
        with self._changed:
            self._closed = True
            self._idle.clear()
            self._changed.notify_all()

    @property
    def _buffer_bytes(self) -> int:
        return 2 * (self.chunk_bytes + PADDING)

    def _new(self) -> NDArray[np.uint8]:
        return self._over(bytearray(self._buffer_bytes))

    def _over(self, memory: Memory) -> NDArray[np.uint8]:
        buffer = np.frombuffer(memory, dtype=np.uint8)
        self._memory[id(buffer)] = memory
        return buffer

"""Bytes of an input, decompressed and transcoded, written into memory that the caller provides.

Memory is bounded by construction: compressed bytes are read `PIECE_BYTES` at a time, no decoder is ever asked
for more than `OUTPUT_BYTES` at once or for more than the caller has room for, and decoders that keep a window
of their own refuse one above `WINDOW_BYTES`. A decompression bomb therefore costs time, never memory.
"""

import codecs
import select
from collections.abc import Callable
from typing import IO, Protocol

from vedette.sources.decoders import MAGIC_BYTES, Decoder, codec_of, compression_of

PIECE_BYTES = 8 << 10
_PEEK_BYTES = 64 << 10
"""As much as a pipe gives at once."""
POLL_MS = 100
"""How often a wait for data looks whether to stop."""
OUTPUT_BYTES = 64 << 10
"""Small, because what a decoder made in the call that meets damage is lost; larger gains nothing in speed."""


class Stream(Protocol):
    """A readable input."""

    @property
    def damage(self) -> str | None:
        """Why the stream ended before its end, or None."""
        ...

    @property
    def position(self) -> int:
        """Bytes taken from the disk (or pipe) so far."""
        ...

    def readinto(self, view: memoryview) -> int:
        """Write at most `len(view)` bytes, at least one unless the stream has ended; returns how many."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class RawStream:
    """Bytes as they are stored. A failing read ends the stream and is kept as its damage.

    Args:
        file: Open for reading, best without a buffer of its own.
        owned: Whether `close` closes it (standard input stays open).
        stopped: Looked at while a pipe has nothing to read; once it is true, the stream has ended. The file
            must have no buffer then, so that its reads take what is there instead of waiting for more.
        begun: Bytes that were read of it already; they come first.
        size: Bytes that it held when it was opened, if that is known: with fewer it has been truncated since.
    """

    def __init__(
        self,
        file: IO[bytes],
        *,
        owned: bool = True,
        stopped: Callable[[], bool] | None = None,
        begun: bytes = b"",
        size: int = 0,
    ) -> None:
        self.damage: str | None = None
        self.position = 0
        self._missing = size
        """Bytes to be read before the end may come."""
        self._file = file
        self._owned = owned
        self._stopped = stopped
        self._peeked = begun
        self._taken = 0
        """Bytes of what was peeked at that were read since: what is left is not moved for every few of them."""

    def peek(self, count: int) -> bytes:
        """The next bytes, fewer than `count` only at the end, without taking them."""
        missing = count - (len(self._peeked) - self._taken)
        pieces = [self._peeked[self._taken :]] if missing > 0 else []
        while missing > 0:
            piece = bytearray(min(missing, _PEEK_BYTES))
            got = self._read(memoryview(piece))
            if not got:
                break
            pieces.append(bytes(piece[:got]))
            missing -= got
        if len(pieces) > 1:
            self._peeked, self._taken = b"".join(pieces), 0
        return self._peeked[self._taken : self._taken + count]

    def readinto(self, view: memoryview) -> int:
        """See `Stream`."""
        left = len(self._peeked) - self._taken
        if left:
            got = min(len(view), left)
            view[:got] = self._peeked[self._taken : self._taken + got]
            self._taken += got
            if self._taken == len(self._peeked):
                self._peeked, self._taken = b"", 0
        else:
            got = self._read(view)
        self.position += got
        return got

    def close(self) -> None:
        """See `Stream`."""
        if self._owned:
            self._file.close()

    def _read(self, view: memoryview) -> int:
        if self.damage is not None or (self._stopped is not None and not self._wait(self._stopped)):
            return 0
        try:
            got: int | None = self._file.readinto(view)  # type: ignore[attr-defined] # binary files have it, typeshed's IO not
        except OSError as error:
            self.damage = f"reading failed: {error.strerror or error}"
            return 0
        if got is None:
            self.damage = "the input had no data ready and does not wait (it is in non-blocking mode)"
            return 0
        self._missing -= got
        if not got and len(view) and self._missing > 0:
            self.damage = (
                f"the file became shorter while it was read: {self._missing:,} bytes that it held are gone; "
                "read the copy that was made of it too, if it was rotated"
            )
        return got

    def _wait(self, stopped: Callable[[], bool]) -> bool:
        """Wait until there is something to read, or the end; False if stopped before."""
        ready = select.poll()
        ready.register(self._file, select.POLLIN)
        while not stopped():
            if ready.poll(POLL_MS):
                return True
        return False


class DecompressStream:
    """gzip, bzip2, xz or zstd data, of any number of members one after the other."""

    def __init__(self, raw: RawStream, codec: str) -> None:
        self.damage: str | None = None
        self._raw = raw
        self._codec = codec_of(codec)
        self._decoder: Decoder | None = None
        self._rest = b""
        self._piece = bytearray(PIECE_BYTES)
        self._ended = False

    @property
    def position(self) -> int:
        """See `Stream`."""
        return self._raw.position

    def readinto(self, view: memoryview) -> int:
        """See `Stream`."""
        while not self._ended:
            if self._decoder is None and not self._start_member():
                break
            if (out := self._decode(min(len(view), OUTPUT_BYTES))) and not self._ended:
                view[: len(out)] = out
                return len(out)
        return 0

    def close(self) -> None:
        """See `Stream`."""
        self._raw.close()

    def _start_member(self) -> bool:
        """Find the next member. Zero bytes between members are padding (tapes, tar, xz)."""
        first = self._raw.position == 0
        self._rest = self._rest.lstrip(b"\0")
        while len(self._rest) < self._codec.magic_bytes and (piece := self._next_piece()):
            self._rest = (self._rest + piece).lstrip(b"\0")
        if not self._rest:
            return self._end(None)
        if not first and not self._codec.starts(self._rest):
            return self._end(
                f"the {self._codec.name} data ends before byte {self._raw.position}, and what follows is not "
                f"{self._codec.name} data; it was left out"
            )
        self._decoder = self._codec.open()
        return True

    def _decode(self, room: int) -> bytes:
        decoder = self._decoder
        assert decoder is not None  # noqa: S101 # readinto starts a member first
        piece = b""
        if decoder.needs_input:
            piece, self._rest = self._rest or self._next_piece(), b""
            if not piece:
                self._end(
                    self._raw.damage or f"the {self._codec.name} data ends early: the file is incomplete"
                )
                return b""
        try:
            out = decoder.decompress(piece, room)
        except self._codec.errors as error:
            self._end(
                f"damaged {self._codec.name} data before byte {self._raw.position} of the file ({error})"
            )
            return b""
        if decoder.eof:
            self._rest = decoder.unused_data
            self._decoder = None
        return out

    def _next_piece(self) -> bytes:
        return bytes(self._piece[: self._raw.readinto(memoryview(self._piece))])

    def _end(self, damage: str | None) -> bool:
        self.damage = damage or self._raw.damage
        self._ended = True
        self._decoder = None
        return False


def decompressed(raw: RawStream) -> Stream:
    """The text of a raw input, whatever its first bytes say it is compressed with."""
    codec = compression_of(raw.peek(MAGIC_BYTES))
    return raw if codec is None else DecompressStream(raw, codec)


def fill(stream: Stream, view: memoryview) -> int:
    """Read until `view` is full or the stream ends; returns how many bytes."""
    filled = 0
    while filled < len(view) and (got := stream.readinto(view[filled:])):
        filled += got
    return filled


class Utf16Stream:
    """UTF-16 text as UTF-8. What is not valid UTF-16 becomes U+FFFD."""

    def __init__(self, inner: Stream, encoding: str, head: bytes) -> None:
        self._inner = inner
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._piece = bytearray(PIECE_BYTES)
        # `head` was taken from `inner` before the encoding was known.
        self._ready = memoryview(self._decode(head, final=False))
        self._ended = False

    @property
    def damage(self) -> str | None:
        """See `Stream`."""
        return self._inner.damage

    @property
    def position(self) -> int:
        """See `Stream`."""
        return self._inner.position

    def readinto(self, view: memoryview) -> int:
        """See `Stream`."""
        while not self._ready and not self._ended:
            got = self._inner.readinto(memoryview(self._piece))
            self._ended = got == 0
            self._ready = memoryview(self._decode(self._piece[:got], final=self._ended))
        got = min(len(view), len(self._ready))
        view[:got] = self._ready[:got]
        self._ready = self._ready[got:]
        return got

    def close(self) -> None:
        """See `Stream`."""
        self._inner.close()

    def _decode(self, data: bytes | bytearray, *, final: bool) -> bytes:
        return self._decoder.decode(data, final=final).encode()

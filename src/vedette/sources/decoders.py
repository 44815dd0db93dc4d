"""The compressions that logs come in, told apart by their first bytes and decoded piece by piece.

gzip goes through ISA-L (`isal`), measured at 2.7 GB/s of log text on one core where zlib makes 0.85 and
`zcat` 0.3; it releases the GIL. Only the deflate data is left to it: the member's header and checksum are
handled here, so that a wrong checksum is known after the text was delivered, not instead of it.
"""

import bz2
import lzma
import sys
from collections.abc import Callable
from typing import Protocol

import msgspec

WINDOW_BYTES = 128 << 20
"""Most memory that an xz or zstd decoder may take. `xz -9` needs 65 MiB, `zstd --long=27` 128 MiB."""


class Decoder(Protocol):
    """One member's decoder, in the shape of `bz2.BZ2Decompressor`."""

    @property
    def eof(self) -> bool:
        """Whether the member has ended."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether more output takes more input."""
        ...

    @property
    def unused_data(self) -> bytes:
        """Bytes after the member's end."""
        ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Decode, giving at most `max_length` bytes."""
        ...


class Codec(msgspec.Struct, frozen=True):
    """One compression.

    Attributes:
        name: As messages print it.
        magic_bytes: How many bytes `starts` needs.
        starts: Whether bytes begin a member.
        open: Makes a member's decoder.
        errors: What the decoder raises on damage.
    """

    name: str
    magic_bytes: int
    starts: Callable[[bytes], bool]
    open: Callable[[], Decoder]
    errors: tuple[type[Exception], ...]


def compression_of(head: bytes) -> str | None:
    """Name the compression that an input's first bytes belong to, or None. `MAGIC_BYTES` bytes are enough."""
    for name, starts in _STARTS.items():
        if starts(head):
            return name
    return None


def decoded_beginning(stored: bytes, most: int) -> bytes:
    """What an input begins with once decoded: as much as its first stored bytes give, and no more than `most`.

    Of what is not compressed, and of what is damaged, those bytes themselves.
    """
    name = compression_of(stored)
    if name is None:
        return stored[:most]
    codec = codec_of(name)
    try:
        return codec.open().decompress(stored, most)
    except codec.errors:
        return stored[:most]


def codec_of(name: str) -> Codec:
    """Load the codec that `compression_of` named; its library is imported only now."""
    starts = _STARTS[name]
    if name == "gzip":
        from vedette.sources.gzip_member import GzipError, GzipMember

        return Codec(name, 2, starts, GzipMember, (GzipError,))
    if name == "bzip2":
        return Codec(name, 4, starts, bz2.BZ2Decompressor, (OSError, EOFError, ValueError))
    if name == "xz":
        return Codec(
            name,
            6,
            starts,
            lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=WINDOW_BYTES),
            (lzma.LZMAError, EOFError, ValueError, MemoryError),
        )
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: WINDOW_BYTES.bit_length() - 1}
    return Codec(
        name,
        4,
        starts,
        lambda: zstd.ZstdDecompressor(options=options),
        (zstd.ZstdError, EOFError, ValueError),
    )


def _is_bzip2(head: bytes) -> bool:
    return head[:3] == b"BZh" and head[3:4] in b"123456789" and len(head) > 3


def _is_zstd(head: bytes) -> bool:
    # Skippable frames (0x184D2A50..5F) may stand anywhere, also first (pzstd writes one).
    return head[:4] == b"\x28\xb5\x2f\xfd" or (
        len(head) > 3 and head[0] & 0xF0 == 0x50 and head[1:4] == b"\x2a\x4d\x18"
    )


_STARTS: dict[str, Callable[[bytes], bool]] = {
    "gzip": lambda head: head[:2] == b"\x1f\x8b",
    "bzip2": _is_bzip2,
    "xz": lambda head: head[:6] == b"\xfd7zXZ\x00",
    "zstd": _is_zstd,
}
MAGIC_BYTES = 6

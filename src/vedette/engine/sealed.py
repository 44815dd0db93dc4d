"""A state as bytes that show whether they are whole, and back.

Layout: `MAGIC`, 16 bytes of BLAKE2b over all that follows, the header's length (4 bytes, little endian), the header
(MessagePack), the content (zstd level 1). Nothing of it is ever unpickled.
"""

import hashlib
import sys
from collections.abc import Iterable
from typing import Final

import msgspec

from vedette import __version__
from vedette.schema.errors import VedetteError
from vedette.schema.state import StateError

MAGIC: Final = b"vedette state\n"
FORMAT: Final = 2
LARGEST: Final = 1 << 30
"""Bytes of the largest state that is unpacked."""
_DIGEST: Final = 16
_LENGTH: Final = 4
_LEVEL: Final = 1
"""Of zstd. Measured on the states of bench/snapshot.py: zlib 1 takes four times as long and packs worse."""

Settings = dict[str, str | int]
"""The configuration that parts of a state rest on, by name."""


class SnapshotError(VedetteError):
    """Bytes that are no snapshot, or one that this program cannot read."""


class Header(msgspec.Struct, frozen=True):
    """What is known before anything is unpacked."""

    format: int
    version: str
    """Of the program that wrote it."""
    settings: Settings
    size: int
    """Bytes of the content, unpacked."""


def seal(pieces: Iterable[bytes], settings: Settings) -> bytes:
    """A content that comes in pieces, sealed, with what it rests on."""
    body, size = packed(pieces)
    header = msgspec.msgpack.encode(Header(FORMAT, __version__, settings, size))
    rest = len(header).to_bytes(_LENGTH, "little") + header + body
    return MAGIC + hashlib.blake2b(rest, digest_size=_DIGEST).digest() + rest


def unseal(sealed: bytes) -> tuple[Header, bytes]:
    """The header, and the content while it is still packed; see `unpacked`.

    Raises:
        SnapshotError: Damaged, cut off, nothing sealed at all, or of another format.
    """
    if sealed[: len(MAGIC)] != MAGIC:
        raise refusal("these bytes are no snapshot")
    at = len(MAGIC) + _DIGEST
    rest = sealed[at:]
    if hashlib.blake2b(rest, digest_size=_DIGEST).digest() != sealed[len(MAGIC) : at]:
        raise refusal(f"{len(sealed)} bytes, damaged or cut off")
    length = int.from_bytes(rest[:_LENGTH], "little")
    try:
        header = msgspec.msgpack.decode(rest[_LENGTH : _LENGTH + length], type=Header)
    except msgspec.MsgspecError as error:
        raise refusal(f"its header is damaged: {error}") from error
    if header.format != FORMAT:
        raise refusal(
            f"format {header.format}, of Vedette {header.version[:40]!r}: this program reads format {FORMAT}"
        )
    if not 0 <= header.size <= LARGEST:
        raise refusal(f"{header.size} bytes unpacked: must be at most {LARGEST}")
    return header, rest[_LENGTH + length :]


def refusal(problem: str, *, remedy: str = "restore a copy of the store") -> SnapshotError:
    """What is said of bytes that cannot be taken back."""
    return SnapshotError(
        f"state of the engine: {problem}: {remedy}, or begin anew in another store (--store URL); what was found "
        "stays in this one"
    )


def packed(pieces: Iterable[bytes]) -> tuple[bytes, int]:
    """Bytes that come in pieces, as they are kept, and how many they are unpacked."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    packer = zstd.ZstdCompressor(level=_LEVEL)
    body, size = [], 0
    for piece in pieces:
        size += len(piece)
        body.append(packer.compress(piece))
    body.append(packer.flush())
    return b"".join(body), size


def unpacked(body: bytes, size: int) -> bytes:
    """The content again, if it is so many bytes.

    Raises:
        StateError: It is not.
    """
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    unpacker = zstd.ZstdDecompressor()
    try:
        content = unpacker.decompress(body, max_length=size + 1)
    except zstd.ZstdError as error:
        raise StateError(f"its parts are damaged: {error}") from error
    if len(content) != size or not unpacker.eof or unpacker.unused_data:
        raise StateError(f"its parts are {len(content)} bytes and not {size}")
    return content

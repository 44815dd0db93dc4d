"""One gzip member (RFC 1952): header, deflate data, checksum and size."""

import struct

from isal.igzip_lib import DECOMP_DEFLATE, IgzipDecompressor, IsalError
from isal.isal_zlib import crc32

HEADER_BYTES = 64 << 10
"""Most bytes of header: file names and comments are zero-terminated, so a hostile one would never end."""

_FHCRC, _FEXTRA, _FNAME, _FCOMMENT = 2, 4, 8, 16


class GzipError(Exception):
    """A member that breaks RFC 1952."""


class GzipMember:
    """Decodes one member, in the shape of `bz2.BZ2Decompressor`.

    Everything decoded is delivered before its checksum is judged: the call that finds it wrong raises, and by
    then has nothing left to deliver.
    """

    def __init__(self) -> None:
        self.eof = False
        self.unused_data = b""
        self._head = b""
        self._inner = IgzipDecompressor(flag=DECOMP_DEFLATE)
        self._started = False
        self._trailer: bytes | None = None
        self._crc = 0
        self._size = 0

    @property
    def needs_input(self) -> bool:
        """Whether more output takes more input."""
        if not self._started:
            return True
        return not self.eof and (
            len(self._trailer) < 8 if self._trailer is not None else self._inner.needs_input
        )

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Decode, giving at most `max_length` bytes.

        Raises:
            GzipError: The header, the deflate data or the checksum is wrong.
        """
        if not self._started:
            self._head += data
            length = header_length(self._head)
            if length is None:
                return b""
            data, self._head, self._started = self._head[length:], b"", True
        if self._trailer is not None:
            self._end(data)
            return b""
        try:
            out = self._inner.decompress(data, max_length)
        except IsalError as error:  # type: ignore[misc] # its stub declares an instance, not a class
            raise GzipError(str(error)) from None
        self._crc = crc32(out, self._crc)
        self._size += len(out)
        if self._inner.eof:
            self._trailer = b""
            data = self._inner.unused_data
            if out:
                self._trailer = data
            else:
                self._end(data)
        return out

    def _end(self, data: bytes) -> None:
        assert self._trailer is not None  # noqa: S101 # only called after the deflate data's end
        self._trailer += data
        if len(self._trailer) < 8:
            return
        crc, size = struct.unpack_from("<II", self._trailer)
        if crc != self._crc:
            raise GzipError("its checksum does not match its text")
        if size != self._size & 0xFFFFFFFF:
            raise GzipError("its size does not match its text")
        self.eof = True
        self.unused_data = self._trailer[8:]


def header_length(head: bytes) -> int | None:
    """Bytes that a member's header takes, or None while `head` holds only a part of it.

    Raises:
        GzipError: Not a gzip header, or one of more than `HEADER_BYTES`.
    """
    if len(head) > HEADER_BYTES:
        if (length := _measure(head[:HEADER_BYTES])) is None:
            raise GzipError(f"a header of more than {HEADER_BYTES} bytes")
        return length
    return _measure(head)


def _measure(head: bytes) -> int | None:
    if not b"\x1f\x8b\x08".startswith(head[:3]):
        raise GzipError("not a deflate member")
    if len(head) < 10:
        return None
    flags = head[3]
    at = 10
    if flags & _FEXTRA:
        if len(head) < at + 2:
            return None
        at += 2 + int.from_bytes(head[at : at + 2], "little")
    for flag in (_FNAME, _FCOMMENT):
        if flags & flag:
            end = head.find(b"\0", at)
            if end < 0:
                return None
            at = end + 1
    if flags & _FHCRC:
        at += 2
    return at if len(head) >= at else None

"""What the first bytes of an input are: text, a text encoding to undo, or something that is no log."""

from enum import Enum

import msgspec
import numpy as np

HEAD_BYTES = 256 << 10
"""How much of an input is looked at before it is read."""

CONTROL_SHARE = 0.08
"""Above this share of control bytes an input is binary: random bytes have 0.105, logs almost none."""

_MOSTLY = 0.9
"""Share of the bytes in odd, or in even places that are NUL in UTF-16."""

_CR_LINE = 8 << 10
"""Mean length up to which what stands between carriage returns, with no newline anywhere, is taken for lines."""

UTF8_BOM = b"\xef\xbb\xbf"


class Encoding(Enum):
    """How the text is written. Logs are read as bytes; only UTF-16 must be turned into UTF-8 first."""

    BYTES = "bytes"
    UTF16_LE = "utf-16-le"
    UTF16_BE = "utf-16-be"


class Content(msgspec.Struct, frozen=True):
    """What an input holds.

    Attributes:
        encoding: How its text is written.
        mark: Bytes of byte-order mark at its start.
        hole: NUL bytes at its start, before text.
        refusal: None for text; else what it looks like and what to do about it.
    """

    encoding: Encoding = Encoding.BYTES
    mark: int = 0
    hole: int = 0
    refusal: str | None = None


_CAPTURE = "a packet capture, not a log; `vedette scan` reads it under its own name"
_ARCHIVE = "extract it first"
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xd4\xc3\xb2\xa1", _CAPTURE),
    (0, b"\xa1\xb2\xc3\xd4", _CAPTURE),
    (0, b"\x4d\x3c\xb2\xa1", _CAPTURE),
    (0, b"\xa1\xb2\x3c\x4d", _CAPTURE),
    (0, b"\x0a\x0d\x0d\x0a", _CAPTURE),
    (0, b"\x0c\xa5", "a file of nfdump; write it as text with `nfdump -r FILE -o csv`"),
    (0, b"PK\x03\x04", f"a zip archive; {_ARCHIVE}"),
    (0, b"7z\xbc\xaf\x27\x1c", f"a 7-Zip archive; {_ARCHIVE}"),
    (0, b"Rar!\x1a\x07", f"a RAR archive; {_ARCHIVE}"),
    (257, b"ustar", f"a tar archive; {_ARCHIVE}"),
    (0, b"\x1f\x9d", "compress (.Z) data; run `uncompress` on it first"),
    (0, b"\x04\x22\x4d\x18", "lz4 data; run `lz4 -d` on it first"),
    (0, b"\x1f\x8b", "gzip data inside compressed data; decompress it once first"),
    (0, b"SQLite format 3\x00", "an SQLite database, not a log"),
    (0, b"LPKSHHRH", "a systemd journal; export it with `journalctl -o cat`"),
    (0, b"ElfFile\x00", "a Windows event log; export it as text first"),
    (0, b"PAR1", "a Parquet file; export it as JSON lines first"),
    (0, b"\x7fELF", "a program, not a log"),
    (0, b"MZ\x90\x00", "a program, not a log"),
    (0, b"\x89PNG\r\n\x1a\n", "an image, not a log"),
    (0, b"\xff\xd8\xff", "an image, not a log"),
    (0, b"GIF8", "an image, not a log"),
    (0, b"%PDF-", "a PDF document, not a log"),
)

_CONTROL = np.ones(256, dtype=bool)
_CONTROL[0x20:0x7F] = False
_CONTROL[0x80:] = False
_CONTROL[[0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1B]] = False


def _unmarked(head: bytes) -> str | None:
    """The name of UTF-16 without a mark, where every other byte is NUL, as of English text."""
    values = np.frombuffer(head, dtype=np.uint8)
    even, odd = (
        float(np.mean(values[0::2] == 0)),
        float(np.mean(values[1::2] == 0)) if len(values) > 1 else 0.0,
    )
    if max(even, odd) < _MOSTLY or min(even, odd) > 1 - _MOSTLY:
        return None
    return "UTF-16BE" if even > odd else "UTF-16LE"


def recognise(head: bytes | bytearray | memoryview) -> Content:
    """Judge an input by its first bytes (decompressed).

    Args:
        head: The first `HEAD_BYTES`, or all of a shorter input.
    """
    start = bytes(head[:512])
    for offset, magic, meaning in _MAGIC:
        if start.startswith(magic, offset):
            return Content(refusal=f"looks like {meaning}")
    if start.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return Content(refusal="is UTF-32 text; convert it with `iconv -f UTF-32 -t UTF-8`")
    if start.startswith(b"\xff\xfe"):
        return Content(Encoding.UTF16_LE, mark=2)
    if start.startswith(b"\xfe\xff"):
        return Content(Encoding.UTF16_BE, mark=2)
    text = bytes(head).lstrip(b"\0")
    if len(head) == 0:
        return Content()
    if not text:
        return Content(refusal="holds nothing but NUL bytes; give one that holds text")
    values = np.frombuffer(text, dtype=np.uint8)
    share = float(np.count_nonzero(_CONTROL[values])) / len(values)
    if share > CONTROL_SHARE and (encoding := _unmarked(bytes(head))) is not None:
        return Content(
            refusal=f"looks like {encoding} text without a byte-order mark; convert it with "
            f"`iconv -f {encoding} -t UTF-8`"
        )
    if share > CONTROL_SHARE:
        return Content(
            refusal=f"looks like binary data: {share:.0%} of its first bytes are control bytes "
            f"(text: under {CONTROL_SHARE:.0%}); give a text log, or a gzip, bzip2, xz or zstd of one"
        )
    if (ends := text.count(b"\r")) > 1 and b"\n" not in text and len(text) <= ends * _CR_LINE:
        return Content(
            refusal="its lines end with a carriage return alone, as those of old Macs did, and would be read as one; "
            "convert it with `tr '\\r' '\\n'`"
        )
    return Content(mark=len(UTF8_BOM) if start.startswith(UTF8_BOM) else 0, hole=len(head) - len(text))

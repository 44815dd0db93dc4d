"""How the journal lies on disk: segments of records, each with a checksum.

A segment begins with a head: a fixed text, a random marker of eight bytes, a CRC-32 of both. Each record begins
with that marker, so that after damage the next one can be found, also where the lines themselves were written to
look like records: who sends lines does not know the marker.
"""

import struct
from collections.abc import Iterator
from zlib import crc32

import msgspec

_TEXT = b"vedette journal 1\n"
_HEAD = struct.Struct(f"<{len(_TEXT)}s8sI")
HEAD_BYTES = _HEAD.size
MARKER_BYTES = 8
_FRAME = struct.Struct("<8sIIH")
FRAME_BYTES = _FRAME.size
"""Marker, CRC-32 of what follows it, bytes of label and lines, bytes of the label."""
RECORD_BYTES = 4 << 20
"""Most bytes of lines in one record."""
_MOST = RECORD_BYTES + (64 << 10)


class Label(msgspec.Struct, frozen=True, array_like=True):
    """Whose the lines of a record are; see `Delivery`."""

    stream: str
    service: str | None
    format: str | None
    first_line: int
    lines: int


class Record(msgspec.Struct, frozen=True):
    """One record as read, and where it ends. Without a label: bytes that are no record, up to there."""

    label: Label | None
    lines: bytes
    end: int


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Label)


def segment_head(marker: bytes) -> bytes:
    """The first bytes of a segment."""
    return _HEAD.pack(_TEXT, marker, crc32(_TEXT + marker))


def marker_of(head: bytes) -> bytes | None:
    """The marker of a segment, None if its head is damaged."""
    if len(head) < HEAD_BYTES:
        return None
    text, marker, checksum = _HEAD.unpack_from(head)
    return marker if text == _TEXT and crc32(text + marker) == checksum else None


def record(marker: bytes, label: Label, lines: bytes) -> bytes:
    """A record."""
    head = _ENCODER.encode(label)
    sizes = struct.pack("<IH", len(head) + len(lines), len(head))
    checksum = crc32(lines, crc32(head, crc32(sizes)))
    return b"".join((marker, struct.pack("<I", checksum), sizes, head, lines))


def next_size(data: bytes, marker: bytes) -> int:
    """How many bytes the record at the beginning of `data` claims to have, 0 if it is none."""
    if len(data) < FRAME_BYTES:
        return 0
    found, _, size, _ = _FRAME.unpack_from(data)
    return FRAME_BYTES + size if found == marker and size <= _MOST else 0


def records(data: bytes, start: int, marker: bytes) -> Iterator[Record]:
    """The records in a piece of a segment that begins with one, and the damage between them.

    A record that the piece cuts off at its end is left out, and so is damage after which nothing follows.

    Args:
        data: The piece. start: Its offset in the segment; ends count from the segment's beginning.
        marker: The segment's.
    """
    at = 0
    while at < len(data):
        found = _record_at(data, at, marker)
        if found is not None:
            label, lines, end = found
            yield Record(label, lines, start + end)
            at = end
            continue
        later = at
        while True:
            later = data.find(marker, later + 1)
            if later < 0:
                return
            if _record_at(data, later, marker) is not None:
                break
        yield Record(None, b"", start + later)
        at = later


def _record_at(data: bytes, at: int, marker: bytes) -> tuple[Label, bytes, int] | None:
    if len(data) - at < FRAME_BYTES:
        return None
    found, checksum, size, head = _FRAME.unpack_from(data, at)
    begin, end = at + FRAME_BYTES, at + FRAME_BYTES + size
    if found != marker or size > _MOST or head > size or end > len(data):
        return None
    if crc32(memoryview(data)[at + MARKER_BYTES + 4 : end]) != checksum:
        return None
    try:
        label = _DECODER.decode(memoryview(data)[begin : begin + head])
    except msgspec.MsgspecError:
        return None
    return label, data[begin + head : end], end

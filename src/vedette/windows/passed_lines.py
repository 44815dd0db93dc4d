"""What a flow table hands out, as lines: so that it can be kept like the lines of a log until it is taken in."""

import binascii
import sys
from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np

from vedette.schema.flows import FLOW_COLUMNS, Flows, Known
from vedette.schema.state import PackedArray, StateError, decode, encode, pack, unpack
from vedette.windows.flow_table import BINS, Passed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FORMAT: Final = "flow-parts"
_ROWS: Final = 768
"""Flows of one line: however badly they pack, it stays below the megabyte at which lines are cut."""
_LARGEST: Final = 1 << 20
"""Bytes of a line, unpacked."""


class _Line(msgspec.Struct, frozen=True, array_like=True):
    start: int
    known: int
    parts: PackedArray
    ended: PackedArray
    histogram: PackedArray | None


def to_lines(passed: Passed) -> Iterator[bytes]:
    """What was handed out, as one line or several, each with its newline."""
    parts, ended = passed.parts.table, passed.ended.table
    histogram = passed.histogram
    if histogram is not None and not (len(parts) or len(ended) or histogram.any()):
        return
    for at in range(0, max(len(parts), len(ended), 1), _ROWS):
        line = _Line(
            passed.start,
            int(passed.parts.known),
            pack(parts[at : at + _ROWS]),
            pack(ended[at : at + _ROWS]),
            None if histogram is None or at else pack(histogram),
        )
        yield binascii.b2a_base64(zstd.compress(encode(line), level=1))


def from_line(line: bytes) -> Passed:
    """What `to_lines` was given, or the part of it that this line holds.

    Raises:
        ValueError: It is none of its lines.
    """
    unpacker = zstd.ZstdDecompressor()
    try:
        content = unpacker.decompress(
            binascii.a2b_base64(line.rstrip(b"\n"), strict_mode=True), max_length=_LARGEST
        )
    except (zstd.ZstdError, EOFError) as error:
        raise StateError(f"flows are damaged: {error}") from error
    if not unpacker.eof:
        raise StateError("flows are damaged: cut off, or too many")
    kept = decode(content, _Line, "flows")
    known, shape = Known(kept.known), (None, FLOW_COLUMNS)
    histogram = None if kept.histogram is None else unpack(kept.histogram, np.int64, (3, BINS), "flows")
    return Passed(
        kept.start,
        Flows(unpack(kept.parts, np.int64, shape, "flows"), known),
        Flows(unpack(kept.ended, np.int64, shape, "flows"), known),
        histogram,
    )

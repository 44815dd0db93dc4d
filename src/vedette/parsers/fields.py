"""The contract between tokenisers, which find fields in bytes, and assembly, which turns fields into columns.

A tokeniser (text or JSON) knows where the fields of its format stand and what they mean; it does not convert.
Assembly (`vedette.parsers.assemble`) converts each field once for the whole chunk, alike for every format.
"""

from enum import Enum, IntEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.chunk import Skips


class Field(IntEnum):
    """A field that some format logs; the value is its row in `Tokens.start` and `Tokens.length`."""

    TIME = 0
    PEER = 1
    FORWARDED = 2
    REQUEST = 3
    """A whole request line, `GET /path?query HTTP/1.1`; assembly splits it."""
    METHOD = 4
    TARGET = 5
    """Path, with its query where the format logs both together."""
    QUERY = 6
    """The query alone, where the format logs it apart from the path (with or without `?`)."""
    PROTOCOL = 7
    STATUS = 8
    BYTES_IN = 9
    BYTES_OUT = 10
    DURATION = 11
    REFERER = 12
    USER_AGENT = 13
    SERVICE = 14
    ROUTE = 15
    """The route's template, as whoever answered knew it: `/users/{user_id}`."""
    DATE = 16
    """The day of `TIME`, where a format logs it apart and `TIME` is a clock (`10:00:00`)."""


FIELDS = len(Field)
ABSENT = -1
"""Start of a field that a line does not have (missing, or logged as `-`)."""


class TimeFormat(Enum):
    """How a format writes its times. Without a zone in the text, `Conventions.utc_offset` says it."""

    CLF = "17/May/2015:10:05:03 +0000"
    HAPROXY = "06/Feb/2009:12:14:14.655"
    ISO8601 = "2024-05-01T10:00:00.123456Z"
    """RFC 3339, with `T` or a space, any fraction, any offset, with or without a zone."""
    EPOCH_SECONDS = "1714557600.123"
    EPOCH_MILLISECONDS = "1714557600123"
    EPOCH_MICROSECONDS = "1714557600123456"
    EPOCH_NANOSECONDS = "1714557600123456789"
    DATE_THEN_TIME = "2024-05-01\t10:00:00"
    """Date and time as neighbouring columns (W3C logs), one span over both."""
    ANY = "any of the calendar layouts, or seconds since the epoch"
    """Told apart line by line by their shape; the unit of a bare number is never guessed."""


class DurationUnit(Enum):
    """The unit of a logged duration."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"
    NANOSECONDS = "ns"
    GO = "go"
    """Go's `time.Duration` text, `1.234ms` (Caddy, Traefik)."""


class Conventions(msgspec.Struct, frozen=True):
    """How to read the fields of one format."""

    time: TimeFormat
    duration: DurationUnit = DurationUnit.SECONDS
    utc_offset: int = 0
    """Seconds east of UTC of times logged without a zone."""
    zone: str = ""
    """A place whose clock they follow instead, like `Europe/Berlin`."""
    in_utc: bool = False
    """They are UTC by definition."""
    peer_has_port: bool = False
    """PEER is an address with a port (`192.0.2.7:5678`, `[2001:db8::7]:443`); assembly takes the port off."""
    target_has_origin: bool = False
    """TARGET is a whole address (`https://shop.example/cart`) in each line; assembly leaves the path and query.
    Elsewhere such a target was asked for as it stands, which is how open proxies are looked for."""
    target_is_relative: bool = False
    """TARGET may lack the slash that it begins with (`api/v1/ping`); assembly puts it there."""
    encoded: tuple[Field, ...] = ()
    """Fields that are percent-encoded (`Mozilla/5.0%20(X11)`), once or twice; assembly decodes them."""


class Tokens(msgspec.Struct):
    r"""Where the fields of n lines stand in the chunk's buffer.

    Attributes:
        start: int64, shape (FIELDS, n): offset into the chunk's buffer, `ABSENT` where a line lacks it.
            Escaped text (`\x22`, JSON escapes) has been unescaped into the buffer's tail; the span points
            there.
        length: int32, shape (FIELDS, n).
        line: int64 (n,), raw_start: int64 (n,), raw_length: int32 (n,): the lines themselves.
        flags: uint16 (n,): `RequestFlag` bits known so far.
        skips: Lines that are not requests.
        lines: All lines of the chunk.
        tail: Offset of the first byte of the buffer's tail that holds no unescaped text; 0 if nothing was
            written there (free space then begins after the chunk's padding).
        shape: uint8 (n,): which of a text format's shapes each line has, by number; None of other formats.
    """

    start: NDArray[np.int64]
    length: NDArray[np.int32]
    line: NDArray[np.int64]
    raw_start: NDArray[np.int64]
    raw_length: NDArray[np.int32]
    flags: NDArray[np.uint16]
    skips: Skips = msgspec.field(default_factory=Skips)
    lines: int = 0
    tail: int = 0
    shape: NDArray[np.uint8] | None = None

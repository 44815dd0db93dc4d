"""What a window's summary holds: the columns that the accumulation kernel fills and detectors read.

Every column is one of three kinds, and each kind merges by one operation, so that a summary is a commutative
monoid: counts and sums add, registers take the maximum, bitmaps take the union.
"""

from enum import IntEnum


class Group(IntEnum):
    """Columns of a service's or route's window (int64; all add)."""

    REQUESTS = 0
    STATUS_1XX = 1
    STATUS_2XX = 2
    STATUS_3XX = 3
    STATUS_4XX = 4
    STATUS_5XX = 5
    STATUS_UNKNOWN = 6
    STATUS_401 = 7
    STATUS_403 = 8
    STATUS_404 = 9
    STATUS_429 = 10
    BYTES_OUT = 11
    """Bytes."""
    BYTES_IN = 12
    """Bytes."""
    TIMED = 13
    """Requests with a recorded duration."""
    DURATION_US = 14
    """Sum of durations, microseconds."""
    WRITES = 15
    """Requests with a method other than GET, HEAD and OPTIONS."""
    NO_REFERER = 16
    ATTACKS = 17
    """Requests that a signature calls hostile beyond doubt."""
    DECLARED_BOTS = 18
    LOGIN_POSTS = 19
    LOGIN_FAILURES = 20
    SLICE_REQUESTS = 21
    """Requests in each third of the window: `SLICES` columns from here on."""
    SLICE_FAILED = 24
    """Of these, answered 5xx or 429; `SLICES` columns."""
    SLICE_TIMED = 27
    """Of these, with a recorded duration; `SLICES` columns."""
    SLICE_DURATION_US = 30
    """Sum of these durations, microseconds; `SLICES` columns."""
    ABSENT = 33
    """Requests by HEAD that were answered 404: whether something is there, and it is not."""


class Client(IntEnum):
    """Columns of one client's window on one service (int64)."""

    REQUESTS = 0
    STATUS_4XX = 1
    STATUS_5XX = 2
    STATUS_404 = 3
    STATUS_401 = 4
    STATUS_403 = 5
    STATUS_429 = 6
    BYTES_OUT = 7
    WRITES = 8
    LOGIN_POSTS = 9
    LOGIN_FAILURES = 10
    ATTACKS = 11
    NO_REFERER = 12
    ASSETS = 13
    ATTACKS_ANSWERED = 14
    """Hostile requests that were answered 2xx."""
    FIRST_TYPE = 15
    """Hostile requests of each signature type: a column each, from here up to the next."""
    SLICE_REQUESTS = 29
    """Requests in each third of the window: `SLICES` columns from here on."""
    # From here on, bitmaps: they merge by union.
    AGENT_KINDS = 32
    """Bit per kind of user agent."""
    ROUTES = 33
    """63-bit linear-counting bitmap of routes."""
    MISSING_ROUTES = 34
    """The same, of routes answered 404."""
    SECONDS = 35
    """Bit per sixtieth of the window in which the client made a request."""
    LET_IN = 36
    """Of `ROUTES`, those that answered the client, be it that nothing is there (404) or that they failed (5xx): whoever
    had been asked who he is was let in."""


SLICES = 3
"""Parts of a window that floods are looked for in: twenty seconds each, of windows of a minute."""
GROUP_COLUMNS = int(Group.ABSENT) + 1
CLIENT_COLUMNS = int(Client.LET_IN) + 1
CLIENT_FIRST_BITMAP = int(Client.AGENT_KINDS)

LATENCY_BINS = 256
LATENCY_BINS_PER_OCTAVE = 8
LATENCY_LOWEST_EXPONENT = -20
"""Durations from 2^-20 s (about a microsecond) to 2^12 s (over an hour), eight bins an octave."""

DISTINCT_BITS = 9
DISTINCT_REGISTERS = 1 << DISTINCT_BITS
"""HyperLogLog registers: standard error 1.04 / sqrt(512) = 4.6 %."""

BITMAP_BITS = 63
SECONDS_BITS = 60

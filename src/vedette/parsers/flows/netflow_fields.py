"""Which fields of NetFlow v9 and IPFIX records are read, and as what.

Numbers: https://www.iana.org/assignments/ipfix (those of NetFlow v9, RFC 3954 section 8, are the same), and RFC 5103
for the other direction of flows of two.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

REVERSE: Final = 29_305
"""The enterprise number of fields of the other direction (RFC 5103)."""
VARIABLE: Final = 65_535
"""The length of a field that says its own length in each record."""


class Field(StrEnum):
    """What is read of a record."""

    BYTES = "bytes"
    PACKETS = "packets"
    BACK_BYTES = "back_bytes"
    BACK_PACKETS = "back_packets"
    PROTOCOL = "protocol"
    FLAGS = "flags"
    BACK_FLAGS = "back_flags"
    SOURCE_PORT = "source_port"
    TARGET_PORT = "target_port"
    SOURCE4 = "source4"
    TARGET4 = "target4"
    SOURCE6 = "source6"
    TARGET6 = "target6"
    ICMP = "icmp"
    FIRST_UPTIME = "first_uptime"
    LAST_UPTIME = "last_uptime"
    FIRST_S = "first_s"
    LAST_S = "last_s"
    FIRST_MS = "first_ms"
    LAST_MS = "last_ms"
    FIRST_NTP = "first_ntp"
    LAST_NTP = "last_ntp"
    FIRST_BEFORE = "first_before"
    LAST_BEFORE = "last_before"
    BOOT_MS = "boot_ms"
    DURATION_MS = "duration_ms"
    SAMPLER = "sampler"
    SAMPLING = "sampling"
    SAMPLED = "sampled"
    PASSED_OVER = "passed_over"


Columns = dict[Field, NDArray[np.int64]]
"""Of n records, what each field holds: int64 (n,), of IPv6 addresses (n, 2)."""
FIELDS: Final[Mapping[tuple[int, int], Field]] = MappingProxyType(
    {
        (0, 1): Field.BYTES,
        (0, 2): Field.PACKETS,
        (0, 4): Field.PROTOCOL,
        (0, 6): Field.FLAGS,
        (0, 7): Field.SOURCE_PORT,
        (0, 8): Field.SOURCE4,
        (0, 11): Field.TARGET_PORT,
        (0, 12): Field.TARGET4,
        (0, 21): Field.LAST_UPTIME,
        (0, 22): Field.FIRST_UPTIME,
        (0, 23): Field.BYTES,
        (0, 24): Field.PACKETS,
        (0, 27): Field.SOURCE6,
        (0, 28): Field.TARGET6,
        (0, 32): Field.ICMP,
        (0, 34): Field.SAMPLING,
        (0, 48): Field.SAMPLER,
        (0, 50): Field.SAMPLING,
        (0, 85): Field.BYTES,
        (0, 86): Field.PACKETS,
        (0, 139): Field.ICMP,
        (0, 150): Field.FIRST_S,
        (0, 151): Field.LAST_S,
        (0, 152): Field.FIRST_MS,
        (0, 153): Field.LAST_MS,
        (0, 154): Field.FIRST_NTP,
        (0, 155): Field.LAST_NTP,
        (0, 156): Field.FIRST_NTP,
        (0, 157): Field.LAST_NTP,
        (0, 158): Field.FIRST_BEFORE,
        (0, 159): Field.LAST_BEFORE,
        (0, 160): Field.BOOT_MS,
        (0, 161): Field.DURATION_MS,
        (0, 231): Field.BYTES,
        (0, 232): Field.BACK_BYTES,
        (0, 298): Field.PACKETS,
        (0, 299): Field.BACK_PACKETS,
        (0, 302): Field.SAMPLER,
        (0, 305): Field.SAMPLED,
        (0, 306): Field.PASSED_OVER,
        (REVERSE, 1): Field.BACK_BYTES,
        (REVERSE, 2): Field.BACK_PACKETS,
        (REVERSE, 6): Field.BACK_FLAGS,
    }
)
"""By enterprise number (0 for IANA's) and field type. Of two that say the same, the first of a template counts."""

OF_EXPORTERS: Final = frozenset(
    (Field.SAMPLER, Field.SAMPLING, Field.SAMPLED, Field.PASSED_OVER, Field.BOOT_MS)
)
"""What is read of records about the exporter."""
STAMPS: Final = frozenset((Field.FIRST_NTP, Field.LAST_NTP))
"""Sixty-four bits that are no number: seconds since 1900 and a fraction."""
ADDRESSES6: Final = frozenset((Field.SOURCE6, Field.TARGET6))


def whole_number(octets: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Big-endian numbers of at most eight octets; those beyond int64 are the largest that there is.

    Args:
        octets: uint8 (n, width), width 0..8.
    """
    value = np.zeros(len(octets), dtype=np.uint64)
    for column in range(octets.shape[1]):
        value = (value << np.uint64(8)) | octets[:, column].astype(np.uint64)
    return np.minimum(value, np.uint64((1 << 63) - 1)).astype(np.int64)


def half(octets: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Eight octets of an address as an int64, bit for bit. uint8 (n, 8)."""
    return np.ascontiguousarray(octets).view(">i8").astype(np.int64)[:, 0]

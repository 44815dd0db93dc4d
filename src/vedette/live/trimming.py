"""What the C library does with memory: glibc keeps what imports and bursts left behind, for a service too long."""

import ctypes
import sys
from typing import Any

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_APART_BYTES = 4 << 20
_KEPT_BYTES = 16 << 20
"""Free memory that is kept at hand between two trims: what each batch takes again, the system would zero each time."""


def map_large_arrays() -> bool:
    """Give arrays of 4 MB and more pages of their own, for good; False where the C library cannot (mallopt(3)).

    By default, glibc raises the limit to what was last freed, up to 32 MB. Tables that are sized for the worst case
    then come from used memory, which has to be zeroed, and take their whole size from the start.
    """
    option = _function("mallopt")
    if option is None:
        return False
    return bool(option(_M_MMAP_THRESHOLD, _APART_BYTES) and option(_M_TRIM_THRESHOLD, _KEPT_BYTES))


def trim() -> bool:
    """Give back what is free, some milliseconds of work (malloc_trim(3)); False where the C library cannot."""
    release = _function("malloc_trim")
    return release is not None and bool(release(0))


def _function(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None

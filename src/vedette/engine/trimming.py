"""What the system does with memory: it keeps what imports and bursts left behind, for a service too long."""

import ctypes
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_APART_BYTES = 4 << 20
_MADV_DONTNEED: Final = 4
_MAPPING: Final = re.compile(
    r"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ +(/[^\n]*)\n((?:[A-Z]\w+:[^\n]*\n)*)", re.MULTILINE
)
"""A mapping of a file in `/proc/PID/smaps` (proc(5)), and its figures."""
_FIGURE: Final = re.compile(r"^(\w+): +(\d+) kB$", re.MULTILINE)
_KEPT_BYTES = 8 << 20
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


def share_one_heap() -> bool:
    """Let all threads take memory from one heap, for good; False where the C library cannot (mallopt(3)).

    By default, glibc gives each thread one of its own, and what one has freed no other takes: 12 MB of a service that
    has read 600,000 lines. Threads that hold the interpreter's lock seldom wait for the heap's.
    """
    option = _function("mallopt")
    return option is not None and bool(option(_M_ARENA_MAX, 1))


def trim() -> bool:
    """Give back what is free, some milliseconds of work (malloc_trim(3)); False where the C library cannot."""
    release = _function("malloc_trim")
    return release is not None and bool(release(0))


def let_go(library: str) -> int:
    """Give back the pages of a loaded library as its file holds them; whoever calls it again has them read anew.

    To load kernels, LLVM touches 40 MB of itself, once.

    Args:
        library: How its file's name begins.

    Returns:
        Bytes that were resident and are no more.
    """
    advise = _function("madvise")
    if advise is None:
        return 0
    given_back = 0
    for first, past, resident in _unchanged(library):
        if resident and advise(ctypes.c_void_p(first), ctypes.c_size_t(past - first), _MADV_DONTNEED) == 0:
            given_back += resident
    return given_back


def _unchanged(library: str) -> Iterator[tuple[int, int, int]]:
    """Mappings of a library that may not be written and hold what the file does: where, to where, bytes resident."""
    try:
        told = Path("/proc/self/smaps").read_text("utf-8", "backslashreplace")
    except OSError:
        return
    for first, past, flags, path, figures in _MAPPING.findall(told):
        if "w" in flags or not Path(path).name.startswith(library):
            continue
        kilobytes = {name: int(size) for name, size in _FIGURE.findall(figures)}
        # Where the linker wrote an address, a page is the process's own, though nobody may write it any more.
        if kilobytes.get("Anonymous", 1) == 0:
            yield int(first, 16), int(past, 16), 1024 * kilobytes.get("Rss", 0)


def _function(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None

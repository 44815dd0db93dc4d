"""Whether all kernels of some work are kept, told without importing one of them.

Who imports a kernel has decided whether kernels are compiled or interpreted. For who has to know before, whoever found
all of them kept writes down what they were made from.
"""

import hashlib
import os
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from vedette.kernels.cache import kernel_directory, read_cached, write_cached

READS = ("text", "json", "flows", "json_flows", "capture")
"""All that is read: requests in lines of text and of JSON, flow logs, those of them that are JSON, captures."""
_MAGIC = b"vedette kept 1\n"
_PROCESSORS = Path("/proc/cpuinfo")
_ROOMS = ("kernels", "schema")
"""Where kernels are, and what they take constants from."""
_SOURCES = (".py", ".json")
"""What of that they are made from: not what Python keeps of it."""


def remember_kept(reads: Iterable[str]) -> None:
    """Write down that all kernels are kept which reading such things needs (see `vedette.kernels.foreseen.READS`)."""
    directory, state = kernel_directory(), _state()
    if directory is None or not state:
        return
    for each in reads:
        path = _file(directory, each)
        if _told(path) != state:
            write_cached(path, _MAGIC, state, path.name)


def are_kept(reads: Iterable[str]) -> bool:
    """Whether that was written down, and nothing that they are made from has changed since.

    One that was lost nevertheless is compiled when it is called.
    """
    directory = kernel_directory()
    if directory is None:
        return False
    paths = [_file(directory, each) for each in reads]
    if not all(path.exists() for path in paths):
        return False
    state = _state()
    return bool(state) and all(_told(path) == state for path in paths)


def _told(path: Path) -> bytes:
    """What was written down there; nothing if nothing was."""
    return bytes(read_cached(path, _MAGIC) or b"")


def _file(directory: Path, read: str) -> Path:
    return directory / f"kept-{read}.txt"


def _state() -> bytes:
    """What kernels are made from, and for: sources, Python, compilers, processor; nothing where that is not told.

    Nor for kernels that check their indices: nobody compiles these beforehand.
    """
    if os.environ.get("NUMBA_BOUNDSCHECK", "0") != "0":
        return b""
    try:
        processor = _PROCESSORS.read_text().partition("\n\n")[0].splitlines()
    except OSError:
        return b""
    digest = hashlib.sha256()
    package = Path(__file__).parent.parent
    sources = [
        path for room in _ROOMS for path in sorted((package / room).rglob("*.*")) if path.suffix in _SOURCES
    ]
    compilers = [
        Path(spec.origin) for name in ("numba", "llvmlite") if (spec := find_spec(name)) and spec.origin
    ]
    for path in (*sources, *compilers):
        found = path.stat()
        digest.update(f"{path} {found.st_size} {found.st_mtime_ns}\n".encode())
    lasting = [line for line in processor if line.startswith(("model name", "flags", "Features", "CPU "))]
    digest.update("\n".join([sys.implementation.cache_tag or "", *lasting]).encode())
    return digest.hexdigest().encode()

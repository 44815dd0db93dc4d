"""Files that spare the next run some work: compiled kernels, compiled rules.

A cache is a convenience: without it (no home directory, no right to write, a file that is not as it should
be) the work is done anew, with the same outcome. What is kept is machine-readable state that native code
trusts, so a file counts only if nobody but this user could have written it: the file and its directory belong
to the effective user and neither is writable for others. A digest tells a whole file from a damaged one.
"""

import hashlib
import os
import stat
from pathlib import Path

LARGEST = 64 * 1024 * 1024
"""Bytes of the largest file that is read."""
KEPT = 4
"""Files kept of one kind: for each state of the code, version of a compiler and processor that takes turns here."""
_DIGEST = 32


def cache_directory() -> Path | None:
    """`$XDG_CACHE_HOME/vedette` or `~/.cache/vedette`; None where there is no such place."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG base directory specification: a relative path is invalid and to be ignored.
    if base and Path(base).is_absolute():
        return Path(base) / "vedette"
    try:
        return Path.home() / ".cache" / "vedette"
    except RuntimeError:
        return None


def kernel_directory() -> Path | None:
    """Where kernels' machine code is kept: where numba would keep it, if that was said."""
    base = os.environ.get("NUMBA_CACHE_DIR", "")
    where = Path(base) if base else cache_directory()
    return None if where is None else where / "kernels"


def can_keep(directory: Path | None) -> bool:
    """Whether what is written there will be there, and trusted, the next time."""
    if directory is None:
        return False
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _ours(directory.lstat()) and os.access(directory, os.W_OK | os.X_OK)
    except OSError:
        return False


def read_cached(path: Path, magic: bytes) -> memoryview | None:
    """What was written under `magic`; None if there is no such file, or none that can be trusted."""
    content = _trusted_content(path)
    if content is None or not content.startswith(magic):
        return None
    begin = len(magic) + _DIGEST
    digest, payload = content[len(magic) : begin], memoryview(content)[begin:]
    return payload if hashlib.sha256(payload).digest() == digest else None


def write_cached(path: Path, magic: bytes, payload: bytes, kind: str) -> None:
    """Write a file whole or not at all; not being able to is no error.

    Args:
        path: The file.
        magic: What it begins with.
        payload: What `read_cached` gives back.
        kind: A pattern for the names of files that this one takes turns with; the oldest beyond `KEPT` go.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _ours(path.parent.lstat()):
            return
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(magic + hashlib.sha256(payload).digest() + payload)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            return
        _prune(path.parent, kind)
    except OSError:
        return


def _ours(state: os.stat_result) -> bool:
    return state.st_uid == os.geteuid() and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _trusted_content(path: Path) -> bytes | None:
    """What a file holds, if only this user could have written it."""
    try:
        if not _ours(path.parent.lstat()):
            return None
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or not _ours(state) or state.st_size > LARGEST:
            return None
        try:
            return file.read()
        except OSError:
            return None


def _prune(directory: Path, kind: str) -> None:
    files = sorted(directory.glob(kind), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[KEPT:]:
        file.unlink(missing_ok=True)

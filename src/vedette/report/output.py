"""Where reports go: a file that appears whole or not at all, or standard output."""

import os
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from vedette.report.errors import OutputError
from vedette.report.shown import shown

STDOUT = "-"


def check_output(path: str) -> None:
    """See that a report can probably be written there, before hours are spent on what it is to say.

    Raises:
        OutputError: It cannot.
    """
    if path == STDOUT:
        if sys.stdout is None or getattr(sys.stdout, "name", None) == os.devnull:
            # A command line puts the null device in the place of a closed stream, so that reports for people are not
            # an error; what was asked for by name would be lost there.
            raise OutputError("-: standard output is closed: give a file, or leave it open")
        return
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise _cannot(path, "it is a directory")
    if not target.parent.is_dir():
        raise _cannot(path, "there is no such directory")
    if not os.access(target if _in_place(path) else target.parent, os.W_OK):
        raise _cannot(path, "no permission to write there")


def check_apart(outputs: Iterable[str | None], inputs: Iterable[str | Path | None]) -> None:
    """See that no report replaces what is read, or another report.

    Raises:
        OutputError: One does.
    """
    read = {os.path.realpath(path) for path in inputs if path is not None}
    written: set[str] = set()
    for path in outputs:
        if path is None or path == STDOUT or _in_place(path):
            continue
        target = os.path.realpath(path)
        if target in read:
            raise _cannot(path, "it is read, and would be replaced")
        if target in written:
            raise _cannot(path, "it is the place of two outputs")
        written.add(target)


@contextmanager
def open_output(path: str) -> Iterator[BinaryIO]:
    """Open a report for writing.

    A file is written beside its place and renamed into it at the end; if that end is an error, whatever stood
    there before still does. Pipes and devices are written to as they are. `-` is standard output.

    Raises:
        OutputError: The path cannot be written.
    """
    if path == STDOUT:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        if _in_place(path):
            with Path(path).open("wb") as stream:
                yield stream
        else:
            with _replacing(Path(os.path.realpath(path))) as stream:
                yield stream
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _cannot(path, error.strerror or str(error)) from error


def _cannot(path: str, why: str) -> OutputError:
    return OutputError(
        f"{shown(path)}: cannot be written: {why}: "
        "give a path in a directory that exists and has room, or - for standard output"
    )


def _in_place(path: str) -> bool:
    """Whether something stands there that no file may replace: a pipe, a device, a directory (an error)."""
    try:
        return not stat.S_ISREG(Path(path).stat().st_mode)
    except FileNotFoundError:
        return False


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    draft = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.part")
    # Unlike tempfile, this leaves the mode to the umask; a file that is replaced keeps its own.
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb", buffering=1 << 18) as stream:
            if mode is not None:
                os.fchmod(descriptor, mode)
            yield stream
        draft.replace(target)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise

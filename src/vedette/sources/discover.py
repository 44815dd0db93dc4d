"""Turns the paths that a user names into an ordered list of inputs.

Rotated siblings are read oldest first; groups of siblings come in the order in which they were first named.
"""

import difflib
import errno
import glob
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing
from io import FileIO
from pathlib import Path

import msgspec
from msgspec.structs import replace

from vedette.sources.content import recognise
from vedette.sources.errors import SourceError, SourceProblem
from vedette.sources.names import printable
from vedette.sources.rotation import COMPRESSED_SUFFIXES, is_of_month, rotation_of
from vedette.sources.streams import RawStream, decompressed, fill

STDIN = "-"
MAX_DEPTH = 8
_LOOK_BYTES = 4096
MAX_FILES = 100_000
_ERROR_LOG = "an error log by its name; name it to read it"
NO_PERMISSION = "no permission to read it; run as a user who may (often a member of group adm), or copy it"

_ADDRESS = re.compile(r"(?i)https?://")
_HINTS = ("log", "access", "u_ex")
_OF_DOMAINS = ("access-logs", "domlogs")
"""Directories of cPanel, whose logs are called after their domains: `shop.example`."""
_NOT_LOGS = {
    *(".json", ".csv", ".parquet", ".html", ".htm", ".css", ".js", ".md", ".py", ".sh"),
    *(".yaml", ".yml", ".toml", ".conf", ".cfg", ".ini", ".pid", ".sock", ".lock", ".swp", ".tmp", ".offset"),
    *(".pcap", ".pcapng", ".cap", ".png", ".jpg", ".jpeg", ".gif", ".ico", ".journal"),
    *(".db", ".sqlite", ".sqlite3", ".zip", ".7z", ".rar", ".tar", ".tgz"),
}


class Input(msgspec.Struct, frozen=True):
    """Something to read.

    Attributes:
        name: As reports print it: the path as given or found, made printable; `-` for standard input.
        path: Where it is; None for standard input.
        group: What its rotated siblings share; inputs of one group follow each other, oldest first.
        found: Whether it was found in a directory. What is wrong with it is then a reason to pass over it,
            where it would be an error of a file that was named.
        begun: Bytes that were read of standard input already, to see what it holds; they come first.
        whole: Whether those are all that it brought.
        held: A pipe that was named, open already: it can be opened once only. It has no path then, like standard input.
    """

    name: str
    path: Path | None
    group: str
    found: bool = False
    begun: bytes = b""
    whole: bool = False
    held: FileIO | None = None

    @property
    def stored_bytes(self) -> int | None:
        """How much it holds, as stored; None where nobody knows: a pipe that goes on, a file that is gone."""
        if self.path is None:
            return len(self.begun) if self.whole else None
        try:
            return self.path.stat().st_size
        except OSError:
            return None


def opened_if_pipe(source: Input) -> Input:
    """An input that can be read only once (a named pipe, `<(zcat access.log.gz)`), open; any other one as it is.

    Who looks at what it holds, closes it and opens it again has lost what was read, and may have ended its writer.
    """
    if source.path is None:
        return source
    try:
        if stat.S_ISREG(source.path.stat().st_mode):
            return source
        return replace(source, path=None, held=FileIO(source.path))
    except OSError:
        # Told by whoever reads it.
        return source


class Skipped(msgspec.Struct, frozen=True):
    """A file in a directory (or behind a pattern) that is left out, and why.

    Attributes:
        fault: Whether nobody could look whether it is a log, or it is one and could not be read.
    """

    name: str
    reason: str
    fault: bool = False


class Discovery(msgspec.Struct):
    """Inputs in reading order, and what was left out."""

    inputs: list[Input] = msgspec.field(default_factory=list)
    skipped: list[Skipped] = msgspec.field(default_factory=list)


def discover(paths: Sequence[str]) -> Discovery:
    """Find what to read.

    A file that is named is always taken. In a directory (searched `MAX_DEPTH` deep, links to directories not
    followed) those count whose names speak of a log (`log`, `access`, IIS's `u_ex`, cPanel's `-May-2024`) and
    not of an error log; every file left out is reported. A path that does not exist and holds `*`, `?` or `[` is
    a pattern, `**` for any depth; what it matches is taken but for error logs, unless it says `err` itself.
    Each file is read once, however often it is named.

    Args:
        paths: Files, directories, patterns, and `-` for standard input.

    Raises:
        SourceError: A path that does not exist, cannot be read, is a device or socket, or (a directory) holds
            nothing to read; or no paths at all.
    """
    if not paths:
        raise SourceError(
            STDIN, SourceProblem.MISSING, "no input; name a log file, a directory, or - for standard input"
        )
    found = Discovery()
    for path in paths:
        if not path:
            raise SourceError(
                "''",
                SourceProblem.MISSING,
                "is an empty name, of a variable that is not set perhaps; name a log",
            )
        if path == STDIN:
            found.inputs.append(Input(STDIN, None, STDIN))
        elif not os.path.lexists(path) and glob.has_magic(path):
            _add_pattern(path, found)
        else:
            _add_path(path, found)
    found.inputs = _in_reading_order(found.inputs)
    return found


def _add_pattern(pattern: str, found: Discovery) -> None:
    matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 # Path.glob refuses absolute patterns
    if not matches and (closed := _closed_above(pattern)) is not None:
        raise SourceError(
            pattern,
            SourceProblem.FORBIDDEN,
            f"no permission to look into {closed}; run as a user who may (often a member of group adm)",
        )
    if not matches:
        raise SourceError(pattern, SourceProblem.MISSING, f"no file matches this pattern; {_nearby(pattern)}")
    before = len(found.inputs), len(found.skipped)
    for match in matches:
        # `**` also matches directories; their files match by themselves.
        if Path(match).is_dir():
            if "**" not in pattern:
                _add_directory(match, found)
        elif is_passed_over(match, pattern):
            found.skipped.append(Skipped(printable(match), _ERROR_LOG))
        else:
            _add_path(match, found)
    if len(found.inputs) == before[0] and (skipped := found.skipped[before[1] :]):
        raise _nothing_usable(pattern, skipped)


def _add_path(name: str, found: Discovery) -> None:
    try:
        mode = Path(name).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise SourceError(name, SourceProblem.MISSING, _why_missing(name)) from None
    except PermissionError:
        raise SourceError(name, SourceProblem.FORBIDDEN, NO_PERMISSION) from None
    except OSError as error:
        why = f"cannot be looked up: {error.strerror}; check the name"
        if error.errno == errno.ELOOP:
            why = "is a link that leads back to itself; mend it, or name the log that it is to lead to"
        raise SourceError(name, SourceProblem.UNREADABLE, why) from None
    except ValueError as error:
        raise SourceError(name, SourceProblem.UNREADABLE, f"cannot be looked up: {error}") from None
    if stat.S_ISDIR(mode):
        before = len(found.inputs)
        skipped = _add_directory(name, found)
        if len(found.inputs) == before:
            raise _nothing_usable(name, skipped)
        return
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        kind = "a socket" if stat.S_ISSOCK(mode) else "a device"
        raise SourceError(
            name,
            SourceProblem.NOT_A_FILE,
            f"is {kind}; give a regular file, a directory, a pipe, or - for standard input",
        )
    if not os.access(name, os.R_OK):
        raise SourceError(name, SourceProblem.FORBIDDEN, NO_PERMISSION)
    found.inputs.append(_input(name))


def _add_directory(directory: str, found: Discovery) -> list[Skipped]:
    skipped: list[Skipped] = []
    taken = 0
    for name, why in _walk(directory, skipped):
        if why is None and taken == MAX_FILES:
            why = Skipped(
                printable(name),
                f"the directory holds more than {MAX_FILES} logs; name it to read it",
                fault=True,
            )
        if why is None:
            found.inputs.append(_input(name, found=True))
            taken += 1
        else:
            skipped.append(why)
    found.skipped.extend(skipped)
    return skipped


def _walk(top: str, skipped: list[Skipped]) -> Iterator[tuple[str, Skipped | None]]:
    """Every file under a directory, in order of name, with why it does not count (None if it does)."""

    def unreadable(error: OSError) -> None:
        skipped.append(
            Skipped(printable(str(error.filename)), f"cannot be searched: {error.strerror}", fault=True)
        )

    for directory, subdirectories, names in os.walk(top, onerror=unreadable):
        subdirectories.sort()
        depth = len(Path(directory).relative_to(top).parts)
        if depth == MAX_DEPTH:
            skipped.extend(
                Skipped(
                    str(Path(directory, below)), f"deeper than {MAX_DEPTH} directories; name it to read it"
                )
                for below in subdirectories
            )
            subdirectories.clear()
        for name in sorted(names):
            path = str(Path(directory, name))
            reason = why_not_by_name(name, directory)
            yield path, Skipped(printable(path), reason) if reason else _why_not_by_content(path)


def why_not_by_name(name: str, directory: str) -> str | None:
    """Why a file in a directory is not taken for a log, by their names; None if it is."""
    stem = name.lower()
    if stem.startswith("."):
        return "a hidden file"
    for suffix in COMPRESSED_SUFFIXES:
        stem = stem.removesuffix(suffix)
    suffix = Path(stem).suffix
    if suffix in _NOT_LOGS:
        return f"{suffix} files are not taken for logs; name it to read it"
    if not (any(hint in stem for hint in _HINTS) or Path(directory).name in _OF_DOMAINS or is_of_month(stem)):
        return "its name speaks of no log (log, access); name it to read it"
    return _ERROR_LOG if _is_error_log(stem) else None


def is_passed_over(path: str, pattern: str) -> bool:
    """Whether a file that a pattern matches is not meant by it: an error log among access logs."""
    return _is_error_log(Path(path).name.lower()) and "err" not in pattern.lower()


def _is_error_log(name: str) -> bool:
    return "error" in name and "access" not in name


def _why_not_by_content(path: str) -> Skipped | None:
    name = printable(path)
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            return Skipped(name, "not a regular file")
        if status.st_size == 0:
            return Skipped(name, "empty")
        with closing(RawStream(FileIO(path))) as raw:
            stream = decompressed(raw)
            head = bytearray(_LOOK_BYTES)
            got = fill(stream, memoryview(head))
    except PermissionError:
        return Skipped(name, "no permission to read it", fault=True)
    except OSError as error:
        return Skipped(name, f"cannot be read: {error.strerror}", fault=True)
    if not got:
        return Skipped(name, stream.damage or "empty", fault=stream.damage is not None)
    refusal = recognise(head[:got]).refusal
    return None if refusal is None else Skipped(name, refusal)


def _nothing_usable(directory: str, skipped: list[Skipped]) -> SourceError:
    if not skipped:
        return SourceError(
            directory, SourceProblem.EMPTY, "is an empty directory; name one that holds logs, or a log file"
        )
    first = "; ".join(f"{Path(skip.name).name}: {skip.reason}" for skip in skipped[:3])
    more = f"; and {len(skipped) - 3} more" if len(skipped) > 3 else ""
    problem = (
        SourceProblem.EMPTY
        if all(skip.reason == "empty" for skip in skipped)
        else SourceProblem.NOTHING_USABLE
    )
    return SourceError(
        directory, problem, f"holds no log to read ({first}{more}); name the files themselves to read them"
    )


def _why_missing(name: str) -> str:
    if Path(name).is_symlink():
        return (
            f"is a link to {printable(str(Path(name).readlink()))}, which does not exist; "
            "mend it, or name the log that it is to lead to"
        )
    if _ADDRESS.match(name):
        return (
            "is an address, and files are read; fetch it and pipe it in: `curl -s ADDRESS | vedette scan -`"
        )
    return f"no such file or directory; {_nearby(name)}"


def _nearby(name: str) -> str:
    """The remedy for a path that does not exist: a name that is like it, or how far the path does exist."""
    path = Path(name)
    parent = path.parent
    while not parent.is_dir() and parent != parent.parent:
        path, parent = parent, parent.parent
    try:
        siblings = sorted(entry.name for entry in parent.iterdir())
    except OSError:
        siblings = []
    if alike := difflib.get_close_matches(path.name, siblings[:10_000], n=1, cutoff=0.7):
        return f"did you mean '{parent / alike[0]}'?"
    if Path(name).parent != parent:
        return f"there is no '{path.name}' in {parent}"
    others = "1 other file" if len(siblings) == 1 else f"{len(siblings)} other files"
    return f"check the name ({parent} holds {others})"


def _closed_above(pattern: str) -> Path | None:
    """The directory that a pattern would look into, if it may not."""
    parts = Path(pattern).parts
    plain = next((i for i, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    directory = Path(*parts[:plain])
    return directory if os.path.isdir(directory) and not os.access(directory, os.R_OK | os.X_OK) else None  # noqa: PTH112 -- Path.is_dir raises for one above it that is closed


def _input(name: str, *, found: bool = False) -> Input:
    path = Path(name)
    # Files of one name in different directories are of different groups, however the directory was written.
    group = Path(os.path.realpath(path.parent), rotation_of(path.name).group)
    return Input(printable(name), path, str(group), found)


def _in_reading_order(inputs: list[Input]) -> list[Input]:
    groups: dict[str, list[Input]] = {}
    seen: set[str] = set()
    # A file that is both named and found counts as named.
    named = {_identity(item) for item in inputs if not item.found}
    for item in inputs:
        identity = _identity(item)
        if identity not in seen:
            seen.add(identity)
            groups.setdefault(item.group, []).append(replace(item, found=identity not in named))
    return [item for group in groups.values() for item in sorted(group, key=_age)]


def _identity(item: Input) -> str:
    return STDIN if item.path is None else os.path.realpath(item.path)


def _age(item: Input) -> tuple[int, str, int]:
    return rotation_of(item.path.name if item.path is not None else STDIN).order

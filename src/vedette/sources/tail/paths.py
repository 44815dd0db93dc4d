"""Which files are to be followed: those named, those in directories, those that match patterns."""

import glob
import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from vedette.sources.discover import MAX_DEPTH, is_passed_over, why_not_by_name
from vedette.sources.rotation import rotation_of
from vedette.sources.tail.content import is_packed


class Follow(msgspec.Struct, frozen=True):
    """Files to follow, and what is known of them.

    Attributes:
        paths: Files, directories, and patterns (`*`, `?`, `[...]`, `**` for any depth).
        from_end: Whether files that are there at the first start begin at their end.
        history: Whether their rotated files, also compressed ones, are read first then.
        service: The service of all their lines.
        format: Name of their lines' format.
    """

    paths: tuple[str, ...]
    from_end: bool = False
    history: bool = False
    service: str | None = None
    format: str | None = None

    def covers(self, path: str) -> bool:
        """Whether a file that need not exist would be followed."""
        return any(
            path == own or fnmatchcase(path, own) or path.startswith(own.rstrip("/") + "/")
            for own in self.paths
        )


class Found(msgspec.Struct, frozen=True):
    """A path to follow.

    Attributes:
        path: The path.
        named: Whether it was named itself, and is waited for when it is missing.
        past: Whether newer files of the same log are followed: it belongs to the past.
    """

    path: str
    named: bool
    past: bool = False


def find(follow: Follow, known: Sequence[str], *, history: bool) -> list[Found]:
    """The paths to follow now, in order of name.

    Of a log and its rotated files (`access.log`, `access.log.1`) the log itself is followed, and they with it.
    Where every file of a log is dated (`u_ex240501.log`), each is followed by itself.

    Args:
        follow: What was asked for.
        known: Paths followed so far; they count as there even when they are missing for a while.
        history: Whether compressed files count, too, where no log itself is there.
    """
    found: dict[str, Found] = {}
    families: dict[tuple[str, str], list[str]] = {}
    for path, named in _paths(follow):
        if named:
            found[path] = Found(path, named=True)
        else:
            families.setdefault(_family(path), []).append(path)
    live = {_family(path) for path in (*known, *found) if _is_live(path)}
    for family, members in families.items():
        members.sort(key=lambda path: rotation_of(os.path.basename(path)).order)  # noqa: PTH119 -- paths are text
        own = [path for path in members if _is_live(path)]
        if not own and family not in live:
            own = [
                path for path in members if not is_packed(path) or (history and not _has_plain(path, members))
            ]
        for path in own:
            found.setdefault(path, Found(path, named=False, past=path != members[-1]))
    return [found[path] for path in sorted(found)]


def _family(path: str) -> tuple[str, str]:
    directory, name = os.path.split(path)
    return directory, rotation_of(name).group


def _has_plain(path: str, members: list[str]) -> bool:
    """Whether a compressed file is made, or was, from one that is still there."""
    return os.path.splitext(path)[0] in members  # noqa: PTH122 -- as above


def _is_live(path: str) -> bool:
    name = os.path.basename(path)  # noqa: PTH119 -- as above
    return rotation_of(name).group == name


def _paths(follow: Follow) -> Iterator[tuple[str, bool]]:
    for path in follow.paths:
        if os.path.isdir(path):  # noqa: PTH112 -- as above
            yield from ((name, False) for name in _in_directory(path))
        elif not os.path.lexists(path) and glob.has_magic(path):
            for match in sorted(glob.glob(path, recursive=True)):  # noqa: PTH207 -- Path.glob refuses absolute ones
                if os.path.isdir(match):  # noqa: PTH112 -- as above
                    # `**` also matches directories; their files match by themselves.
                    if "**" not in path:
                        yield from ((name, False) for name in _in_directory(match))
                elif not is_passed_over(match, path):
                    yield match, False
        else:
            yield path, True


def _in_directory(top: str) -> Iterator[str]:
    for directory, subdirectories, names in os.walk(top):
        if len(Path(directory).relative_to(top).parts) >= MAX_DEPTH:
            subdirectories.clear()
        subdirectories.sort()
        yield from (
            f"{directory}/{name}" for name in sorted(names) if why_not_by_name(name, directory) is None
        )

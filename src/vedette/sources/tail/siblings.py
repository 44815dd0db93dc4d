"""Where a file went: the files around it, and which of them holds what was read."""

import os
import stat
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec

from vedette.sources.rotation import rotation_of
from vedette.sources.tail.content import is_packed, open_content
from vedette.sources.tail.mark import MARK_BYTES, Identity, Place

_MOST = 100_000
"""Entries of one directory that are looked at."""


class Sibling(msgspec.Struct, frozen=True):
    """A file beside a followed one.

    Attributes:
        path: Where it is.
        identity: Its device and inode.
        modified: When its content last changed, nanoseconds since the epoch.
        related: Whether its name says that it is a file of the same log.
    """

    path: str
    identity: Identity
    modified: int
    related: bool


def siblings(paths: Iterable[str], identity: Identity | None = None) -> list[Sibling]:
    """Rotated files of the logs at `paths`, the oldest first; and whatever file in their directories has `identity`.

    Where both a file and its compressed form stand, the compressed one is unfinished or about to replace it, and is
    left out. Directories that cannot be listed are passed over.
    """
    here = [Path(path) for path in paths]
    groups = {rotation_of(path.name).group for path in here}
    found: dict[Identity, tuple[tuple[int, str, int], Sibling]] = {}
    for directory in dict.fromkeys(path.parent for path in here):
        for path in _entries(directory, groups, identity):
            try:
                status = os.stat(path)  # noqa: PTH116 -- the path is text already
            except OSError:
                continue
            name = os.path.basename(path)  # noqa: PTH119 -- as above
            rotation = rotation_of(name)
            known = status.st_dev, status.st_ino
            if stat.S_ISREG(status.st_mode) and known not in found:
                related = rotation.group in groups
                found[known] = rotation.order, Sibling(path, known, status.st_mtime_ns, related)
    ordered = [sibling for _, sibling in sorted(found.values(), key=lambda item: item[0])]
    plain = {sibling.path for sibling in ordered if not is_packed(sibling.path)}
    return [s for s in ordered if s.path in plain or str(Path(s.path).with_suffix("")) not in plain]


def _entries(directory: Path, groups: set[str], identity: Identity | None) -> Iterable[str]:
    try:
        with os.scandir(directory) as entries:
            for number, entry in enumerate(entries):
                if number == _MOST:
                    return
                same = identity is not None and entry.inode() == identity[1]
                if same or rotation_of(entry.name).group in groups:
                    yield entry.path
    except OSError:
        return


def continues(sibling: Sibling, place: Place) -> bool:
    """Whether a file holds, up to where reading stood, what was read there."""
    if not place.offset:
        # Nothing to compare, and an inode may be another file's by now: its name must speak for it, too.
        same = sibling.identity == place.identity and is_packed(sibling.path) == place.packed
        return same and sibling.related
    try:
        with closing(open_content(sibling.path)) as content:
            if not is_packed(sibling.path) and content.status().st_size < place.offset:
                return False
            return place.held_by(content)
    except OSError:
        return False


def head_of(path: str) -> bytes:
    """A file's first bytes, none if it cannot be read."""
    try:
        with closing(open_content(path)) as content:
            return content.read(0, MARK_BYTES)
    except OSError:
        return b""

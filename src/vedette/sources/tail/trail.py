"""One path that is followed, through all the files that stand there one after the other.

At any time a path's newest file is the live one. A file that was rotated away is read to its end first, and
watched for some more time, because writers keep it open. When a file's content is no longer what was read, the
rotated files beside it are searched for the one that holds it, and that one is read on from the same place.
"""

import os
import stat
from collections.abc import Callable, Sequence

import msgspec

from vedette.schema.spans import SECOND_US
from vedette.sources.errors import SourceError
from vedette.sources.long_lines import LongLines
from vedette.sources.names import printable
from vedette.sources.source import Delivery
from vedette.sources.tail.followed import Ending, Followed, RewrittenError
from vedette.sources.tail.losses import Losses
from vedette.sources.tail.mark import Identity, Place
from vedette.sources.tail.siblings import Sibling, continues, head_of, siblings

LINGER_S = 600
"""How long a rotated file must be quiet before it is given up: what Apache's manual waits for old workers."""
PARTIAL_S = 5
"""How long the last line of a rotated file may lack its newline before it is handed on."""
KEPT = 3
"""Files read to their end that are remembered: what comes again under another name is not read again."""
MOST_FILES = 64
"""Files of one path that are followed at a time; more are given up, the oldest first, and counted."""
FIRST_PAUSE_S = 1
LONGEST_PAUSE_S = 60


class Told(msgspec.Struct, frozen=True):
    """What is known of all lines of a path."""

    service: str | None = None
    format: str | None = None


class _ChangedError(Exception):
    """What stands in a file is not what was read there."""

    def __init__(self, file: Followed) -> None:
        super().__init__(file.path)
        self.file = file


class Trail:
    """The files of one path.

    Attributes:
        path: The path.
        files: The oldest first; the live one, if there is any, last.
        reason: Why it is not read now, with the remedy; empty if all is well.
        missing: Whether nothing stands at the path.
        failed: Whether what stands there cannot be read.
    """

    def __init__(
        self, path: str, told: Told, long: LongLines, losses: Losses, claimed: Callable[[str], bool]
    ) -> None:
        self.path = path
        self.files: list[Followed] = []
        self.reason = ""
        self.missing = False
        self.failed = False
        self._told = told
        self._long = long
        self._losses = losses
        self._claimed = claimed
        self._pause = 0
        self._retry_at = 0
        self._directory_changed = 0

    def begin(self, now: int, *, from_end: bool = False, history: bool = False) -> None:
        """Follow what stands there now; `history` reads its rotated files first."""
        if history:
            own = self._paths()
            for sibling in siblings(own):
                if sibling.related and sibling.path not in own and not self._claimed(sibling.path):
                    self._add(sibling, now)
        self.look(now, from_end=from_end)

    def resume(self, places: Sequence[Place], now: int) -> None:
        """Go on where a position says, the oldest file first."""
        status = self._status()
        found: dict[int, Followed] = {}
        # First those that can be told by their content: an inode alone may be another file's by now.
        for number, place in sorted(enumerate(places), key=lambda item: item[1].offset == 0):
            if status is not None and place.identity == (status.st_dev, status.st_ino):
                # Compared when it is opened.
                found[number] = Followed.at(place, self._real(), place.identity, now, away=False)
                continue
            sibling = self._find(place, {file.identity for file in found.values()})
            if sibling is not None:
                found[number] = Followed.at(place, sibling.path, sibling.identity, now, away=True)
            elif (place.live and place.offset) or place.size > place.offset:
                self._losses.add("files_vanished", 1)
                self._losses.add("bytes_truncated", max(place.size - place.offset, 0))
        self.files = [found[number] for number in sorted(found)]
        # The live one last.
        self.files.sort(key=lambda file: not file.away)
        # Of a file that nothing was read of, the inode says little.
        if status is None or not self.files or self.files[-1].away or not self.files[-1].offset:
            since = max((place.modified for place in places), default=0)
            self._add_unseen(since, places, {file.identity for file in self.files}, now)
            self.files.sort(key=lambda file: not file.away)
        for file in self.files.copy():
            self._hold(file, now)
        self.look(now)

    def look(self, now: int, *, from_end: bool = False) -> None:
        """See what grew, what was rotated away, and what stands at the path now."""
        if now < self._retry_at:
            return
        try:
            status: os.stat_result | None = os.stat(self.path)  # noqa: PTH116 -- once a second: without an object
        except (FileNotFoundError, NotADirectoryError):
            status = None
        except OSError as error:
            self._fail(f"cannot be looked up: {error.strerror}", now)
            return
        identity = None if status is None else (status.st_dev, status.st_ino)
        for file in self.files.copy():
            # What stands at the path was looked at just now.
            if status is not None and file.identity == identity and not file.away:
                self._see(file, status, now)
            elif file.is_open:
                self._see(file, None, now)
        if status is None:
            self._gone(now)
        elif stat.S_ISREG(status.st_mode):
            self.missing = False
            self._at_path(status, now, from_end=from_end)
        else:
            self._fail("is no regular file; give a log file", now)
        self._retire(now)

    def _see(self, file: Followed, status: os.stat_result | None, now: int) -> None:
        try:
            if status is None:
                file.look(now)
            else:
                file.seen(status, now)
        except RewrittenError:
            self._rewritten(file, now)
        except OSError as error:
            file.close()
            self._fail(f"cannot be looked at: {error.strerror}", now)
        else:
            if not file.away and file.may_have_been_emptied:
                self._add_unseen(file.modified, (), set(), now)
                self.files.remove(file)
                self.files.append(file)
                file.trust()

    def take(self, room: int, now: int) -> list[Delivery]:
        """Whole lines, the oldest file first, about `room` bytes."""
        deliveries: list[Delivery] = []
        # Each of them may turn out to be another file, once.
        tries = len(self.files) + 1
        while now >= self._retry_at and tries and not deliveries and not self._read(room, now, deliveries):
            tries -= 1
        return deliveries

    def places(self) -> list[Place]:
        """Where each file stands, the oldest first."""
        return [file.place() for file in self.files]

    @property
    def behind(self) -> int:
        """Bytes that are there and were not handed on."""
        return sum(file.unread for file in self.files)

    def backlog(self, now: int) -> bool:
        """Whether a take may bring something now."""
        return now >= self._retry_at and any(file.ready or _is_overdue(file, now) for file in self.files)

    @property
    def finished(self) -> bool:
        """Whether nothing stands at the path, and all that did was read."""
        return self.missing and all(file.ended for file in self.files)

    def close(self) -> None:
        """Let go of all files."""
        for file in self.files:
            file.close()

    def _read(self, room: int, now: int, deliveries: list[Delivery]) -> bool:
        """Read from each file in turn; False if one was found changed, and the files are now others."""
        try:
            for file in self.files.copy():
                room -= self._take_from(file, room, now, deliveries)
                if room <= 0 or file.ready:
                    break
            self._succeed()
        except _ChangedError as change:
            self._rewritten(change.file, now)
            return False
        except SourceError as error:
            self._fail(error.reason, now)
        except PermissionError:
            self._fail("no permission to read it; run as a user who may (often a member of group adm)", now)
        except OSError as error:
            self._fail(f"cannot be read: {error.strerror}", now)
        return True

    def _take_from(self, file: Followed, room: int, now: int, deliveries: list[Delivery]) -> int:
        overdue = _is_overdue(file, now)
        if not file.ready and not overdue:
            return 0
        first, offset = file.lines + 1, file.offset
        try:
            lines = file.take(room, self._long, self._losses, Ending.HAND_ON if overdue else Ending.WAIT)
        except RewrittenError:
            raise _ChangedError(file) from None
        except (SourceError, PermissionError) as error:
            if not _is_hopeless(file, error, now):
                raise
            self._give_up(file)
            return 0
        if lines:
            told = self._told
            deliveries.append(Delivery(printable(self.path), lines, b"", first, told.service, told.format))
        return file.offset - offset

    def _at_path(self, status: os.stat_result, now: int, *, from_end: bool) -> None:
        identity = status.st_dev, status.st_ino
        live = self.files[-1] if self.files else None
        if live is not None and live.identity == identity:
            if live.away:
                # It was moved away and is here again.
                self._see(live, status, now)
            live.away = False
            live.ended = live.ended and live.packed
            return
        self._leave(now)
        back = next((file for file in self.files if file.identity == identity), None)
        if back is not None:
            self.files.remove(back)
            self.files.append(back)
            back.away = back.ended = False
            back.path = self._real()
            return
        if live is not None:
            known = {file.identity for file in self.files} | {identity}
            self._add_unseen(max(file.modified for file in self.files), (), known, now)
        self._follow_live(status, now, from_end=from_end)

    def _leave(self, now: int) -> None:
        """What stood at the path stands there no longer; whether it holds what was read is asked a last time."""
        live = self.files[-1] if self.files else None
        if live is not None and not live.away:
            try:
                live.compare()
            except RewrittenError:
                self._rewritten(live, now)
            except OSError as error:
                self._fail(f"cannot be read: {error.strerror}", now)
        for file in self.files:
            file.away = True

    def _follow_live(self, status: os.stat_result, now: int, *, from_end: bool = False) -> None:
        file = Followed(self.path, self._real(), (status.st_dev, status.st_ino), now, from_end=from_end)
        self.files.append(file)
        file.seen(status, now)
        file.trust()
        self._hold(file, now)

    def _hold(self, file: Followed, now: int) -> None:
        """Open it at once: whatever happens to its name then, it is held."""
        try:
            file.open()
        except RewrittenError:
            self._rewritten(file, now)
        except OSError:
            # Said when it is to be read.
            return

    def _rewritten(self, file: Followed, now: int) -> None:
        """What stands there is not what was read: read that on elsewhere, and this from its beginning."""
        place, lost = file.place(), file.known_unread
        known = {other.identity for other in self.files if other is not file}
        found = self._find(place, known)
        again = file.begin_again(now)
        at = self.files.index(file)
        count = len(self.files)
        if found is not None:
            self.files.append(Followed.at(place, found.path, found.identity, now, away=True))
            known.add(found.identity)
        else:
            self._losses.add("bytes_truncated", lost)
        if again:
            known.add(file.identity)
        self._add_unseen(place.modified, (place,), known, now)
        # What was found comes before what stands there now.
        new = self.files[count:]
        self.files[count:] = []
        self.files[at:at] = new
        if not again:
            self.files.remove(file)
        for each in (*new, *((file,) if again else ())):
            self._hold(each, now)

    def _find(self, place: Place, known: set[Identity]) -> Sibling | None:
        """The file that holds what was read, if it is not followed already."""
        around = siblings(self._paths(place), place.identity)
        if place.ended:
            return next((s for s in around if s.identity == place.identity), None)
        around = [s for s in around if s.identity not in known and s.path != self.path]
        around.sort(key=lambda sibling: sibling.identity != place.identity)
        return next((sibling for sibling in around if continues(sibling, place)), None)

    def _add_unseen(self, since: int, places: Sequence[Place], known: set[Identity], now: int) -> None:
        """Follow rotated files that came and went without being seen: written to after all that were."""
        own = self.path, self._real()
        known = known | {file.identity for file in self.files}
        for sibling in siblings(self._paths(*places)):
            new = sibling.related and sibling.identity not in known and sibling.path not in own
            if new and sibling.modified > since and not self._claimed(sibling.path):
                head = head_of(sibling.path)
                if head and not self._has_copy(head):
                    self._add(sibling, now)

    def _has_copy(self, head: bytes) -> bool:
        """Whether a file that begins so is a copy of one that is followed.

        It was compressed, or it is about to be made and what stands at the path to be truncated: found then.
        """
        if any(file.began_as(head) for file in self.files):
            return True
        live = head_of(self.path)
        return live[: len(head)] == head

    def _add(self, sibling: Sibling, now: int) -> None:
        self.files.append(Followed(self.path, sibling.path, sibling.identity, now, away=True))

    def _gone(self, now: int) -> None:
        self.missing = True
        self._leave(now)
        self.reason = "no such file; it is read when it appears"
        # It may have come and gone between two looks; then its directory has changed.
        changed = _changed(self.path)
        if self.files and changed != self._directory_changed:
            self._directory_changed = changed
            self._add_unseen(max(file.modified for file in self.files), (), set(), now)

    def _retire(self, now: int) -> None:
        """Give up rotated files that were quiet for long, and forget the oldest of those."""
        for number, file in enumerate(self.files):
            following = self.files[number + 1 :]
            # As long as nothing was written to its successor, its writer has not turned to that.
            unused = bool(following) and not any(later.size for later in following)
            quiet = now - file.grown_at >= LINGER_S * SECOND_US
            done = not file.ready and not file.unread
            if file.away and done and quiet and not unused:
                file.ended = True
            if file.ended:
                file.close()
        ended = [file for file in self.files if file.ended and file.away]
        for file in ended[: max(len(ended) - KEPT, 0)]:
            self.files.remove(file)
        while len(self.files) > MOST_FILES:
            self._give_up(self.files.pop(0))

    def _give_up(self, file: Followed) -> None:
        self._losses.add("files_given_up", 1)
        self._losses.add("bytes_given_up", file.unread)
        file.give_up()

    def _fail(self, reason: str, now: int) -> None:
        self.failed = True
        self.reason = reason
        self._pause = min(max(2 * self._pause, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        self._retry_at = now + self._pause * SECOND_US

    def _succeed(self) -> None:
        self.failed = False
        self._pause = self._retry_at = 0
        if not self.missing:
            self.reason = ""

    def _status(self) -> os.stat_result | None:
        try:
            return os.stat(self.path)  # noqa: PTH116 -- as above
        except OSError:
            return None

    def _real(self) -> str:
        return os.path.realpath(self.path)

    def _paths(self, *places: Place) -> list[str]:
        return list(dict.fromkeys([self.path, self._real(), *(os.fsdecode(p.path) for p in places)]))


def _is_hopeless(file: Followed, error: SourceError | PermissionError, now: int) -> bool:
    """Whether what was rotated away, or removed, will not be read: what stands at the path now must not wait for it.

    What is no text stays so. A permission may still be given as long as writers may hold the file.
    """
    return file.away and (isinstance(error, SourceError) or now - file.grown_at >= LINGER_S * SECOND_US)


def _is_overdue(file: Followed, now: int) -> bool:
    """Whether a last line's newline is not waited for any longer."""
    return file.away and not file.ended and file.unread > 0 and now - file.grown_at >= PARTIAL_S * SECOND_US


def _changed(path: str) -> int:
    """When a file's directory last changed, nanoseconds; 0 if nobody knows."""
    try:
        return os.stat(os.path.dirname(path)).st_mtime_ns  # noqa: PTH116, PTH120 -- paths are text
    except OSError:
        return 0

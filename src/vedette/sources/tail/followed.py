"""One file that is followed: whole lines as they come, and whether it still is what was read."""

import os
from enum import Enum

from vedette.sources.content import HEAD_BYTES, UTF8_BOM, Encoding, recognise
from vedette.sources.errors import SourceError, SourceProblem
from vedette.sources.long_lines import LongLines
from vedette.sources.names import printable
from vedette.sources.tail.content import Content, Packed, is_packed, open_content
from vedette.sources.tail.header import header_before
from vedette.sources.tail.losses import Losses
from vedette.sources.tail.mark import MARK_BYTES, Identity, Place, digest

_NEWLINE = b"\n"
_HOLE = b"\0"


class RewrittenError(Exception):
    """What stands in the file is not what was read there."""


class Ending(Enum):
    """What to do with a last line that has no newline yet."""

    WAIT = "wait"
    HAND_ON = "hand on"


class Followed:
    """A file, from `offset` on.

    Attributes:
        stream: The path under which it is followed.
        path: Where it is, as far as known.
        identity: Its device and inode.
        offset: Bytes handed on.
        lines: Lines handed on.
        size: Bytes it had when last looked at (decompressed ones are unknown: of the file).
        grown_at: Time of the look that last saw it grow, microseconds.
        away: Whether it stands no longer at its stream's path.
        ended: Whether it was read to its end and given up: it is away and was quiet for long.
        packed: Whether it is compressed.
    """

    def __init__(
        self,
        stream: str,
        path: str,
        identity: Identity,
        now: int,
        *,
        away: bool = False,
        from_end: bool = False,
    ) -> None:
        self.stream = stream
        self.path = path
        self.identity = identity
        self.offset = 0
        self.lines = 0
        self.size = 0
        self.grown_at = now
        self.away = away
        self.ended = False
        self.packed = is_packed(path)
        self._modified = 0
        self._head = b""
        self._before = b""
        self._sure = (0, 0)
        self._skipping = False
        self._counted = True
        self._stuck = -1
        self._to_compare = True
        self._from_end = from_end
        self._header = b""
        self._expected: Place | None = None
        self._content: Content | None = None

    @classmethod
    def at(cls, place: Place, path: str, identity: Identity, now: int, *, away: bool) -> "Followed":
        """Go on where a position says; what stands there is compared before anything is handed on."""
        file = cls(place.name, path, identity, now, away=away)
        file.offset, file.lines = place.offset, place.lines
        file._skipping = place.skipping
        file._sure = place.size, place.modified
        file.size = place.size
        file.ended = place.ended and (away or place.packed)
        file._expected = place
        return file

    @property
    def is_open(self) -> bool:
        """Whether a descriptor is held."""
        return self._content is not None

    @property
    def modified(self) -> int:
        """When it was last changed before the last time that its content was compared, nanoseconds."""
        return self._sure[1]

    @property
    def unread(self) -> int:
        """Bytes known to be there and not handed on; of a compressed file, 1 until it ended."""
        if self.packed:
            return int(not self.ended)
        return max(self.size - self.offset, 0)

    @property
    def known_unread(self) -> int:
        """Bytes that were there when its content was last compared, and were not handed on."""
        return 0 if self.packed else max(self._sure[0] - self.offset, 0)

    @property
    def ready(self) -> bool:
        """Whether it is to be read: it was never, or has more than at the last try that found no whole line."""
        return not self.ended and (self._to_compare or (self.unread > 0 and self._stuck != self.size))

    def place(self) -> Place:
        """Where it stands, for a position."""
        if self._expected is not None:
            return self._expected
        return Place(
            stream=os.fsencode(self.stream),
            path=os.fsencode(self.path),
            device=self.identity[0],
            inode=self.identity[1],
            offset=self.offset,
            lines=self.lines,
            size=self._sure[0],
            modified=self._sure[1],
            head_bytes=len(self._head),
            head=digest(self._head),
            before_bytes=len(self._before),
            before=digest(self._before),
            skipping=self._skipping,
            packed=self.packed,
            live=not self.away,
            ended=self.ended,
        )

    def open(self) -> None:
        """Open it, if it is not.

        Raises:
            OSError: It cannot be opened. RewrittenError: It is another file, or its content is another.
        """
        if self._content is not None:
            return
        try:
            content = open_content(self.path)
        except FileNotFoundError:
            # It has another name by now.
            raise RewrittenError from None
        try:
            status = content.status()
            self._compare(content, status)
        except BaseException:
            content.close()
            raise
        self._content = content
        self.seen(status, self.grown_at)
        if self._from_end:
            self._skip_to_end(content)

    def seen(self, status: os.stat_result, now: int) -> None:
        """Note what a look showed.

        Raises:
            RewrittenError: It is shorter than what was read of it.
        """
        if not self.packed and status.st_size < self.offset:
            raise RewrittenError
        if status.st_size != self.size or status.st_mtime_ns != self._modified:
            self.grown_at = now
            # Also when the size is the same: it may have been written anew up to there.
            self._to_compare = True
        self.size = status.st_size
        self._modified = status.st_mtime_ns

    @property
    def may_have_been_emptied(self) -> bool:
        """Whether it changed while nothing had been read of it: it may have held lines that are elsewhere now."""
        return self.offset == 0 and self._modified != self._sure[1]

    def trust(self) -> None:
        """Take what the last look showed for what was compared."""
        self._sure = self.size, self._modified

    def look(self, now: int) -> None:
        """Look at the open file.

        Raises:
            RewrittenError: It is shorter than what was read of it. OSError: It cannot be looked at.
        """
        if self._content is not None:
            self.seen(self._content.status(), now)

    def take(self, room: int, long: LongLines, losses: Losses, ending: Ending) -> bytes:
        """The next whole lines, about `room` bytes; empty if there is none yet.

        Of a file that is read from its end, first its header, which `offset` and `lines` do not count.

        Raises:
            OSError: It cannot be read. RewrittenError: Its content is not what was read before.
            SourceError: It is no text.
        """
        self.open()
        content = self._content
        if content is None:
            return b""
        if self._header:
            header, self._header = self._header, b""
            return header
        self._to_compare = False
        data = self._read(content, room)
        if len(data) >= room and _NEWLINE not in data:
            data = self._read(content, max(room, long.line_bytes + 1))
        if self.offset == 0:
            self._refuse_binary(data)
        if self.packed and len(data) < room:
            # All there is: what follows the last newline is handed on too.
            ending = Ending.HAND_ON
            if not data:
                self._end_packed(content, losses)
        lines, used = self._lines_of(data, long, losses)
        if not used and data and ending is Ending.HAND_ON:
            lines, used = (b"" if self._skipping else data + _NEWLINE), len(data)
        self._stuck = -1 if used else self.size
        self._before = (self._before + data[max(used - MARK_BYTES, 0) : used])[-MARK_BYTES:]
        self.offset += used
        self.lines += lines.count(_NEWLINE)
        if len(self._head) < MARK_BYTES:
            self._head = content.read(0, min(MARK_BYTES, self.offset))
        self._sure = self.size, self._modified
        return lines

    def compare(self) -> None:
        """Make sure that what was read still stands there, if it is open.

        Raises:
            RewrittenError: It does not. OSError: It cannot be read.
        """
        if self._content is not None and not self.packed:
            self._read(self._content, 0)

    def began_as(self, head: bytes) -> bool:
        """Whether its content begins with `head`: what begins so is a copy of it, whole or in the making."""
        if self._content is not None:
            try:
                return self._content.read(0, len(head)) == head
            except OSError:
                return False
        expected = self._expected
        if expected is None or not expected.head_bytes:
            return False
        return digest(head[: expected.head_bytes]) == expected.head

    def begin_again(self, now: int) -> bool:
        """Read what stands there from its beginning; False if the file is no longer at its path."""
        self._expected = None
        self._head = self._before = self._header = b""
        self._skipping = self._from_end = False
        self._to_compare = True
        self.offset = self.lines = 0
        self.grown_at = now
        self.ended = False
        try:
            if self._content is not None:
                self.seen(self._content.status(), now)
                return True
            status = os.stat(self.path)  # noqa: PTH116 -- the path is text
            self.seen(status, now)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self.identity

    def give_up(self) -> None:
        """Leave what was not read of it."""
        self.offset = self.size
        self.ended = True
        self.close()

    def close(self) -> None:
        """Let go of the descriptor; where it stands is kept."""
        if self._content is not None:
            self._content.close()
            self._content = None
            self._expected = self._expected or self.place()

    def _compare(self, content: Content, status: os.stat_result) -> None:
        """Hold a file that was just opened to what is remembered of it."""
        if (status.st_dev, status.st_ino) != self.identity:
            raise RewrittenError
        expected = self._expected
        if expected is None:
            return
        if (not self.packed and status.st_size < expected.offset) or not expected.held_by(content):
            raise RewrittenError
        self._head = content.read(0, expected.head_bytes)
        self._before = content.read(expected.offset - expected.before_bytes, expected.before_bytes)
        self._expected = None

    def _skip_to_end(self, content: Content) -> None:
        """Leave what is there; begin with the line that comes next."""
        self._from_end = False
        if self.packed:
            self.ended = True
            return
        self.offset = self.size
        self._before = content.read(max(self.offset - MARK_BYTES, 0), min(self.offset, MARK_BYTES))
        self._head = content.read(0, min(MARK_BYTES, self.offset))
        self._skipping = self._before[-1:] not in (b"", _NEWLINE)
        self._counted = not self._skipping
        self._header = header_before(content, self.offset)

    def _read(self, content: Content, room: int) -> bytes:
        """What comes after `offset`, after making sure that what was before it still is."""
        if self.packed:
            return content.read(self.offset, room)
        back = len(self._before)
        count = max(min(room, self.size - self.offset), 0)
        data = content.read(self.offset - back, back + count)
        # Read first, compared then: what was rewritten in between is not taken for what it was.
        if not data.startswith(self._before) or content.read(0, len(self._head)) != self._head:
            raise RewrittenError
        return data[back:]

    def _lines_of(self, data: bytes, long: LongLines, losses: Losses) -> tuple[bytes, int]:
        """Whole lines, and how many bytes of `data` are done with."""
        start = 0
        if self._skipping:
            end = data.find(_NEWLINE)
            dropped = len(data) if end < 0 else end
            if self._counted:
                long.bytes += dropped
            if end < 0:
                return b"", len(data)
            start = end + 1
            self._skipping, self._counted = False, True
        if self.offset == 0 and data.startswith(UTF8_BOM):
            start = len(UTF8_BOM)
        elif data.startswith(_HOLE, start) and not self._before.strip(_HOLE) and start == 0:
            start = len(data) - len(data.lstrip(_HOLE))
            losses.add("bytes_of_holes", start)
        if len(data) - start > long.line_bytes:
            lines, used = self._cut(data[start:], long)
            return lines, start + used
        end = data.rfind(_NEWLINE, start) + 1
        return (data[start:end], end) if end else (b"", start)

    def _cut(self, data: bytes, long: LongLines) -> tuple[bytes, int]:
        memory = bytearray(data)
        whole, filled = long.cut(memory, memoryview(memory), len(data))
        if not long.cutting:
            return bytes(memory[:whole]), len(data) - (filled - whole)
        long.cutting = False
        self._skipping = True
        return bytes(memory[:filled]) + _NEWLINE, len(data)

    def _refuse_binary(self, data: bytes) -> None:
        content = recognise(data[:HEAD_BYTES])
        reason = content.refusal
        if reason is None and content.encoding is not Encoding.BYTES:
            reason = "is UTF-16 text, which can be scanned but not followed; have it written as UTF-8"
        if reason is not None and data.strip(_HOLE):
            raise SourceError(printable(self.path), SourceProblem.BINARY, reason)

    def _end_packed(self, content: Content, losses: Losses) -> None:
        self.ended = True
        if isinstance(content, Packed) and content.damage is not None:
            losses.add("files_damaged", 1)

"""Standard input as a live source: what a pipe brings, while it brings it."""

import os
import select
import sys
from collections.abc import Sequence

from vedette.sources.discover import STDIN
from vedette.sources.errors import SourceError, SourceProblem
from vedette.sources.long_lines import LINE_BYTES, LongLines
from vedette.sources.source import Delivery, SourceState, SourceStatus

_NEWLINE = b"\n"
_PIECE = 1 << 20
_POSITION = b"-"
"""Nothing can be found again in a pipe; this says only that something was read."""


class Stdin:
    """Reads standard input without waiting, until it ends.

    Args:
        line_bytes: Longest line that is delivered whole.
        descriptor: Read instead of standard input's.
    """

    name = "stdin"

    def __init__(self, *, line_bytes: int = LINE_BYTES, descriptor: int | None = None) -> None:
        self._descriptor = descriptor
        self._long = LongLines(line_bytes)
        self._held = bytearray()
        self._skipping = False
        self._lines = 0
        self._state = SourceState.WAITING
        self._reason = ""

    def open(self, position: bytes | None) -> None:
        """See `Source`.

        Raises:
            SourceError: There is no standard input, or it is a terminal.
        """
        if position is not None:
            self._reason = "a pipe cannot be read again: what it brought while nobody read it is lost"
        if self._descriptor is not None:
            return
        remedy = "pipe a log into it or name a file"
        if sys.stdin is None or sys.stdin.closed:
            raise SourceError(STDIN, SourceProblem.UNREADABLE, f"standard input is closed; {remedy}")
        if sys.stdin.isatty():
            raise SourceError(STDIN, SourceProblem.NOT_A_FILE, f"standard input is a terminal; {remedy}")
        self._descriptor = sys.stdin.fileno()

    def take(self, room: int) -> Sequence[Delivery]:
        """See `Source`."""
        lines = bytearray()
        while len(lines) < room and self._has_something():
            lines += self._read(room)
        if not lines:
            return ()
        first = self._lines + 1
        self._lines += lines.count(_NEWLINE)
        return (Delivery(STDIN, bytes(lines), _POSITION, first),)

    def pending(self) -> Sequence[str]:
        """See `Source`."""
        return (STDIN,) if self._has_something() else ()

    def committed(self, position: bytes) -> None:
        """See `Source`."""

    def status(self) -> SourceStatus:
        """See `Source`."""
        dropped = {"lines_cut": self._long.lines, "bytes_cut": self._long.bytes} if self._long.lines else {}
        return SourceStatus(self.name, self._state, self._reason, None, dropped)

    def close(self) -> None:
        """See `Source`. Standard input stays open."""
        self._descriptor = None

    def _has_something(self) -> bool:
        if self._descriptor is None or self._state in (SourceState.ENDED, SourceState.FAILED):
            return False
        ready = bool(select.select([self._descriptor], [], [], 0)[0])
        self._state = SourceState.READING if ready else SourceState.WAITING
        return ready

    def _read(self, room: int) -> bytes:
        try:
            data = os.read(self._descriptor or 0, min(_PIECE, room))
        except OSError as error:
            self._state = SourceState.FAILED
            self._reason = f"standard input cannot be read: {error.strerror}; start the service anew"
            return b""
        return self._lines_of(data) if data else self._end()

    def _lines_of(self, data: bytes) -> bytes:
        if self._skipping:
            end = data.find(_NEWLINE)
            dropped = len(data) if end < 0 else end
            self._long.bytes += dropped
            if end < 0:
                return b""
            self._skipping = False
            data = data[end + 1 :]
        self._held += data
        if len(self._held) > self._long.line_bytes:
            return self._cut()
        end = self._held.rfind(_NEWLINE) + 1
        lines = bytes(self._held[:end])
        del self._held[:end]
        return lines

    def _cut(self) -> bytes:
        with memoryview(self._held) as view:
            end, filled = self._long.cut(self._held, view, len(self._held))
        if self._long.cutting:
            self._long.cutting = False
            self._skipping = True
            lines = bytes(self._held[:filled]) + _NEWLINE
            self._held.clear()
            return lines
        lines = bytes(self._held[:end])
        self._held = self._held[end:filled]
        return lines

    def _end(self) -> bytes:
        self._state = SourceState.ENDED
        self._reason = "standard input has ended"
        rest = bytes(self._held)
        self._held.clear()
        return rest + _NEWLINE if rest else b""

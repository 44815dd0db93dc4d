"""Many lines at once: reading entries, judging them, and counting."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from vedette.report.json import as_json
from vedette.schema.lines import JoinedLines
from vedette.schema.live import DetectedLines
from vedette.server.bodies import BatchSummary, LineError

Judge = Callable[[Sequence[bytes], Sequence[str | None], bytes | None], DetectedLines]
Piece = bytes | memoryview
_NEWLINE = 10
SESSION_CHARACTERS = 200
"""Longest session id."""
PIECE = 1000
"""Lines of a stream that are judged together."""


def read_line(text: str, most: int) -> bytes:
    """A line as bytes, without its newline.

    Raises:
        ValueError: It is none, or too long.
    """
    line = text.rstrip("\r\n").encode("utf-8", "surrogateescape")
    if not line:
        raise ValueError("is empty: must be a log line")
    if b"\n" in line:
        raise ValueError("holds a newline: must be one line")
    if len(line) > most:
        raise ValueError(f"has {len(line)} bytes: must have at most {most}")
    return line


def read_entry(entry: Any, most: int) -> tuple[bytes, str | None]:
    """A line and its session, from a text or an object with `log_line` and perhaps `session_id`.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(entry, str):
        return read_line(entry, most), None
    if not isinstance(entry, dict):
        raise ValueError("must be a text, or an object with log_line")  # noqa: TRY004 -- one error for all that is wrong
    line, session = entry.get("log_line"), entry.get("session_id")
    unknown = next((key for key in entry if key not in ("log_line", "session_id")), None)
    if unknown is not None:
        raise ValueError(f"{str(unknown)[:60]}: no such field; an entry has log_line and session_id")
    if not isinstance(line, str):
        raise ValueError("log_line: must be a text")  # noqa: TRY004 -- as above
    if session is not None and (not isinstance(session, str) or len(session) > SESSION_CHARACTERS):
        raise ValueError(f"session_id: must be a text of at most {SESSION_CHARACTERS} characters")
    return read_line(line, most), session


class Tally(msgspec.Struct):
    """Counts of what was judged so far."""

    anomalies: int = 0
    normal: int = 0
    unread: int = 0
    errors: int = 0

    def add(self, found: DetectedLines, lines: int, errors: int) -> None:
        """Count lines that were judged, and entries that are none."""
        self.anomalies += found.anomalies
        self.unread += found.unread
        self.normal += lines - found.anomalies - found.unread
        self.errors += errors

    def summary(self) -> BatchSummary:
        """The counts as answered."""
        judged = self.anomalies + self.normal
        return BatchSummary(
            judged + self.unread + self.errors,
            self.anomalies,
            self.normal,
            self.anomalies / judged if judged else 0.0,
            self.unread,
            self.errors,
        )


class Entries(msgspec.Struct):
    """Entries read so far and not judged; those that are no lines keep their place."""

    first: int = 0
    lines: list[bytes] = msgspec.field(default_factory=list)
    sessions: list[str | None] = msgspec.field(default_factory=list)
    errors: list[LineError] = msgspec.field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines) + len(self.errors)

    def add(self, entry: Any, most: int) -> None:
        """Read one entry."""
        try:
            line, session = read_entry(entry, most)
        except ValueError as error:
            self.refuse(str(error))
        else:
            self.lines.append(line)
            self.sessions.append(session)

    def add_line(self, line: bytes) -> None:
        """Take a line as it is."""
        self.lines.append(line)
        self.sessions.append(None)

    def refuse(self, reason: str) -> None:
        """Note an entry that is no line."""
        self.errors.append(LineError(reason, self.first + len(self)))

    def judge(self, judge: Judge, tally: Tally, separator: bytes) -> list[Piece]:
        """One result for each entry as JSON, in order, and separators between; afterwards there are no entries.

        Args:
            judge: Judges lines. tally: Counts them.
        """
        # Errors go in between.
        joined = None if self.errors else separator
        found = judge(self.lines, self.sessions, joined) if self.lines else DetectedLines([], 0, 0)
        tally.add(found, len(self.lines), len(self.errors))
        results = found.answers
        for error in self.errors:
            results.insert(error.index - self.first, as_json(error))
        self.first += len(self)
        self.lines, self.sessions, self.errors = [], [], []
        return _separated(results, separator)


def _separated(results: list[Piece], separator: bytes) -> list[Piece]:
    if len(results) <= 1:
        return results
    pieces: list[Piece] = [separator] * (2 * len(results) - 1)
    pieces[::2] = results
    return pieces


def plain_lines(entries: Sequence[Any], most: int) -> JoinedLines | None:
    """Entries as lines at once if all are plain lines, as they nearly always are; None if not.

    Args:
        entries: As they came. most: Bytes of the longest line.
    """
    if not entries or set(map(type, entries)) != {str}:
        return None
    text = "\n".join([*entries, ""]).encode("utf-8", "surrogateescape")
    # Four bytes a character at most: whoever sends longer ones is looked at line by line.
    if max(map(len, entries)) * 4 > most or "" in entries or b"\r" in text:
        return None
    if np.count_nonzero(np.frombuffer(text, dtype=np.uint8) == _NEWLINE) != len(entries):
        return None
    return JoinedLines(text, len(entries))


def answer_batch(judge: Judge, entries: JoinedLines | Sequence[Any], most: int) -> list[Piece]:
    """The answer to a batch, as pieces of JSON.

    Args:
        judge: Judges lines. entries: Lines, or entries as they came. most: Bytes of the longest line.
    """
    tally, separator = Tally(), b","
    lines = entries if isinstance(entries, JoinedLines) else plain_lines(entries, most)
    if lines is not None:
        found = judge(lines, [None] * len(lines), separator)
        tally.add(found, len(lines), 0)
        results = _separated(found.answers, separator)
    else:
        read = Entries()
        for entry in entries:
            read.add(entry, most)
        results = read.judge(judge, tally, separator)
    return [b'{"results":[', *results, b'],"summary":' + as_json(tally.summary()) + b"}"]


class LineSplitter:
    """Cuts a stream of bytes into lines, at most `most` bytes of each kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rest = b""
        self._skipping = False

    def feed(self, piece: bytes, *, last: bool = False) -> list[bytes | None]:
        """The lines that are complete; None for one that is too long."""
        parts = (self._rest + piece).split(b"\n")
        self._rest = parts.pop()
        found: list[bytes | None] = []
        for part in parts:
            found.append(None if self._skipping or len(part) > self._most else part)
            self._skipping = False
        if len(self._rest) > self._most:
            self._rest, self._skipping = b"", True
        if last and (self._rest or self._skipping):
            found.append(None if self._skipping else self._rest)
            self._rest, self._skipping = b"", False
        return found


def read_json_line(entries: Entries, line: bytes | None, most: int) -> None:
    """Read one line of a stream of JSON lines.

    A text is a log line; an object with `log_line` is an entry; any other object is itself the line of a JSON log.
    """
    if line is None:
        entries.refuse(f"has more than {most} bytes")
        return
    line = line.strip()
    if not line:
        return
    try:
        entry = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        entries.refuse("is not JSON: each line must be a text, or an object")
        return
    if isinstance(entry, dict) and "log_line" not in entry:
        entries.add_line(line)
    else:
        entries.add(entry, most)


async def answer_stream(
    pieces: AsyncIterator[bytes],
    judge: Callable[[Entries, Tally], Any],
    most: int,
) -> AsyncIterator[bytes]:
    """One JSON line for each line that comes, as it comes, and the summary at the end.

    Args:
        pieces: The body. judge: Awaits the results of entries, a line each, and has them counted.
        most: Bytes of the longest line.
    """
    splitter, entries, tally = LineSplitter(most), Entries(), Tally()
    ended = False
    while not ended:
        piece = await anext(pieces, None)
        ended = piece is None
        for line in splitter.feed(piece or b"", last=ended):
            read_json_line(entries, line, most)
            if len(entries) >= PIECE:
                yield b"".join((*await judge(entries, tally), b"\n"))
        if len(entries):
            yield b"".join((*await judge(entries, tally), b"\n"))
    yield as_json({"summary": tally.summary()}) + b"\n"


_DECODER = msgspec.json.Decoder()

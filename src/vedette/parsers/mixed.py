"""Sources that hold lines of more than one format: two servers' lines in one stream, a format changed midway.

The chosen format reads what it can. A line that it cannot read may show another format, which from that line on
reads what the first leaves over. Which lines are looked at depends on their order alone, never on where a chunk
ends: the first few unread ones, then every so many, so that a log full of rubbish costs little.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from vedette.parsers.format import Format, Parser
from vedette.parsers.interleave import interleave, overwrite
from vedette.parsers.unread import NO_ROW, Unread
from vedette.schema.chunk import Chunk, Parsed, Skips
from vedette.schema.requests import RequestFlag, Requests
from vedette.schema.state import StateError, check, decode, encode

MOST_FORMATS = 3
"""Formats that one source is read as, at most."""
LOOKED_AT = 16
"""Unread lines that are looked at one by one, before only each `STRIDE`th is."""
STRIDE = 256
"""A format that begins midway loses fewer lines than this, and those are counted."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What a `MixedParser` knows of its source."""

    chosen: tuple[str, bytes]
    also: list[tuple[str, bytes]]
    unread: int
    looked: int


class _Read(msgspec.Struct, frozen=True):
    """Requests that another format read, and the row that the chosen one made of each; `NO_ROW` for none."""

    requests: Requests
    row: NDArray[np.int64]


class MixedParser:
    """Parses one source of the chosen format, and of others that its unread lines turn out to be.

    Args:
        source: Name of the source.
        chosen: The format that fits best.
        others: What unread lines are held against, the most specific first.
    """

    def __init__(self, source: str, chosen: Format, others: Sequence[Format]) -> None:
        self._source = source
        self._name = chosen.name
        self._chosen = chosen.open(source)
        self._others = [f for f in others if f is not chosen]
        self._also: list[tuple[str, Parser]] = []
        self._unread = 0
        self._looked = 0

    @property
    def formats(self) -> tuple[str, ...]:
        """Names of the formats that the lines have so far turned out to be, the chosen one first."""
        return (self._name, *(name for name, _ in self._also))

    def parse(self, chunk: Chunk) -> Parsed:
        """Turn whole lines into a batch. Never raises for what the lines hold."""
        parsed = self._chosen.parse(chunk)
        requests = parsed.requests
        # What was salvaged of a line yields to a format that reads all of it.
        odd = np.flatnonzero(requests.flags & np.uint16(RequestFlag.REPAIRED))
        left = parsed.lines - len(requests) + len(odd)
        if not self._also and self._next() >= self._unread + left:
            self._unread += left
            return parsed
        unread = Unread.of(chunk, parsed.lines, requests, odd)
        found: list[_Read] = []
        for _, parser in self._also:
            unread = self._take(parser, unread, 0, found)
        while len(self._also) + 1 < MOST_FORMATS and (at := self._look(unread)) is not None:
            unread = self._take(self._also[-1][1], unread, at, found)
        self._unread += len(unread)
        if not found:
            return parsed
        if all((read.row != NO_ROW).all() for read in found):
            # Each line has a row and no reason to be skipped: nothing moves.
            for read in found:
                overwrite(requests, read.row, read.requests)
            return Parsed(requests, parsed.skips, parsed.lines)
        kept = np.ones(len(requests), dtype=np.bool_)
        for read in found:
            kept[read.row[read.row != NO_ROW]] = False
        if not kept.all():
            requests = requests.select(np.flatnonzero(kept))
        for read in found:
            requests = interleave(requests, read.requests)
        return Parsed(requests, self._reasons(unread), parsed.lines)

    def to_state(self) -> bytes:
        """The formats so far and their states, as bytes."""
        also = [(name, parser.to_state()) for name, parser in self._also]
        return encode(_State((self._name, self._chosen.to_state()), also, self._unread, self._looked))

    def from_state(self, content: bytes) -> None:
        """Go on where the parser that `to_state` was asked of stood.

        Raises:
            StateError: Damaged, of another format, or of formats that are not known; see `vedette.schema.state`.
        """
        what = "state of a parser"
        state = decode(content, _State, what)
        name, own = state.chosen
        check(name == self._name and len(state.also) < MOST_FORMATS, what)
        check(min(state.unread, state.looked) >= 0, what)
        self._chosen.from_state(own)
        for name, other in state.also:
            known = next((f for f in self._others if f.name == name), None)
            if known is None:
                raise StateError(f"{what} is of the format {name[:40]!r}, which is not known")
            self._others.remove(known)
            parser = known.open(self._source)
            parser.from_state(other)
            self._also.append((name, parser))
        self._unread, self._looked = state.unread, state.looked

    def _next(self) -> int:
        """How many unread lines come before the next that is looked at."""
        return self._looked if self._looked < LOOKED_AT else -(-self._looked // STRIDE) * STRIDE

    def _look(self, unread: Unread) -> int | None:
        """Look for a line that shows another format and take that format up; which line it is."""
        while (at := self._next() - self._unread) < len(unread):
            self._looked = self._unread + at + 1
            line = unread.chunk(self._source, at, at + 1)
            shown = next((f for f in self._others if f.score(line) == 1.0), None)
            if shown is not None:
                self._looked -= 1  # the line will be read: the next unread one takes its number
                self._others.remove(shown)
                self._also.append((shown.name, shown.open(self._source)))
                return at
        return None

    def _take(self, parser: Parser, unread: Unread, at: int, found: "list[_Read]") -> Unread:
        """Read lines from the one at `at` on, as far as they fit without repair; what is left over."""
        if at >= len(unread):
            return unread
        requests = parser.parse(unread.chunk(self._source, at, len(unread))).requests
        requests = requests.select((requests.flags & np.uint16(RequestFlag.REPAIRED)) == 0)
        if not len(requests):
            return unread
        left = np.ones(len(unread), dtype=bool)
        left[requests.line - 1] = False
        at_line = requests.line - 1
        found.append(_Read(replace(requests, line=unread.line[at_line]), unread.row[at_line]))
        return unread.select(left)

    def _reasons(self, unread: Unread) -> Skips:
        """Why the chosen format did not read what nobody read."""
        skips = self._chosen.parse(unread.chunk(self._source, 0, len(unread))).skips
        samples = [(reason, int(unread.line[line - 1]), text) for reason, line, text in skips.samples]
        return Skips(skips.counts, samples)

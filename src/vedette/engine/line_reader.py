"""Reading single lines, each of which may be of any format."""

from bisect import insort
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import attrgetter

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.parsers.format import Parser
from vedette.parsers.registry import formats
from vedette.parsers.single import Single
from vedette.parsers.sniff import Choice
from vedette.parsers.text_format import TextParser
from vedette.parsers.wrappers import UnwrappingParser
from vedette.schema.chunk import Chunk, SkipReason
from vedette.schema.errors import VedetteError
from vedette.schema.lines import joined
from vedette.schema.requests import RequestFlag, Requests

SOURCE = "detect"
"""What single lines come from: the name of their service, where they tell none."""
MOST_READERS = 8
"""Formats that are tried before all are; the one that has read nothing for the longest time makes room."""
MOST_SESSIONS = 4096
"""Sessions whose format is remembered."""
LOOKED_AT = 16
"""Lines of one call that are held against all formats: about a millisecond each."""
LONGEST_LOOK = 1 << 14
"""Bytes of the longest line that is held against all formats."""


class Reader(msgspec.Struct, eq=False):
    """A format that lines have been of.

    Attributes:
        rank: Its place among all formats: the most specific come first.
    """

    name: str
    parser: Parser
    rank: int


class ReadLines(msgspec.Struct, frozen=True):
    """Lines that one format read.

    Attributes:
        format: Its name.
        requests: n of them.
        place: int64 (n,), which of the lines each is.
        reader: Name of the format that they were read by, which may take lines of others, too.
    """

    format: str
    requests: Requests
    place: NDArray[np.int64]
    reader: str


class LineReader:
    """Reads lines by the formats that lines before them had, and finds a new one where none fits. For one thread.

    Args:
        choose: Finds the format of a sample.
    """

    def __init__(self, choose: Callable[[Chunk], Choice]) -> None:
        self._choose = choose
        # The most specific first: others read such lines, too, and pass over what they do not know.
        self._readers: list[Reader] = []
        # The one that has read something last comes last.
        self._used: OrderedDict[str, Reader] = OrderedDict()
        self._sessions: OrderedDict[str, Reader] = OrderedDict()

    def read(
        self, lines: Sequence[bytes], sessions: Sequence[str | None]
    ) -> tuple[list[ReadLines], dict[int, SkipReason]]:
        """What was read, and why the other lines were not.

        Args:
            lines: Without newlines. sessions: Of each, None for none.
        """
        found: list[ReadLines] = []
        left = list(range(len(lines)))
        for reader in self._order(sessions):
            if left:
                left = self._take(reader, lines, left, found)
        unknown: list[int] = []
        for _ in range(LOOKED_AT):
            if not left:
                break
            first = left[0]
            shown = self._look(lines[first])
            if shown is not None:
                left = self._take(shown, lines, left, found)
            if left and left[0] == first:
                unknown.append(left.pop(0))
        reasons = self._salvage(lines, unknown + left, found) if unknown or left else {}
        if sessions.count(None) < len(sessions):
            self._remember(sessions, found)
        return found, reasons

    def read_single(self, line: bytes, session: str | None) -> tuple[str, Single] | None:
        """A plain line of the format that is the likeliest, and that format's name; None of others.

        Args:
            line: Without a newline. session: See `read`.
        """
        for reader in self._order((session,))[:1]:
            parser = reader.parser
            if isinstance(parser, TextParser) and line:
                single = parser.parse_single(Chunk.of(line + b"\n", SOURCE))
                if single is not None:
                    self._used.move_to_end(reader.name)
                    if session is not None:
                        self._belongs(session, reader)
                    return parser.shapes[min(single.shape, len(parser.shapes) - 1)], single
        return None

    def _order(self, sessions: Sequence[str | None]) -> list[Reader]:
        """The formats to try, the likeliest first."""
        known = self._sessions.get(sessions[0]) if len(sessions) == 1 and sessions[0] is not None else None
        if known is None or known not in self._readers or known is self._readers[0]:
            return list(self._readers)
        return [known, *(reader for reader in self._readers if reader is not known)]

    def _take(
        self, reader: Reader, lines: Sequence[bytes], left: list[int], found: list[ReadLines]
    ) -> list[int]:
        """Read what a format reads without repair; the lines that are left."""
        parsed = reader.parser.parse(_chunk(lines, left))
        requests, shape = parsed.requests, parsed.shape
        whole = (requests.flags & _REPAIRED) == 0
        if not len(requests) or not whole.any():
            return left
        self._used.move_to_end(reader.name)
        if whole.all() and len(requests) == len(left):
            # All that are there are in their order.
            place = np.arange(len(left)) if len(left) == len(lines) else np.array(left, dtype=np.int64)
            found += _called(reader, requests, place, shape)
            return []
        requests, shape = requests.select(whole), None if shape is None else shape[whole]
        place = np.array(left, dtype=np.int64)[requests.line - 1]
        found += _called(reader, requests, place, shape)
        taken = set(place.tolist())
        return [line for line in left if line not in taken]

    def _look(self, line: bytes) -> Reader | None:
        """A format that fits a line and is not tried yet."""
        if len(line) > LONGEST_LOOK:
            return None
        try:
            choice = self._choose(Chunk.of(line + b"\n", SOURCE))
        except VedetteError:
            return None
        wrapper = choice.wrapper
        name = choice.format.name if wrapper is None else f"{choice.format.name} in {wrapper.name}"
        if any(reader.name == name for reader in self._readers):
            return None
        inner = choice.format.open(SOURCE)
        parser = inner if wrapper is None else UnwrappingParser(wrapper, inner, joins=False)
        reader = Reader(name, parser, _ranks().get(choice.format.name, -1))
        if len(self._used) >= MOST_READERS:
            self._readers.remove(self._used.popitem(last=False)[1])
        self._used[name] = reader
        insort(self._readers, reader, key=attrgetter("rank"))
        return reader

    def _salvage(
        self, lines: Sequence[bytes], left: list[int], found: list[ReadLines]
    ) -> dict[int, SkipReason]:
        """Take what the likeliest format reads with repair, and say why the others are no requests."""
        reasons = dict.fromkeys(left, SkipReason.NOT_THIS_FORMAT)
        if not self._readers:
            return reasons
        reader = next(reversed(self._used.values()))
        parsed = reader.parser.parse(_chunk(lines, left))
        if len(parsed.skips.counts) == 1:
            reasons = dict.fromkeys(left, next(iter(parsed.skips.counts)))
        if len(parsed.requests):
            place = np.array(left, dtype=np.int64)[parsed.requests.line - 1]
            found.append(ReadLines(reader.name, parsed.requests, place, reader.name))
            for line in place.tolist():
                del reasons[line]
        return reasons

    def _remember(self, sessions: Sequence[str | None], found: Sequence[ReadLines]) -> None:
        by_name = {reader.name: reader for reader in self._readers}
        for read in found:
            for place in read.place.tolist():
                session = sessions[place]
                if session is not None:
                    self._belongs(session, by_name[read.reader])

    def _belongs(self, session: str, reader: Reader) -> None:
        self._sessions[session] = reader
        self._sessions.move_to_end(session)
        if len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)


def _called(
    reader: Reader, requests: Requests, place: NDArray[np.int64], shape: NDArray[np.uint8] | None
) -> list[ReadLines]:
    """What one format has read, each line under the name of the format that it is of."""
    names = reader.parser.shapes if isinstance(reader.parser, TextParser) else ()
    if shape is None or not names:
        return [ReadLines(reader.name, requests, place, reader.name)]
    last = len(names) - 1
    if bool((shape == shape[0]).all()):
        return [ReadLines(names[min(shape.item(0), last)], requests, place, reader.name)]
    called = np.array(names)[np.minimum(shape, last)]
    some = ((name, called == name) for name in dict.fromkeys(called.tolist()))
    return [ReadLines(name, requests.select(rows), place[rows], reader.name) for name, rows in some]


@cache
def _ranks() -> Mapping[str, int]:
    """The place of each known format among all."""
    return {known.name: place for place, known in enumerate(formats())}


_REPAIRED = np.uint16(RequestFlag.REPAIRED)


def _chunk(lines: Sequence[bytes], places: Sequence[int]) -> Chunk:
    chosen = lines if len(places) == len(lines) else [lines[place] for place in places]
    return Chunk.of(joined(chosen), SOURCE)

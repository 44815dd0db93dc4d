"""Where in a line, whatever its format, a field may stand: guesses, which the parser will confirm or not."""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from vedette.inject.facts import Facts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST = 12
"""Guesses at one field of one line."""
_CLOCKS = (
    "%d/%b/%Y:%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d\t%H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d:%H:%M:%S",
    "%d/%m/%Y:%H:%M:%S",
)
_OFFSETS = [0, *(15 * 60 * quarter for quarter in range(-48, 57) if quarter)]
"""Offsets from UTC in use, seconds."""
_NUMBER = re.compile(rb"(?<![\w.])[0-9]{1,15}(?:\.[0-9]{1,9})?(?![0-9.])")
_WORD = re.compile(rb"\w")


class Spot(NamedTuple):
    """A place in a line, and how a new value is written there.

    Attributes:
        start, end: Of the old text.
        style: Of times, a clock's format or the seconds of one unit; of durations, the seconds of one unit.
        digits: Decimals of a number.
        offset: Of times, seconds east of UTC.
    """

    start: int
    end: int
    style: str | float = ""
    digits: int = 0
    offset: int = 0

    def write(self, value: object) -> bytes:
        """A value as it is written here: microseconds for a clock, seconds for a duration, else text or a number."""
        if isinstance(self.style, str) and self.style:
            assert isinstance(value, int)  # noqa: S101 -- times are
            return clock(value, self.style, self.offset)
        if isinstance(self.style, float):
            amount = (value / 1e6 if isinstance(value, int) else float(str(value))) / self.style
            return f"{amount:.{self.digits}f}".encode()
        return value if isinstance(value, bytes) else str(value).encode()


def clock(time: int, style: str, offset: int) -> bytes:
    """A moment as a clock shows it."""
    return (_EPOCH + timedelta(microseconds=time, seconds=offset)).strftime(style).encode()


def guesses(field: str, line: bytes, facts: Facts, known: tuple[str, int] | None = None) -> Iterator[Spot]:
    """Places where a field of a line may stand, the likeliest first.

    Args:
        field: A field of `Facts`. line: Without its end. facts: What the parser read.
        known: Clock and offset that fitted other lines of the log.
    """
    value = getattr(facts, field)
    if value is None:
        return
    if field == "time":
        yield from _times(line, value, known)
    elif field == "duration":
        yield from _durations(line, value)
    else:
        text = value if isinstance(value, bytes) else str(value).encode()
        yield from (Spot(start, start + len(text)) for start in _standing_alone(line, text))


def _standing_alone(line: bytes, text: bytes) -> list[int]:
    """Where a text stands that is not part of a longer word, at most `_MOST` times."""
    found: list[int] = []
    start = line.find(text) if text else -1
    while start >= 0 and len(found) < _MOST:
        end = start + len(text)
        joined = (start and _WORD.match(line, start - 1) and _WORD.match(text)) or (
            end < len(line) and _WORD.match(line, end) and _WORD.match(text, len(text) - 1)
        )
        if not joined:
            found.append(start)
        start = line.find(text, start + 1)
    return found


def _times(line: bytes, time: int, known: tuple[str, int] | None) -> Iterator[Spot]:
    styles = [known] if known is not None else [(c, o) for o in _OFFSETS for c in _CLOCKS]
    for style, offset in styles:
        text = clock(time, style, offset)
        start = line.find(text)
        if start >= 0:
            yield Spot(start, start + len(text), style, offset=offset)
    for match in _NUMBER.finditer(line):
        for unit in (1.0, 1e-3, 1e-6):
            if abs(float(match[0]) * unit - time / 1e6) < 1e-3 + 1e-9 * time / 1e6:
                yield Spot(match.start(), match.end(), unit, _decimals(match[0]))


def _durations(line: bytes, duration: float) -> Iterator[Spot]:
    numbers = list(_NUMBER.finditer(line))[:200]
    for match in numbers:
        number = float(match[0])
        for unit in (1.0, 1e-3, 1e-6, 1e-9):
            if number and math.isclose(number * unit, duration, rel_tol=1e-6, abs_tol=1e-9):
                yield Spot(match.start(), match.end(), unit, _decimals(match[0]))


def _decimals(number: bytes) -> int:
    return len(number.partition(b".")[2])

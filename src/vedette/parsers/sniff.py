"""Choosing the format of a source from its first lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vedette.parsers.format import Format, Parser
from vedette.schema.chunk import PADDING, Chunk
from vedette.schema.errors import VedetteError

LINES_JUDGED = 200
LEAST_SHARE = 0.4
"""A format is chosen if at least this share of the sample's lines fits; the rest is salvaged or counted."""
NEARLY_AS_GOOD = 0.05
"""Scores this close to the best count as equal: then the more specific format (the earlier one) is chosen."""
SHOWN = 120
"""Bytes of a line that an error message shows."""


class UnknownFormatError(VedetteError):
    """No format fits a source."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The format that was chosen, and why.

    Attributes:
        format: The best.
        share: Its score: the share of sampled lines that fit.
        runner_up: Name of the second best, or None if no other fits at all.
        scores: Score of each format by name.
    """

    format: Format
    share: float
    runner_up: str | None
    scores: Mapping[str, float]

    def open(self, source: str) -> Parser:
        """Start parsing a source of the chosen format."""
        return self.format.open(source)


def sniff(sample: Chunk, formats: Sequence[Format]) -> Choice:
    """Choose the format that fits a sample best.

    Args:
        sample: Whole lines from the beginning of a source; up to `LINES_JUDGED` of them, spread evenly, are
            judged. The sample is not changed.
        formats: The most specific first.

    Raises:
        UnknownFormatError: No format fits `LEAST_SHARE` of the lines.
    """
    judged = thin(sample, LINES_JUDGED)
    scores = {f.name: f.score(judged) for f in formats}
    best = max(scores.values(), default=0.0)
    if best < LEAST_SHARE:
        raise _unknown(sample, scores, best)
    good = [f for f in formats if scores[f.name] >= max(best - NEARLY_AS_GOOD, LEAST_SHARE)]
    others = [f for f in formats if f is not good[0] and scores[f.name] > 0]
    runner_up = max(others, key=lambda f: scores[f.name]).name if others else None
    return Choice(good[0], scores[good[0].name], runner_up, scores)


def thin(sample: Chunk, lines: int) -> Chunk:
    """A copy of the sample with at most so many lines: leading comments, and others spread evenly."""
    texts = sample.buffer[: sample.length].tobytes().splitlines(keepends=True)
    head = 0
    while head < len(texts) and head < lines // 2 and texts[head].startswith(b"#"):
        head += 1
    rest = texts[head:]
    step = max(1, -(-len(rest) // lines))
    return chunk_of(b"".join(texts[:head] + rest[::step]), sample.source, sample.first_line)


def chunk_of(text: bytes, source: str, first_line: int = 1) -> Chunk:
    """A chunk of its own that holds a copy of some lines."""
    buffer = np.full(2 * len(text) + 2 * PADDING, 10, dtype=np.uint8)
    buffer[: len(text)] = np.frombuffer(text, dtype=np.uint8)
    return Chunk(source, buffer, len(text), first_line)


def _unknown(sample: Chunk, scores: Mapping[str, float], best: float) -> UnknownFormatError:
    first = next(
        (line for line in sample.buffer[: sample.length].tobytes().splitlines() if line.strip()), b""
    )
    shown = first[:SHOWN].decode("ascii", "backslashreplace").encode("unicode_escape").decode("ascii")
    cut = "..." if len(first) > SHOWN else ""
    nearest = max(scores, key=lambda name: scores[name], default="none")
    fit = (
        f"the nearest, {nearest}, fits {best:.0%} of the sampled lines" if best > 0 else "none fits any line"
    )
    return UnknownFormatError(
        f"{sample.source}: no known log format ({fit}; {LEAST_SHARE:.0%} are needed): first line: "
        f"{shown}{cut}: name the format with --format, or describe it with --log-format '...'"
    )

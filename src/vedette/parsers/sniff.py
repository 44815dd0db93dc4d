"""Choosing the format of a source from its first lines."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from vedette.parsers.beyond import beyond
from vedette.parsers.fields import Field
from vedette.parsers.format import Format, Parser
from vedette.parsers.json_lines import JsonFormat
from vedette.parsers.logfmt import LogfmtFormat
from vedette.parsers.mixed import MixedParser
from vedette.parsers.table import TableFormat
from vedette.parsers.table_header import Header
from vedette.parsers.table_header import header_of as table_header
from vedette.parsers.text_format import TextFormat
from vedette.parsers.time_keys import time_key
from vedette.parsers.timeless import timeless
from vedette.parsers.unnamed_keys import unnamed
from vedette.parsers.wrappers import UnwrappingParser, Wrapper, wrappers
from vedette.parsers.zeek_headers import header_of
from vedette.parsers.zones import in_zone, is_in_utc
from vedette.schema.chunk import Chunk
from vedette.schema.errors import VedetteError

LINES_JUDGED = 200
LEAST_SHARE = 0.4
"""A format is chosen if at least this share of the sample's lines fits; the rest is salvaged or counted."""
NEARLY_AS_GOOD = 0.05
"""Scores this close to the best count as equal: then the more specific format (the earlier one) is chosen."""
LEAST_WRAPPED = 0.8
"""Lines are unwrapped if at least this share of the sample's lines is wrapped."""
LONG = 256 << 10
"""A line of so many bytes fills the sample, so that its end is not in it."""
_LOOKED_AT = 50
"""Lines that are looked at for what they may be instead."""
_FEW = 20
"""Lines that show how times are written."""
SHOWN = 120
"""Bytes of a line that an error message shows."""
_NEWLINE = 0x0A
_RAILS = re.compile(
    rb"(?:[DIWEF], \[[^\]]{19,60}\] .{0,99})?"  # Ruby's logger
    rb'Started [A-Z]{3,8} "[^"]{1,999}" for [0-9a-fA-F:.]{2,45} at \d{4}-'
)
"""The first of the lines in which Rails tells of a request."""
_ERRORS = re.compile(
    rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[[a-z]{4,6}\] \d"  # nginx
    rb"|\[[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d[.\d]{0,10} \d{4}\] \["  # Apache
)
"""How lines of servers' error logs begin."""


NAME_IT = "name the format with --format"
"""What somebody who scans does about a log of no known format."""


class UnknownFormatError(VedetteError):
    """No format fits a source."""


class NothingSaidError(UnknownFormatError):
    """A source holds blank lines or comments alone, as one does to which no request has come yet."""


class Choice(msgspec.Struct, frozen=True):
    """The format that was chosen, and why.

    Attributes:
        format: The best.
        wrapper: What is peeled off each line first, or None.
        share: Its score: the share of sampled lines that fit.
        runner_up: Name of the second best, or None if no other fits at all.
        scores: Score of each format by name.
        others: What lines that do not fit may be instead; none where the format was named.
        beyond: What lines hold beside that which the format reads, an example of text or JSON's keys; None if nothing,
            or if it is known what.
    """

    format: Format
    wrapper: Wrapper | None
    share: float
    runner_up: str | None
    scores: Mapping[str, float]
    others: Sequence[Format] = ()
    beyond: str | None = None

    def open(self, source: str) -> Parser:
        """Start parsing a source: as the chosen format, and as `others` where lines do not fit it."""
        inner = MixedParser(source, self.format, self.others)
        return inner if self.wrapper is None else UnwrappingParser(self.wrapper, inner)

    def assumes_utc(self, sample: Chunk) -> bool:
        """Whether most times of a sample say no zone, and are read as UTC for want of a better one."""
        if not is_in_utc(self.format):
            return False
        few = thin(sample, _FEW)
        moved = replace(self, format=in_zone(self.format, timedelta(hours=1)))
        here, there = (
            choice.open(few.source).parse(thin(few, _FEW)).requests.time for choice in (self, moved)
        )
        return len(here) == len(there) and 2 * int((here != there).sum()) > len(here)


def sniff(sample: Chunk, formats: Sequence[Format]) -> Choice:
    """Choose the format that fits a sample best.

    Args:
        sample: Whole lines from the beginning of a source; up to `LINES_JUDGED` of them, spread evenly, are
            judged. The sample is not changed.
        formats: The most specific first.

    Raises:
        UnknownFormatError: No format fits `LEAST_SHARE` of the lines.
    """
    wrapper, judged, scores = _judge(sample, formats)
    best = max(scores.values(), default=0.0)
    if best < LEAST_SHARE:
        raise _unknown(sample, scores, best)
    good = [f for f in formats if scores[f.name] >= max(best - NEARLY_AS_GOOD, LEAST_SHARE)]
    others = [f for f in formats if f is not good[0] and scores[f.name] > 0]
    runner_up = max(others, key=lambda f: scores[f.name]).name if others else None
    share = scores[good[0].name]
    return Choice(good[0], wrapper, share, runner_up, scores, tuple(formats), _beyond(judged, good[0]))


def fit(sample: Chunk, known: Format) -> Choice:
    """Choose a format that was named, however little of the sample fits; wrapped lines are unwrapped."""
    wrapper, judged, scores = _judge(sample, [known])
    return Choice(known, wrapper, scores[known.name], None, scores, beyond=_beyond(judged, known))


def _beyond(judged: Chunk, known: Format) -> str | None:
    if isinstance(known, TextFormat) and known.extended:
        return beyond(judged, known)
    if isinstance(known, TableFormat) or (isinstance(known, JsonFormat | LogfmtFormat) and known.extended):
        return unnamed(judged, known)
    return None


def _judge(sample: Chunk, formats: Sequence[Format]) -> tuple[Wrapper | None, Chunk, dict[str, float]]:
    """The scores of formats, what they are of, and the wrapper that lines are better read without, if there is one."""
    judged = thin(sample, LINES_JUDGED)
    scores = _scores(judged, formats)
    found: tuple[Wrapper | None, Chunk, dict[str, float]] = None, judged, scores
    best = max(scores.values(), default=0.0)
    for wrapper in wrappers():
        if wrapper.share(judged) < LEAST_WRAPPED:
            continue
        # Unwrapped before it is thinned: the parts of a cut line follow each other.
        unwrapped = thin(wrapper.open().unwrap(sample).chunk, LINES_JUDGED)
        inner = _scores(unwrapped, formats)
        fits = max(inner.values(), default=0.0)
        # A text under a key is taken only if it reads better than the object, which may tell more.
        better = best + NEARLY_AS_GOOD if wrapper.key and found[0] is None else best
        if fits > better or (fits == best and not wrapper.key and found[0] is None):
            found, best = (wrapper, unwrapped, inner), fits
    return found


def _scores(judged: Chunk, formats: Sequence[Format]) -> dict[str, float]:
    return {f.name: f.score(judged) for f in formats}


def thin(sample: Chunk, lines: int) -> Chunk:
    """A copy of the sample with at most so many lines: leading comments, and others spread evenly."""
    texts = sample.buffer[: sample.length].tobytes().splitlines(keepends=True)
    head = 0
    while head < len(texts) and head < lines // 2 and texts[head].startswith(b"#"):
        head += 1
    rest = texts[head:]
    step = max(1, -(-len(rest) // lines))
    return Chunk.of(b"".join(texts[:head] + rest[::step]), sample.source, sample.first_line)


def _unknown(sample: Chunk, scores: Mapping[str, float], best: float) -> UnknownFormatError:
    text = sample.buffer[: sample.length].tobytes()
    if (header := header_of(text)) is not None:
        return UnknownFormatError(
            f"{sample.source}: is another of Zeek's logs than conn.log and http.log, which alone are read of them: "
            "give those, or the capture, whose HTTP requests are read too"
            if header.path
            else f"{sample.source}: is none of Zeek's logs that are read: give a conn.log"
        )
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or all(line.startswith(b"#") for line in lines):
        kind = "comments (#)" if lines else "blank lines"
        return NothingSaidError(
            f"{sample.source}: holds nothing but {kind} at its beginning: give a log with requests in it"
        )
    first = lines[0]
    without_time = timeless(lines)
    if without_time is not None:
        first, remedy = without_time
        return UnknownFormatError(
            f"{sample.source}: its requests are logged without a date and time, which each needs: "
            f"{_shown(first)}: {remedy}"
        )
    nearest = max(scores, key=lambda name: scores[name], default="none")
    fit = (
        f"the nearest, {nearest}, fits {best:.0%} of the sampled lines" if best > 0 else "none fits any line"
    )
    what = "first line"
    if sample.length and sample.buffer[sample.length - 1] != _NEWLINE and len(first) >= LONG:
        what = f"its first line is longer than the {LONG >> 10} KiB that are looked at and could not be told"
    remedy = "describe it with --log-format '...'"
    if first.lstrip().startswith(b"{"):
        time = time_key(first) or "time=KEY"
        remedy = f"say which keys hold what: --field {time} --field target=KEY --field status=KEY ..."
    if (instead := _instead_of_lines(lines) or _instead_of_requests(lines)) is not None:
        return UnknownFormatError(f"{sample.source}: {instead}")
    return UnknownFormatError(
        f"{sample.source}: no known log format ({fit}; {LEAST_SHARE:.0%} are needed): {what}: "
        f"{_shown(first)}: {NAME_IT}, or {remedy}"
    )


def _instead_of_lines(lines: Sequence[bytes]) -> str | None:
    """What to do about JSON that is not one object a line, if that is what these lines look like."""
    first = lines[0].strip()
    if first == b"[" or first.startswith((b"[{", b"[ {")):
        return "is a JSON array, and an object a line is read: write it so with `jq -c '.[]'`"
    if first == b"{":
        return "is JSON over several lines, and an object a line is read: write it so with `jq -c .`"
    return None


def _instead_of_requests(lines: Sequence[bytes]) -> str | None:
    """What to do about text that is no access log at all, if that is what these lines look like."""
    first = lines[0].strip()
    if first[:14].lower().startswith((b"<!doctype html", b"<html")):
        return (
            "is an HTML page, and no log: perhaps one that asks to log in, answered where the log was asked for; "
            "look at it, and fetch the log again"
        )
    if first.startswith((b"__CURSOR=", b"__REALTIME_TIMESTAMP=")):
        return "is a journal in its export format: write it with `journalctl -o cat` or `-o json`"
    if _ERRORS.match(first):
        return "is a server's error log, which tells no requests: give its access log"
    if any(_RAILS.match(line) for line in lines[:_LOOKED_AT]):
        return (
            "is Rails' own log, which tells of a request over several lines: let it write one (the gem lograge, "
            "`config.lograge.enabled = true`), or give the log of the server before it"
        )
    return _instead_of_rows(table_header(b"\n".join(lines[:1])), lines[1:])


def _instead_of_rows(header: Header | None, rows: Sequence[bytes]) -> str | None:
    """What to do about a table whose rows do not tell requests."""
    if header is None:
        return None
    if header.tells:
        return (
            "is a table whose rows do not read: their times have to be like 2026-03-02T08:00:00Z, "
            "02/Mar/2026:08:00:00 +0000 or seconds since 1970 (milliseconds in a column that is called time_ms)"
            + (f", and the first is {_shown(rows[0])}" if rows else "; there is none")
        )
    columns = ", ".join(name.encode("unicode_escape").decode("ascii") for name in header.names)
    lacks = " or ".join(
        what
        for what, fields in (("times", {Field.TIME}), ("paths", {Field.TARGET, Field.REQUEST}))
        if fields.isdisjoint(header.columns)
    )
    return (
        f"looks like a table, and its first line names no column of {lacks}: if there is one, call it time or path "
        f"there; its columns are {columns[:SHOWN]}"
    )


def _shown(line: bytes) -> str:
    """A line as a message shows it."""
    cut = "..." if len(line) > SHOWN else ""
    return line[:SHOWN].decode("latin-1").encode("unicode_escape").decode("ascii") + cut

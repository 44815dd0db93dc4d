"""From inputs to enriched batches: the first of the two stages of a scan."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.engine.batch import Batch
from vedette.enrich.enrich import Enricher
from vedette.parsers.format import Parser
from vedette.parsers.sniff import Choice, NothingSaidError
from vedette.parsers.wrappers import UnwrappingParser
from vedette.replay.courses import Course
from vedette.replay.merge import merge
from vedette.schema.chunk import Chunk, Parsed, SkipReason, Skips
from vedette.schema.errors import VedetteError
from vedette.schema.findings import SourceCoverage
from vedette.schema.requests import Requests
from vedette.sources import (
    BufferPool,
    Input,
    Reader,
    SourceError,
    SourceProblem,
    read_chunks,
)


class Wanted(msgspec.Struct, frozen=True):
    """Which requests are looked at. Times: microseconds since the epoch, `until` exclusive."""

    since: int | None = None
    until: int | None = None
    services: frozenset[str] = frozenset()


class Tally(msgspec.Struct):
    """What was read so far, by whichever thread reads."""

    lines: int = 0
    parsed: int = 0
    filtered: int = 0
    cut_lines: int = 0
    cut_bytes: int = 0
    hole_bytes: int = 0
    cut_joined: int = 0
    """Lines that came in parts and were too long once joined."""
    skips: Skips = msgspec.field(default_factory=Skips)
    skip_samples: list[tuple[str, str, int, bytes]] = msgspec.field(default_factory=list)
    """(reason, source, line number, first bytes), the first few of each reason."""
    sources: list[SourceCoverage] = msgspec.field(default_factory=list)
    left_out: list[VedetteError] = msgspec.field(default_factory=list)
    """Why inputs that were named were not read: they were empty, or nobody could read or understand them."""
    passed_over: list[tuple[str, VedetteError]] = msgspec.field(default_factory=list)
    """Inputs that were found in directories, and why they were not read: empty ones, and what is no access log."""
    first: int | None = None
    last: int | None = None
    """Times that requests have before some are left out, microseconds; None where none may be."""
    courses: list[Course] = msgspec.field(default_factory=list)
    """When each of several logs was written."""
    position: int = 0
    """Bytes of the inputs, as stored, read so far."""

    @property
    def refused(self) -> list[VedetteError]:
        """Those that were not read though they hold something: an empty log may fill up tomorrow."""
        return [error for error in self.left_out if not _is_empty(error)]

    def keep_sample(self, source: str, reason: SkipReason, line: int, text: bytes) -> None:
        """Keep a skipped line for the report, if it is among the first of its reason."""
        if sum(kept[0] == reason for kept in self.skip_samples) < Skips.SAMPLES_PER_REASON:
            self.skip_samples.append((reason.value, source, line, text))


@dataclass
class _Opened:
    """An input that is open, how it is read, and its parser."""

    reader: Reader
    choice: Choice
    parser: Parser

    @cached_property
    def sampled(self) -> NDArray[np.int64]:
        """The times in its sample, as a parser of its own reads them: what follows must not confuse the other."""
        parser = self.choice.open(self.reader.source.name)
        return parser.parse(self.reader.sample()).requests.time


class Reading:
    """Reads inputs in order of time, parses and enriches them.

    Args:
        inputs: In reading order. Rotated siblings follow each other; groups are interleaved by time.
        choose: Finds the format of a sample.
        enricher: Adds clients, routes, services.
        wanted: Which requests are kept.
        pool: Buffers; at least one more than there are groups.
        line_bytes: Longest line.
        interrupted: Once it is set, nothing more is read; what was read is still handed out.
        needs_all: Whether a named input that cannot be read or understood is an error where others can be, too.
        needs_any: Whether it is one where none can be; otherwise that is told.

    Raises:
        VedetteError: No input can be read and understood, or one cannot and all are needed.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        choose: Callable[[Chunk], Choice],
        enricher: Enricher,
        wanted: Wanted,
        pool: BufferPool,
        line_bytes: int,
        interrupted: threading.Event,
        *,
        needs_all: bool = False,
        needs_any: bool = True,
    ) -> None:
        self.tally = Tally()
        self._needs_all = needs_all
        self._interrupted = interrupted
        self._choose = choose
        self._enricher = enricher
        self._wanted = wanted
        self._pool = pool
        self._line_bytes = line_bytes
        groups: dict[str, list[Input]] = {}
        for source in inputs:
            groups.setdefault(source.group, []).append(source)
        self._lanes = [(self._open_first(group), group) for group in groups.values()]
        if needs_any and self.tally.refused and all(opened is None for opened, _ in self._lanes):
            raise self.tally.refused[0]

    @property
    def size(self) -> int | None:
        """Bytes of all inputs, as stored; None where one's size is unknown (a pipe)."""
        readers = [opened.reader.size for opened, _ in self._lanes if opened is not None]
        rest = [source.path for _, group in self._lanes for source in group]
        if None in readers or None in rest:
            return None
        return sum(size for size in readers if size) + sum(p.stat().st_size for p in rest if p and p.exists())

    @property
    def begin(self) -> int | None:
        """The earliest time in the samples, microseconds since the epoch."""
        samples = [opened.sampled for opened, _ in self._lanes if opened is not None]
        return min((int(time.min()) for time in samples if len(time)), default=None)

    @property
    def disorder(self) -> int:
        """How far behind its predecessors a line came, at most, in the samples: microseconds."""
        worst = 0
        for opened, _ in self._lanes:
            if opened is not None:
                time = opened.sampled
                if len(time):
                    worst = max(worst, int((np.maximum.accumulate(time) - time).max()))
        return worst

    def batches(self, slack: int) -> Iterator[tuple[Batch, Callable[[], None]]]:
        """Enriched batches, each with what gives its buffer back once nobody looks at the batch any more.

        Args:
            slack: How far groups may run ahead of each other, microseconds.
        """
        lanes = [self._lane(opened, group) for opened, group in self._lanes if opened is not None]
        for piece in merge(lanes, slack):
            requests = piece.requests
            enriched = self._enricher.apply(requests)
            batch = self._filter(Batch(requests, enriched.service, enriched.services, enriched.agent_kind))
            ours = piece.last and self._pool.lent(requests.buffer)
            yield batch, partial(self._pool.release, requests.buffer) if ours else _nothing

    def _open_first(self, group: list[Input]) -> _Opened | None:
        """Open the first input of a group that holds anything, dropping those before it."""
        while group:
            opened = self._open(group.pop(0))
            if opened is not None:
                return opened
        return None

    def _open(self, source: Input) -> _Opened | None:
        try:
            reader = read_chunks(
                source, pool=self._pool, line_bytes=self._line_bytes, stopped=self._interrupted.is_set
            )
        except SourceError as error:
            self._leave_out(source, error)
            return None
        try:
            choice = self._choose(reader.sample())
            return _Opened(reader, choice, choice.open(source.name))
        except VedetteError as error:
            reader.close()
            self._leave_out(source, error)
            return None

    def _leave_out(self, source: Input, error: VedetteError) -> None:
        """Go on without an input, unless it is needed. Nobody named a file that was found in a directory."""
        if source.found:
            self.tally.passed_over.append((source.name, error))
        elif self._needs_all and not _is_empty(error):
            raise error
        else:
            self.tally.left_out.append(error)

    def _lane(self, opened: _Opened, rest: list[Input]) -> Iterator[Requests]:
        course = None
        if len(self._lanes) > 1:
            course = Course(opened.reader.source.name)
            self.tally.courses.append(course)
        yield from self._followed(opened, course)
        for source in rest:
            if self._interrupted.is_set():
                return
            following = self._open(source)
            if following is not None:
                yield from self._followed(following, course)

    def _followed(self, opened: _Opened, course: Course | None) -> Iterator[Requests]:
        for requests in self._source(opened):
            if course is not None:
                course.follow(opened.reader.source.name, requests.time)
            yield requests

    def _source(self, opened: _Opened) -> Iterator[Requests]:
        reader, parser, tally = opened.reader, opened.parser, self.tally
        choice = opened.choice
        coverage = SourceCoverage(
            reader.source.name,
            "",
            choice.share,
            beyond=choice.beyond,
            assumed_utc=choice.assumes_utc(reader.sample()),
        )
        tally.sources.append(coverage)
        before = 0
        with reader:
            for chunk in reader:
                parsed = parser.parse(chunk)
                coverage.format = " and ".join(parser.formats)
                coverage.bytes = reader.bytes
                self._count(coverage, parsed)
                tally.position += reader.position - before
                before = reader.position
                # What was unwrapped stands in a buffer of its own.
                if not len(parsed.requests) or parsed.requests.buffer is not chunk.buffer:
                    self._pool.release(chunk.buffer)
                if len(parsed.requests):
                    yield parsed.requests
                if self._interrupted.is_set():
                    break
        if isinstance(parser, UnwrappingParser):
            parsed = parser.finish(reader.source.name)
            self._count(coverage, parsed)
            if len(parsed.requests):
                yield parsed.requests
        coverage.truncated = reader.truncated
        tally.cut_lines += reader.cut_lines
        tally.cut_bytes += reader.cut_bytes
        tally.hole_bytes += reader.hole_bytes

    def _count(self, coverage: SourceCoverage, parsed: Parsed) -> None:
        tally = self.tally
        lines = parsed.lines - parsed.joined
        coverage.lines += lines
        coverage.parsed += len(parsed.requests)
        tally.lines += lines
        tally.parsed += len(parsed.requests)
        tally.cut_joined += parsed.cut_lines
        tally.cut_bytes += parsed.cut_bytes
        for sample in parsed.skips.samples:
            tally.keep_sample(coverage.source, *sample)
        tally.skips.merge(parsed.skips)

    def _filter(self, batch: Batch) -> Batch:
        wanted = self._wanted
        if wanted.since is None and wanted.until is None and not wanted.services:
            return batch
        time = batch.requests.time
        if len(time):
            first, last = int(time.min()), int(time.max())
            tally = self.tally
            tally.first = first if tally.first is None else min(first, tally.first)
            tally.last = last if tally.last is None else max(last, tally.last)
        keep: NDArray[np.bool_] = np.ones(len(time), dtype=bool)
        if wanted.since is not None:
            keep &= time >= wanted.since
        if wanted.until is not None:
            keep &= time < wanted.until
        if wanted.services:
            named = np.array([name in wanted.services for name in batch.services], dtype=bool)
            keep &= named[batch.service]
        self.tally.filtered += int(len(keep) - np.count_nonzero(keep))
        return Batch(batch.requests.select(keep), batch.service[keep], batch.services, batch.agent_kind)


def _is_empty(error: VedetteError) -> bool:
    return isinstance(error, NothingSaidError) or (
        isinstance(error, SourceError) and error.problem is SourceProblem.EMPTY
    )


def _nothing() -> None:
    """Nothing to give back yet."""

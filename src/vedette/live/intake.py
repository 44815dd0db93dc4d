"""From delivered lines to enriched batches: each stream with a format and a parser of its own."""

from collections import OrderedDict

import msgspec

from vedette.config import Config
from vedette.engine.batch import Batch
from vedette.engine.choosing import Chooser, enricher
from vedette.parsers.format import Parser
from vedette.parsers.sniff import NAME_IT, Choice, NothingSaidError
from vedette.schema.chunk import Chunk, SkipReason, Skips
from vedette.schema.errors import VedetteError
from vedette.schema.format_names import COMMON_JSON, TABLE, USUAL_PAIRS
from vedette.schema.state import StateError, decode, encode
from vedette.sources.source import Delivery

MOST_STREAMS = 1_024
"""Streams whose parsers are kept; the one that has been silent for the longest time makes room."""
_HEAD = 16 << 10
"""Bytes of comments that are kept for what follows them."""
_LOOKED_AT = 16
"""First deliveries that are looked at for a format, and then each so-many-th: a program that says other things for an
hour before its first request loses no more than 15 deliveries of requests."""
_NAME_IT = "name the format (`format` of its source, or `?format=` of what is pushed to /ingest)"
"""What is done about it here; what `--format` names is the format of all logs."""
_STREAM_NAME = 500
"""Longest name of a stream; senders choose some of them."""


class Stream(msgspec.Struct):
    """One stream and how it is read.

    Attributes:
        parser: None as long as no format fits. formats: Names of the formats that its lines have turned out to be.
        chosen: Name of the format, of what was peeled off, and whether the lines told it.
        deliveries: Deliveries without a format so far. reason: Why there is none.
        head: Comments that came while there was none; what follows them may be read by what they say.
        lines, parsed: So far. named: The format that its source or sender names.
        beyond: What its lines hold behind the last field that the format reads, as one of them has it.
    """

    name: str
    parser: Parser | None = None
    formats: tuple[str, ...] = ()
    chosen: tuple[str, str | None, bool] | None = None
    deliveries: int = 0
    reason: str = ""
    head: bytes = b""
    lines: int = 0
    parsed: int = 0
    named: str | None = None
    beyond: str | None = None

    @property
    def key(self) -> "_Key":
        """What it is found by: two senders may call their lines the same, and their formats not."""
        return self.name, self.named


_Key = tuple[str, str | None]


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """A stream as a part of a state."""

    name: str
    chosen: tuple[str, str | None, bool] | None
    parser: bytes
    lines: int
    parsed: int
    head: bytes = b""
    named: str | None = None
    beyond: str | None = None


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What an intake knows."""

    parsed: int
    streams: list[_Kept]


class Tally(msgspec.Struct):
    """What was taken in since the process began, under whatever configuration."""

    lines: int = 0
    parsed: int = 0
    skips: Skips = msgspec.field(default_factory=Skips)
    forgotten: int = 0
    """Streams that made room for others."""
    cut_joined: int = 0
    """Lines that came in parts and were too long once joined."""


class Intake:
    """Parses and enriches what sources deliver. Used by one thread.

    Args:
        config: How lines are understood. tally: What was counted before; what comes is counted there.
    """

    def __init__(self, config: Config, tally: Tally | None = None) -> None:
        self.tally = Tally() if tally is None else tally
        self.enricher = enricher(config)
        self._choose = Chooser(config)
        self.streams: OrderedDict[_Key, Stream] = OrderedDict()
        self._parsed_before = 0

    def take(self, delivery: Delivery) -> Batch | None:
        """A batch of the requests in a delivery; None if there is none. Every line is counted."""
        stream = self._stream(delivery)
        chunk = Chunk.of(delivery.lines, stream.name, delivery.first_line)
        if stream.parser is None:
            self._find_format(stream, chunk)
        if stream.parser is None:
            self._count_unread(stream, chunk)
            return None
        parsed = stream.parser.parse(chunk)
        stream.formats = stream.parser.formats
        stream.lines += parsed.lines - parsed.joined
        stream.parsed += len(parsed.requests)
        self.tally.lines += parsed.lines - parsed.joined
        self.tally.cut_joined += parsed.cut_lines
        self.tally.parsed += len(parsed.requests)
        self.tally.skips.merge(parsed.skips)
        if not len(parsed.requests):
            return None
        if delivery.service is not None:
            self.enricher.namer.call(stream.name, delivery.service)
        enriched = self.enricher.apply(parsed.requests)
        return Batch(enriched.requests, enriched.service, enriched.services, enriched.agent_kind)

    @property
    def parsed(self) -> int:
        """Requests since the service began to learn, over all its restarts."""
        return self._parsed_before + self.tally.parsed

    def to_state(self) -> bytes:
        """The streams and what their parsers know, as bytes; the enricher is kept with the engine."""
        kept = [
            _Kept(
                s.name,
                s.chosen,
                s.parser.to_state() if s.parser else b"",
                s.lines,
                s.parsed,
                s.head,
                s.named,
                s.beyond,
            )
            for s in self.streams.values()
        ]
        return encode(_State(self.parsed, kept))

    def from_state(self, content: bytes) -> list[str]:
        """Take over what `to_state` gave; returns why some streams begin anew, a sentence each.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        anew = []
        state = decode(content, _State, "streams")
        self._parsed_before = state.parsed - self.tally.parsed
        for kept in state.streams[-MOST_STREAMS:]:
            stream = Stream(
                kept.name, lines=kept.lines, parsed=kept.parsed, head=kept.head[-_HEAD:], named=kept.named
            )
            if kept.chosen is not None:
                name, wrapper, sniffed = kept.chosen
                try:
                    told = self._choose.again(name, wrapper, sniffed=sniffed, named=kept.named is not None)
                    self._open(stream, told)
                    assert stream.parser is not None  # noqa: S101 - just opened
                    stream.parser.from_state(kept.parser)
                    stream.beyond = kept.beyond
                except (VedetteError, StateError) as error:
                    stream.parser, stream.chosen = None, None
                    anew.append(f"{kept.name}: its format is looked for anew: {error}")
            self.streams[stream.key] = stream
        return anew

    @property
    def reads(self) -> bool:
        """Whether there is a stream whose format is known."""
        return any(stream.parser is not None for stream in list(self.streams.values()))

    @property
    def problems(self) -> list[str]:
        """Streams that cannot be read, each as one sentence."""
        # Copied, because other threads ask too.
        return [
            stream.reason for stream in list(self.streams.values()) if stream.reason and not stream.parser
        ]

    @property
    def remarks(self) -> list[str]:
        """What streams say that nobody reads, a sentence for each format: rotated and sibling logs hold the same."""
        first: dict[str, tuple[str, str]] = {}
        for stream in list(self.streams.values()):
            if stream.beyond is not None and stream.chosen is not None:
                first.setdefault(stream.chosen[0], (stream.name, stream.beyond))
        return [_remark(form, name, text) for form, (name, text) in first.items()]

    def knows(self, delivery: Delivery) -> bool:
        """Whether lines of a delivery's stream have come before."""
        return (delivery.stream[:_STREAM_NAME], delivery.format) in self.streams

    def _stream(self, delivery: Delivery) -> Stream:
        name, named = key = delivery.stream[:_STREAM_NAME], delivery.format
        stream = self.streams.get(key)
        if stream is None:
            if len(self.streams) >= MOST_STREAMS:
                self.streams.popitem(last=False)
                self.tally.forgotten += 1
            stream = self.streams[key] = Stream(name, named=named)
            unnamed = self.streams.get((name, None))
            if named is not None and unnamed is not None and unnamed.parser is None:
                # What nobody could read now has a name.
                del self.streams[unnamed.key]
        else:
            self.streams.move_to_end(key)
        return stream

    def _find_format(self, stream: Stream, chunk: Chunk) -> None:
        """Look for a format at the first deliveries, and then now and again: rubbish must not cost a look each."""
        stream.deliveries += 1
        if stream.deliveries > _LOOKED_AT and stream.deliveries % _LOOKED_AT:
            return
        sample = (
            Chunk.of(stream.head + chunk.buffer[: chunk.length].tobytes(), stream.name)
            if stream.head
            else chunk
        )
        try:
            choice = (
                self._choose(sample) if stream.named is None else self._choose.named(stream.named, sample)
            )
        except NothingSaidError:
            # A log that was begun and has no request yet: its header comes only once, and is no fault.
            stream.head = (stream.head + chunk.buffer[: chunk.length].tobytes())[-_HEAD:]
            stream.deliveries = 0
            return
        except VedetteError as error:
            # Whichever line comes first at the next look, the fault is the same.
            stream.reason = stream.reason or str(error).replace(NAME_IT, _NAME_IT)
            return
        self._open(stream, choice)
        if stream.head and stream.parser is not None:
            # Its lines were counted when they came.
            stream.parser.parse(Chunk.of(stream.head, stream.name))
            stream.head = b""

    def _open(self, stream: Stream, choice: Choice) -> None:
        stream.parser = choice.open(stream.name)
        stream.beyond = choice.beyond
        stream.chosen = (
            choice.format.name,
            choice.wrapper.name if choice.wrapper else None,
            bool(choice.others),
        )

    def _count_unread(self, stream: Stream, chunk: Chunk) -> None:
        skips = Skips()
        text = chunk.buffer[: chunk.length].tobytes()
        for number, line in enumerate(text.splitlines(), start=chunk.first_line):
            skips.add(_reason(line), number, line)
        stream.lines += skips.total
        self.tally.lines += skips.total
        self.tally.skips.merge(skips)


def _reason(line: bytes) -> SkipReason:
    """Why a line of a log without a format is no request."""
    if not line.strip():
        return SkipReason.BLANK
    return SkipReason.COMMENT if line.startswith(b"#") else SkipReason.NOT_THIS_FORMAT


def _remark(form: str, name: str, text: str) -> str:
    """What to do about fields or keys of a stream that its format has no names for."""
    everywhere = "(which then holds for every log that no format is named for)"
    if form in USUAL_PAIRS:
        return (
            f"{name}: keys such as {text} have no names in {form}, and are not read: if a duration is among them, log "
            "it with its unit (duration=12ms) or under a name that says it (duration_ms=12)"
        )
    if form == TABLE:
        return (
            f"{name}: columns such as {text} are not read, as their names say nothing known: if a status, a client or "
            "a duration is among them, call it so in the first line: status, client_ip, duration_ms or duration_s"
        )
    if form in COMMON_JSON:
        return (
            f"{name}: keys such as {text} have no names in {form}, and are not read: if a status, a client or a "
            f"duration is among them, say which keys hold what in input.fields {everywhere}"
        )
    return (
        f"{name}: fields at the end of its lines, such as {text}, have no names in {form}, and are not read: if a "
        f"duration or a host is among them, describe the lines in input.log_format {everywhere}"
    )

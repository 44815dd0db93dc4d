"""A text format: the shapes its lines have, what their fields mean, and how well a sample fits."""

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from vedette.kernels.lines.tokenise_text import NO_SALVAGE
from vedette.parsers.assemble import Assembler
from vedette.parsers.fields import Conventions, Field, Tokens
from vedette.parsers.program import Program, build
from vedette.parsers.single import Single, read_single
from vedette.parsers.text_lines import TextTokeniser
from vedette.schema.chunk import Chunk, Parsed, SkipReason
from vedette.schema.requests import RequestFlag

_ADDRESS = re.compile(rb"\[?[0-9A-Fa-f:.]*[0-9A-Fa-f:](?:%[\w.-]+)?\]?(?::\d{1,5})?")
_HOST = re.compile(rb"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|unix:?")
_IPV4 = rb"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_IPV6 = rb"[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"
_ONE = re.compile(_IPV4 + rb"|" + _IPV6)
_FORWARDED = re.compile(
    rb"(?:\s*(?:" + _IPV4 + rb"(?::\d{1,5})?|\[?" + _IPV6 + rb"\]?(?::\d{1,5})?|unknown)\s*(?:,|$))+"
)
_LONGEST_JUDGED = 256
_LONGEST_ADDRESS = 48


class TextParser:
    """Parses one source of a text format."""

    def __init__(
        self,
        formats: tuple[str, ...],
        tokeniser: TextTokeniser,
        conventions: Conventions,
        shapes: tuple[str, ...] = (),
    ) -> None:
        self.formats = formats
        self.shapes = shapes or formats
        """Names of the formats that the shapes are of, by their numbers; those beyond the last are of the last, too."""
        self._tokeniser = tokeniser
        self._assembler = Assembler()
        self._conventions = conventions

    def parse(self, chunk: Chunk) -> Parsed:
        """Turn whole lines into a batch. Never raises for what the lines hold."""
        return self._assembler.assemble(chunk, self._tokeniser.tokenise(chunk), self._conventions)

    def parse_single(self, chunk: Chunk) -> Single | None:
        """The request of a chunk of one line, if the line is plain; None of others, which `parse` reads."""
        return read_single(chunk, self._tokeniser.tokenise(chunk), self._conventions)

    def to_state(self) -> bytes:
        """The directive that the last lines followed, empty if none."""
        return self._tokeniser.to_state()

    def from_state(self, content: bytes) -> None:
        """Go on where the parser that `to_state` was asked of stood. Raises `StateError`."""
        self._tokeniser.from_state(content)


class TextFormat(msgspec.Struct, frozen=True):
    """Lines of one of a few shapes.

    Attributes:
        name: As `--format` takes it.
        description: One line, with an example product.
        programs: The shapes that make a line one of this format.
        conventions: How times, durations and addresses are written.
        preferred: Shapes that lines of such a log may have too, that tell more; tried first, and no sign of the format.
        fallbacks: Shapes that lines of such a log may have too; tried last, and no sign of the format.
        needs_peer: A line without a client address is no sign of the format.
        shapes: How fields have to be written to be a sign of the format.
        salvages: Of a line that fits no shape, what can be read is taken; else it is skipped. Not where servers write
            of other things, with a time and a client, in between.
    """

    name: str
    description: str
    programs: tuple[Program, ...]
    conventions: Conventions
    fallbacks: tuple[Program, ...] = ()
    needs_peer: bool = False
    shapes: Mapping[Field, re.Pattern[bytes]] = msgspec.field(default_factory=dict)
    salvages: bool = True
    preferred: tuple[Program, ...] = ()
    borrowed: str = ""
    """Name of the format whose shapes the preferred ones and the fallbacks are, empty for this one."""
    extended: bool = False
    """Administrators add fields of their own at the end, which no name tells the meaning of."""

    def score(self, sample: Chunk) -> float:
        """Share (0..1) of the sample's lines that are requests of this format, blanks and comments aside."""
        # What would be salvaged does not fit.
        machine = replace(build(self.programs, self.conventions.time), layout=NO_SALVAGE)
        tokens = TextTokeniser(machine).tokenise(sample)
        return share_of(sample, tokens, needs_peer=self.needs_peer, shapes=self.shapes)

    def open(self, source: str) -> TextParser:  # noqa: ARG002 - these sources have no state of their own
        """Start parsing a source."""
        machine = build(self.preferred + self.programs + self.fallbacks, self.conventions.time)
        if not self.salvages:
            machine = replace(machine, layout=NO_SALVAGE)
        others = self.borrowed or self.name
        own = (self.name,) * len(self.programs)
        shapes = (others,) * len(self.preferred) + own + (others,) * len(self.fallbacks)
        return TextParser((self.name,), TextTokeniser(machine), self.conventions, shapes)


def share_of(
    sample: Chunk,
    tokens: Tokens,
    *,
    needs_peer: bool,
    shapes: Mapping[Field, re.Pattern[bytes]] = MappingProxyType({}),
) -> float:
    """Share of lines that fit without salvage, with plausible fields; blanks and comments aside."""
    skipped = tokens.skips.counts
    lines = tokens.lines - skipped.get(SkipReason.BLANK, 0) - skipped.get(SkipReason.COMMENT, 0)
    if lines == 0:
        return 0.0
    fitting = [
        _plausible(_text(sample, tokens, Field.PEER, row), needed=needs_peer)
        and _plausible_list(_text(sample, tokens, Field.FORWARDED, row))
        and not _ONE.fullmatch(_word_after(sample, tokens, Field.PEER, row))
        and all(_shaped(_text(sample, tokens, name, row), shape) for name, shape in shapes.items())
        for row in range(len(tokens.line))
        if not tokens.flags[row] & RequestFlag.REPAIRED
    ]
    return sum(fitting) / lines


def _text(sample: Chunk, tokens: Tokens, field: Field, row: int) -> bytes | None:
    start = int(tokens.start[field, row])
    shown = min(int(tokens.length[field, row]), _LONGEST_JUDGED)
    return None if start < 0 else sample.buffer[start : start + shown].tobytes()


def _word_after(sample: Chunk, tokens: Tokens, field: Field, row: int) -> bytes:
    """What stands behind a field, up to a space. Where that is an address, the field before it was no client's."""
    start = int(tokens.start[field, row])
    if start < 0:
        return b""
    end = start + int(tokens.length[field, row]) + 1
    return sample.buffer[end : end + _LONGEST_ADDRESS].tobytes().partition(b" ")[0]


def _plausible(peer: bytes | None, *, needed: bool) -> bool:
    """Whether a text can be a client's address or host name, or the list of those that it came through."""
    if peer is None:
        return not needed
    if b"," in peer:
        return bool(_FORWARDED.match(peer))
    return bool(_ADDRESS.fullmatch(peer) or _HOST.fullmatch(peer))


def _plausible_list(forwarded: bytes | None) -> bool:
    """Whether a text can be an `X-Forwarded-For`."""
    return forwarded is None or bool(_FORWARDED.match(forwarded))


def _shaped(text: bytes | None, shape: re.Pattern[bytes]) -> bool:
    """Whether a field is written as the format writes it."""
    return text is not None and shape.fullmatch(text) is not None

"""What lines hold behind the last field that their format reads: a duration, perhaps, that nobody has named."""

from msgspec.structs import replace

from vedette.kernels.lines.tokenise_text import NO_SALVAGE
from vedette.parsers.fields import Field
from vedette.parsers.program import Literal, Program, Take, build
from vedette.parsers.text_format import TextFormat
from vedette.parsers.text_lines import TextTokeniser
from vedette.schema.chunk import Chunk

_LEAST_SHARE = 0.5
"""Fields of one's own stand on each line; what is on fewer than half of them is some senders' doing."""
_SHOWN = 60
_END = Field.ROUTE
"""The field that holds it here; no format that is extended has a field of this name."""


def beyond(sample: Chunk, known: TextFormat) -> str | None:
    """What the first line that goes on says there, its beginning, as ASCII; None if fewer than half of them go on.

    Args:
        sample: Whole lines, which are not changed. known: The format that they were found to be of.
    """
    copy = Chunk.of(sample.buffer[: sample.length].tobytes(), sample.source, sample.first_line)
    machine = build(tuple(_on(program) for program in known.programs), known.conventions.time)
    tokens = TextTokeniser(replace(machine, layout=NO_SALVAGE)).tokenise(copy)
    goes_on = [
        row for row in range(len(tokens.line)) if tokens.length[_END, row] > 0 <= tokens.start[_END, row]
    ]
    if not goes_on or len(goes_on) < _LEAST_SHARE * tokens.lines:
        return None
    start, length = (int(column[_END, goes_on[0]]) for column in (tokens.start, tokens.length))
    text = copy.buffer[start : start + min(length, _SHOWN)].tobytes()
    return text.decode("latin-1").encode("unicode_escape").decode("ascii") + (
        "..." if length > _SHOWN else ""
    )


def _on(program: Program) -> Program:
    """The program for lines that go on, with what they go on with as a field."""
    *steps, last = program.steps
    match last:
        case Take(field=None, until=b""):
            return Program((*steps, Take(_END)))
        case Take(until=b""):
            return Program((*steps, replace(last, until=b" "), Take(_END)))
    return Program((*program.steps, Literal(b" "), Take(_END)))

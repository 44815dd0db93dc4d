"""From the parts of a pasted log directive (literal text and variables) to a text format.

nginx and Apache differ in notation, not in kind: `vedette.parsers.log_format` and `apache_format` read the
notation, and this module decides which variable is which field.
"""

from collections.abc import Sequence

import msgspec

from vedette.kernels.text import unescape
from vedette.parsers.fields import Conventions, DurationUnit, Field, TimeFormat
from vedette.parsers.program import Literal, Program, Step, Take
from vedette.parsers.text_format import TextFormat
from vedette.schema.errors import VedetteError

REQUEST_PARTS = (Field.METHOD, Field.TARGET, Field.QUERY, Field.PROTOCOL)
SHOWN = 60


class LogDirectiveError(VedetteError):
    """A log directive that cannot be turned into a parser."""


class Variable(msgspec.Struct, frozen=True):
    """One variable of a directive.

    Attributes:
        name: As the directive writes it.
        field: What it is; None if it is of no use here.
        rank: Where several variables are the same field, the lowest is taken.
        time: How a time is written.
        unit: Unit of a duration.
        with_query: A target that holds its query.
        with_port: An address that always has a port.
        width: Bytes that it has at least; what follows is looked for behind them.
    """

    name: str
    field: Field | None = None
    rank: int = 0
    time: TimeFormat | None = None
    unit: DurationUnit = DurationUnit.SECONDS
    with_query: bool = False
    with_port: bool = False
    width: int = 0


Part = bytes | Variable


def compile_directive(
    parts: Sequence[Part], *, name: str, directive: str, escapes: int, examples: str
) -> TextFormat:
    """Make a text format of a directive's parts.

    Args:
        parts: Literal text and variables, in order.
        name: Name of the format.
        directive: The directive as the user gave it, for messages.
        escapes: How the server escapes text (`vedette.kernels.text.unescape`).
        examples: Variables that hold a time, for messages.

    Raises:
        LogDirectiveError: No time or no request is logged, or two variables stand side by side.
    """
    shown = directive if len(directive) <= SHOWN else directive[:SHOWN] + "..."
    where = f"log format {shown!r}"
    chosen = _choose(parts)
    if Field.TIME not in chosen:
        raise LogDirectiveError(f"{where}: it logs no time, which every request needs: add one of {examples}")
    if Field.REQUEST not in chosen and Field.TARGET not in chosen:
        raise LogDirectiveError(
            f"{where}: it logs neither the request line nor a path, so nothing can be judged: log the request"
        )
    time = chosen[Field.TIME].time or TimeFormat.CLF
    duration = chosen.get(Field.DURATION)
    unit = DurationUnit.SECONDS if duration is None else duration.unit
    has_port = Field.PEER in chosen and chosen[Field.PEER].with_port
    program = Program(_steps(_merged(parts), chosen, escapes, where))
    conventions = Conventions(time, unit, peer_has_port=has_port)
    return TextFormat(name, f"the directive {shown}", (program,), conventions)


def _choose(parts: Sequence[Part]) -> dict[Field, Variable]:
    """The variable taken for each field."""
    chosen: dict[Field, Variable] = {}
    for part in parts:
        if isinstance(part, Variable) and part.field is not None:
            rival = chosen.get(part.field)
            if rival is None or part.rank < rival.rank:
                chosen[part.field] = part
    if Field.REQUEST in chosen:
        for field in REQUEST_PARTS:
            chosen.pop(field, None)
    elif Field.TARGET in chosen and chosen[Field.TARGET].with_query:
        chosen.pop(Field.QUERY, None)
    return chosen


def _merged(parts: Sequence[Part]) -> list[Part]:
    """The parts with neighbouring literals joined, and without white space at the end."""
    merged: list[Part] = []
    for part in parts:
        last = merged[-1] if merged else None
        if isinstance(part, bytes) and isinstance(last, bytes):
            merged[-1] = last + part
        else:
            merged.append(part)
    if merged and isinstance(merged[-1], bytes):
        merged[-1] = merged[-1].rstrip()
    return [part for part in merged if part != b""]


def _steps(parts: list[Part], chosen: dict[Field, Variable], escapes: int, where: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    taken = set(map(id, chosen.values()))
    for index, part in enumerate(parts):
        if isinstance(part, bytes):
            if index == 0:
                steps.append(Literal(part))
            continue
        field = part.field if id(part) in taken else None
        following = parts[index + 1] if index + 1 < len(parts) else b""
        keep = isinstance(following, Variable)
        if isinstance(following, Variable):
            if following.field is not Field.TARGET:
                raise LogDirectiveError(
                    f"{where}: {part.name} and {following.name} stand side by side, so where one ends "
                    "cannot be known: put a space or another character between them"
                )
            following = b"/"
        written_plainly = field in (Field.TIME, Field.STATUS, Field.BYTES_IN, Field.BYTES_OUT, Field.DURATION)
        steps.append(
            Take(
                field,
                following,
                unescape.RAW if written_plainly else escapes,
                keep=keep,
                at_edge=index + 2 == len(parts) and not keep,
                with_port=part.with_port,
                width=part.width,
            )
        )
    return tuple(steps)

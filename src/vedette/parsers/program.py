"""Programs that say where the fields of a text line stand; `vedette.kernels.lines.tokenise_text` runs them."""

from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.lines import common_log
from vedette.kernels.lines import tokenise_text as machine
from vedette.kernels.text import spans, unescape
from vedette.parsers.fields import Field, TimeFormat

READINGS = {
    Field.REQUEST: spans.REQUEST_LINE,
    Field.STATUS: spans.STATUS,
    Field.BYTES_IN: spans.NUMBER,
    Field.BYTES_OUT: spans.NUMBER,
    Field.DURATION: spans.NUMBER,
}
"""What the text of a field must look like; text of any look, where a field is not named."""

TIME_READINGS = {
    TimeFormat.CLF: spans.DAY_MONTH_YEAR,
    TimeFormat.HAPROXY: spans.DAY_MONTH_YEAR,
    TimeFormat.ISO8601: spans.YEAR_MONTH_DAY,
    TimeFormat.DATE_THEN_TIME: spans.YEAR_MONTH_DAY,
    TimeFormat.EPOCH_SECONDS: spans.EPOCH,
    TimeFormat.EPOCH_MILLISECONDS: spans.EPOCH,
    TimeFormat.EPOCH_MICROSECONDS: spans.EPOCH,
    TimeFormat.EPOCH_NANOSECONDS: spans.EPOCH,
}
TIME_WIDTHS = {spans.DAY_MONTH_YEAR: 20, spans.YEAR_MONTH_DAY: 19, spans.EPOCH: 1}
"""Bytes that a time has at least; what ends it is looked for behind them, as times hold separators."""


class Literal(msgspec.Struct, frozen=True):
    """Bytes that stand there as they are."""

    text: bytes


class Take(msgspec.Struct, frozen=True):
    """Text up to the next occurrence of `until`, or to the end of the line if `until` is empty.

    Attributes:
        field: What the text is; None passes it over.
        until: What follows it.
        unescape: How it is unescaped (`vedette.kernels.text.unescape`); with `BACKSLASH`, escaped bytes of `until`
            do not end it.
        keep: `until` belongs to the next field, and is not passed over.
        at_edge: `until` counts only before a space or the end of the line.
        width: Bytes the text has at least; `until` is looked for behind them.
        word: The text has no spaces and no quotation marks (for text that is passed over).
        with_port: The text is an address and always has a port, which is left out.
        spelled: The text is a duration with its unit, as Go writes them; bare numbers are looked at.
    """

    field: Field | None
    until: bytes = b""
    unescape: int = unescape.RAW
    keep: bool = False
    at_edge: bool = False
    with_port: bool = False
    spelled: bool = False
    width: int = 0
    word: bool = False


class SumOfThree(msgspec.Struct, frozen=True):
    """Three durations in seconds with a space after each (AWS load balancers); their sum, in microseconds."""


class MayEnd(msgspec.Struct, frozen=True):
    """The line may end here: older versions log no more."""


class Blanks(msgspec.Struct, frozen=True):
    """Spaces and tabs that fill a column up, as many as there are."""


Step = Literal | Take | SumOfThree | MayEnd | Blanks


class Program(msgspec.Struct, frozen=True):
    """The steps of one shape of line. `open_ended`: after a space, more may follow that is not read."""

    steps: tuple[Step, ...]
    open_ended: bool = False


class Machine(msgspec.Struct, frozen=True):
    """Programs as the kernel wants them; see `vedette.kernels.lines.tokenise_text.tokenise` for shapes."""

    steps: NDArray[np.int64]
    pool: NDArray[np.uint8]
    programs: NDArray[np.int64]
    fields: NDArray[np.int64]
    layout: int
    common: int
    """How many steps of the first program are those of `COMMON`, as far as that is of use."""


@lru_cache(maxsize=128)  # an unread line is held against each format there is
def build(programs: tuple[Program, ...], time: TimeFormat) -> Machine:
    """Lay out programs, which are tried in this order, for the kernel."""
    rows: list[list[int]] = []
    extents: list[tuple[int, int, int]] = []
    pool = bytearray()
    layout = TIME_READINGS[time]
    for program in programs:
        first = len(rows)
        rows.extend(_row(step, layout, pool) for step in program.steps)
        extents.append((first, len(rows), machine.OPEN if program.open_ended else machine.EXACT))
    named = {
        step.field for p in programs for step in p.steps if isinstance(step, Take) and step.field is not None
    }
    named |= {Field.DURATION for p in programs if any(isinstance(step, SumOfThree) for step in p.steps)}
    return Machine(
        steps=np.array(rows, dtype=np.int64).reshape(-1, machine.STEP_WIDTH),
        # Texts are compared eight bytes at a time.
        pool=np.frombuffer(bytes(pool) + bytes(8), dtype=np.uint8).copy(),
        programs=np.array(extents, dtype=np.int64).reshape(-1, 3),
        fields=np.array(sorted(named), dtype=np.int64),
        layout=layout,
        common=_common(programs[0].steps, time) if programs else 0,
    )


COMMON: tuple[Step, ...] = (
    Take(Field.PEER, b" "),
    Take(None, b" ["),
    Take(Field.TIME, b'] "'),
    Take(Field.REQUEST, b'" ', unescape.BACKSLASH),
    Take(Field.STATUS, b" "),
    Take(Field.BYTES_OUT, b' "'),
    Take(Field.REFERER, b'" "', unescape.BACKSLASH),
    Take(Field.USER_AGENT, b'"', unescape.BACKSLASH, at_edge=True),
)
"""What `vedette.kernels.lines.common_log` reads: the beginning of most text formats."""


def _common(steps: tuple[Step, ...], time: TimeFormat) -> int:
    """How many of the steps that kernel can take."""
    if time is not TimeFormat.CLF:
        return 0
    return next((n for n in (common_log.WHOLE, common_log.SHORT) if steps[:n] == COMMON[:n]), 0)


def _row(step: Step, layout: int, pool: bytearray) -> list[int]:
    """One step as a row; its bytes go to the pool."""
    row = [0] * machine.STEP_WIDTH
    match step:
        case Literal(text):
            row[machine.KIND] = machine.LITERAL
        case Take(field, text):
            row[machine.KIND] = machine.TAKE
            row[machine.FIELD] = -1 if field is None else field
            row[machine.UNESCAPE] = step.unescape
            row[machine.CONSUME] = 0 if step.keep else len(text)
            row[machine.AT_EDGE] = step.at_edge
            row[machine.WIDTH] = step.width
            if field is Field.TIME:
                row[machine.READING] = layout
                row[machine.WIDTH] = step.width or TIME_WIDTHS[layout]
            elif field is None:
                row[machine.READING] = spans.WORD if step.word else spans.TEXT
            else:
                plain = spans.ADDRESS_PORT if step.with_port else spans.TEXT
                row[machine.READING] = plain if step.spelled else READINGS.get(field, plain)
        case SumOfThree():
            row[machine.KIND] = machine.SUM
            row[machine.FIELD] = Field.DURATION
            return row
        case MayEnd():
            row[machine.KIND] = machine.MAY_END
            return row
        case Blanks():
            row[machine.KIND] = machine.BLANKS
            return row
    row[machine.UNTIL] = len(pool)
    row[machine.UNTIL_LENGTH] = len(text)
    row[machine.FIRST] = text[0] if text else 0
    pool += text
    return row

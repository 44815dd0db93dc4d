"""Parsing JSON lines: tokenise by a format's keys, then assemble."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.lines.keyed_lines import (
    AT,
    BAD_JSON,
    BLANK,
    FREE,
    LINE,
    NO_REQUEST,
    NOT_AN_OBJECT,
    ROWS,
    SAMPLES,
    SKIP_REASONS,
)
from vedette.kernels.lines.tokenise_json import DEEPEST, tokenise
from vedette.parsers.assemble import Assembler
from vedette.parsers.fields import FIELDS, Conventions, Field, Tokens
from vedette.parsers.json_keys import JsonKeys
from vedette.schema.chunk import PADDING, Chunk, Parsed, SkipReason, Skips
from vedette.schema.state import check

REASONS: Mapping[int, SkipReason] = {
    BLANK: SkipReason.BLANK,
    NOT_AN_OBJECT: SkipReason.NOT_THIS_FORMAT,
    BAD_JSON: SkipReason.BAD_JSON,
    NO_REQUEST: SkipReason.NOT_THIS_FORMAT,
}
REQUEST_FIELDS = (Field.REQUEST, Field.METHOD, Field.TARGET, Field.STATUS)
"""A line with none of these is something else that the server logged."""
USUAL_BYTES = 128
"""Bytes a line that rows are first set aside for."""
FEWEST_BYTES = 8
"""Bytes of the shortest line that can be a request, `{"s":1}` and its end."""


class JsonTokeniser:
    """Finds a format's fields in the lines of one source; keeps scratch space between chunks.

    Args:
        keys: Where fields stand. fields: How many there are.
        telling: Those of which a line must have one at least.
    """

    fewest_bytes = FEWEST_BYTES

    def __init__(self, keys: JsonKeys, fields: int = FIELDS, telling: Sequence[int] = REQUEST_FIELDS) -> None:
        self._keys = keys
        self._fields = fields
        self._slot_start = np.empty(keys.slots, dtype=np.int64)
        self._slot_length = np.empty(keys.slots, dtype=np.int32)
        self._stack = np.empty(DEEPEST, dtype=np.int32)
        self._is_request = np.zeros(fields, dtype=np.uint8)
        self._is_request[list(telling)] = 1
        self._make_rows(0)

    def _make_rows(self, rows: int) -> None:
        self._start = np.empty((self._fields, rows), dtype=np.int64)
        self._length = np.empty((self._fields, rows), dtype=np.int32)
        self._line = np.empty(rows, dtype=np.int64)
        self._raw_start = np.empty(rows, dtype=np.int64)
        self._raw_length = np.empty(rows, dtype=np.int32)

    def tokenise(self, chunk: Chunk) -> Tokens:
        """Find the fields of each line. The arrays of the result are good until the next call."""
        state = np.zeros(4, dtype=np.int64)
        state[LINE] = chunk.first_line
        state[FREE] = chunk.length + PADDING
        skips = np.zeros((SKIP_REASONS, 1 + 3 * SAMPLES), dtype=np.int64)
        if not len(self._line):
            self._make_rows(chunk.length // USUAL_BYTES + 1)
        self._run(chunk, state, skips)
        if state[AT] < chunk.length:
            # Lines are shorter than usual: begin again with room for the shortest.
            self._make_rows(chunk.length // self.fewest_bytes + 1)
            return self.tokenise(chunk)
        n = int(state[ROWS])
        return Tokens(
            self._start[:, :n],
            self._length[:, :n],
            self._line[:n],
            self._raw_start[:n],
            self._raw_length[:n],
            np.zeros(n, dtype=np.uint16),
            _skips(chunk, skips.tolist()),
            int(state[LINE]) - chunk.first_line,
            int(state[FREE]),
        )

    def _run(self, chunk: Chunk, state: NDArray[np.int64], skips: NDArray[np.int64]) -> None:
        """Let the kernel fill the rows."""
        keys = self._keys
        tokenise(
            chunk.buffer,
            chunk.length,
            state,
            keys.buckets,
            keys.edges,
            keys.keys,
            keys.first_items,
            keys.resolve,
            self._is_request,
            self._slot_start,
            self._slot_length,
            self._stack,
            self._start,
            self._length,
            self._line,
            self._raw_start,
            self._raw_length,
            skips,
        )


def _skips(chunk: Chunk, table: list[list[int]]) -> Skips:
    """What the kernel counted, with the lines' text; samples in line order."""
    skips = Skips()
    samples = [
        (line, start, length, REASONS[reason])
        for reason, row in enumerate(table)
        for line, start, length in zip(row[1::3], row[2::3], row[3::3], strict=True)
        if line > 0
    ]
    for line, start, length, skip in sorted(samples):
        skips.add(skip, line, chunk.buffer[start : start + min(length, Skips.SAMPLE_BYTES)].tobytes())
    for reason, row in enumerate(table):
        if row[0] > SAMPLES:
            skips.counts[REASONS[reason]] += row[0] - SAMPLES
    return skips


class KeyedParser:
    """Parses one source of lines whose values have keys."""

    def __init__(self, formats: tuple[str, ...], tokeniser: JsonTokeniser, conventions: Conventions) -> None:
        self.formats = formats
        self._tokeniser = tokeniser
        self._assembler = Assembler()
        self._conventions = conventions

    def parse(self, chunk: Chunk) -> Parsed:
        """Turn whole lines into a batch. Never raises for what the lines hold."""
        return self._assembler.assemble(chunk, self._tokeniser.tokenise(chunk), self._conventions)

    def to_state(self) -> bytes:
        """Nothing: each line is told by itself."""
        return b""

    def from_state(self, content: bytes) -> None:
        """Take over nothing. Raises `StateError` for anything else."""
        check(not content, "state of a parser of keyed lines")


class JsonFormat(msgspec.Struct, frozen=True):
    """JSON objects, one a line, whose keys have known meanings.

    Attributes:
        name: As `--format` takes it.
        description: One line, with an example product.
        paths: For each field, the key paths it may stand at, the most trusted first.
        conventions: How times and durations are written.
        needs: Those of `PEER`, `METHOD`, `TARGET` and `STATUS` that each line of the format has, and `DURATION` if half
            of them do, so that it is told from others with like keys.
        extended: Whether its lines hold keys of their own as well, which somebody may want to name.
    """

    name: str
    description: str
    paths: Mapping[Field, Sequence[str]]
    conventions: Conventions
    needs: Sequence[Field] = ()
    extended: bool = False

    def score(self, sample: Chunk) -> float:
        """Share (0..1) of the sample's lines that are requests of this format, blank lines left out.

        More is asked than of a row: a time, and a status with a client or a path, or a method with a path.
        """
        text = sample.buffer[: sample.length].tobytes()
        if not text.lstrip().startswith(b"{") and b"\n{" not in text:
            # Loading the compiled tokeniser to look at a text log would take longer than the look.
            return 0.0
        parsed = self.open(sample.source).parse(sample)
        lines = parsed.lines - parsed.skips.counts.get(SkipReason.BLANK, 0)
        if not lines:
            return 0.0
        requests = parsed.requests
        peer, method, target = (c.ids >= 0 for c in (requests.peer, requests.method, requests.target))
        fits = ((requests.status > 0) & (peer | target)) | (method & target)
        has = {
            Field.PEER: peer,
            Field.METHOD: method,
            Field.TARGET: target,
            Field.STATUS: requests.status > 0,
        }
        for field in self.needs:
            fits &= has.get(field, True)
        if Field.DURATION in self.needs and 2 * np.isnan(requests.duration).sum() > len(requests):
            return 0.0
        return float(fits.sum() / lines)

    def open(self, source: str) -> KeyedParser:  # noqa: ARG002 - a JSON source has no state of its own
        """Start parsing a source."""
        return KeyedParser((self.name,), JsonTokeniser(JsonKeys.of(self.paths)), self.conventions)

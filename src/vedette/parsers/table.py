"""Tables of requests: columns between commas, semicolons, tabs or bars, and a first line that names them.

As databases, spreadsheets and log stores write them when they are asked for a log. Fields may stand in quotation marks,
as RFC 4180 has it.
"""

from typing import Final

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from vedette.kernels.text.delimited import LINE, ROW_COLUMNS, START, WIDTH, split_rows
from vedette.parsers.assemble import Assembler, skip_rows
from vedette.parsers.fields import ABSENT, FIELDS, Conventions, Field, TimeFormat, Tokens
from vedette.parsers.json_events import equal
from vedette.parsers.json_lines import REQUEST_FIELDS
from vedette.parsers.table_header import Header, header_of
from vedette.schema.chunk import Chunk, Parsed, SkipReason
from vedette.schema.state import check

FEWEST_BYTES: Final = 7
"""Bytes of the shortest line that can be a row or a header: for others no room is set aside, however many there are."""
_MINUS: Final = ord("-")
_NOTHING: Final = ord("\n")
"""No delimiter: a line is one field."""


class TableFormat(msgspec.Struct, frozen=True):
    """A table whose header names a time and a path, at least."""

    name: str = "table"
    description: str = (
        "CSV and other tables whose first line names columns (time, client_ip, method, path, status)"
    )
    conventions: Conventions = Conventions(TimeFormat.ANY, peer_has_port=True)

    def score(self, sample: Chunk) -> float:
        """Share (0..1) of the sample's rows that are requests: with a time, and a path."""
        header = header_of(sample.buffer[: sample.length].tobytes())
        if header is None or not header.tells:
            return 0.0
        parsed = self.open(sample.source).parse(sample)
        rows = parsed.lines - sum(
            parsed.skips.counts.get(reason, 0) for reason in (SkipReason.BLANK, SkipReason.COMMENT)
        )
        return float((parsed.requests.target.ids >= 0).sum() / rows) if rows else 0.0

    def open(self, source: str) -> "TableParser":  # noqa: ARG002 - what a source says of itself is in its lines
        """Start parsing a source."""
        return TableParser(self.name, self.conventions)


class TableParser:
    """Parses one table. Without a header at its beginning, nothing of it is read."""

    def __init__(self, name: str, conventions: Conventions) -> None:
        self.formats = (name,)
        self._conventions = conventions
        self._header: Header | None = None
        self._begun = False
        self._assembler = Assembler()

    def parse(self, chunk: Chunk) -> Parsed:
        """Turn whole lines into a batch. Never raises for what the lines hold."""
        if not self._begun and chunk.length:
            self._follow(header_of(chunk.buffer[: chunk.length].tobytes()))
        return self._assembler.assemble(chunk, self._tokens(chunk), self._conventions)

    def to_state(self) -> bytes:
        """The header, empty if there is none."""
        return b"" if self._header is None else self._header.line

    def from_state(self, content: bytes) -> None:
        """Go on below a header that `to_state` gave. Raises `StateError`."""
        header = header_of(content)
        check(header is not None or not content, "state of a parser of tables")
        if content:
            self._follow(header)

    def _follow(self, header: Header | None) -> None:
        self._begun = True
        if header is not None and header.tells:
            self._header = header
            self._conventions = replace(self._conventions, duration=header.unit, time=header.time)

    def _tokens(self, chunk: Chunk) -> Tokens:
        """Where the fields of the rows stand."""
        header = self._header
        places = {} if header is None else header.columns
        wanted = np.full(max(places.values(), default=0) + 1, -1, dtype=np.int64)
        wanted[list(places.values())] = [int(field) for field in places]
        newlines = np.flatnonzero(chunk.buffer[: chunk.length] == _NOTHING)
        most = int(np.count_nonzero(np.diff(newlines, prepend=-1) > FEWEST_BYTES)) + 1
        rows = np.empty((ROW_COLUMNS, most), dtype=np.int64)
        start = np.empty((FIELDS, most), dtype=np.int64)
        width = np.empty((FIELDS, most), dtype=np.int32)
        counts = np.zeros(4, dtype=np.int64)
        delimiter = _NOTHING if header is None else ord(header.delimiter)
        n = split_rows(
            chunk.buffer, chunk.length, delimiter, FEWEST_BYTES, wanted, rows, start, width, counts
        )
        rows, start, width = rows[:, :n], start[:, :n], width[:, :n]
        for field in places:
            missing = (width[field] <= 0) | (width[field] == 1) & (chunk.buffer[start[field]] == _MINUS)
            start[field, missing] = ABSENT
        start[[field for field in Field if field not in places]] = ABSENT
        tokens = Tokens(
            start,
            width,
            rows[LINE] + chunk.first_line,
            rows[START],
            rows[WIDTH].astype(np.int32),
            np.zeros(n, dtype=np.uint16),
            lines=int(counts[0]),
        )
        left_out = (SkipReason.BLANK, SkipReason.COMMENT, SkipReason.NOT_THIS_FORMAT)
        tokens.skips.counts.update(
            {reason: count for reason, count in zip(left_out, counts[1:].tolist(), strict=True) if count}
        )
        if header is not None:
            tokens = _without(chunk, tokens, _repeated(chunk, tokens, header.line), SkipReason.COMMENT)
        tells_nothing: NDArray[np.bool_] = np.logical_and.reduce(tokens.start[list(REQUEST_FIELDS)] < 0)
        return _without(chunk, tokens, tells_nothing, SkipReason.NOT_THIS_FORMAT)


def _repeated(chunk: Chunk, tokens: Tokens, header: bytes) -> NDArray[np.bool_]:
    """Which rows are the header, which stands above and, where tables were put together, in between."""
    found: NDArray[np.bool_] = tokens.raw_length == len(header)
    alike = np.flatnonzero(found)
    found[alike] = equal(chunk.buffer, tokens.raw_start[alike], tokens.raw_length[alike], header)
    return found


def _without(chunk: Chunk, tokens: Tokens, which: NDArray[np.bool_], reason: SkipReason) -> Tokens:
    """The tokens without some rows, which are counted as skipped."""
    left_out = np.flatnonzero(which)
    if not len(left_out):
        return tokens
    skip_rows(chunk, tokens, left_out, reason)
    kept = np.flatnonzero(~which)
    return replace(
        tokens,
        start=tokens.start[:, kept],
        length=tokens.length[:, kept],
        line=tokens.line[kept],
        raw_start=tokens.raw_start[kept],
        raw_length=tokens.raw_length[kept],
        flags=tokens.flags[kept],
    )

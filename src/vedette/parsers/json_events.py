"""JSON logs that tell of a request in several lines, or of other things as well: one kind of event is a request."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from vedette.parsers.assemble import skip_rows
from vedette.parsers.fields import ABSENT, FIELDS, Conventions, Field, Tokens
from vedette.parsers.json_keys import JsonKeys
from vedette.parsers.json_lines import JsonTokeniser, KeyedParser
from vedette.schema.chunk import Chunk, SkipReason

_EVENT = FIELDS
"""The row of the event's kind in tokens, behind those of a request's fields."""


class EventTokeniser(JsonTokeniser):
    """Finds the requests among a log's events; see `EventFormat`."""

    def __init__(self, paths: Mapping[Field, Sequence[str]], key: str, wanted: bytes) -> None:
        fields: dict[int, Sequence[str]] = {_EVENT: (key,), **{int(f): names for f, names in paths.items()}}
        super().__init__(JsonKeys.of(fields), FIELDS + 1, (_EVENT,))
        self._wanted = wanted

    def tokenise(self, chunk: Chunk) -> Tokens:
        """Find the fields of each line. The arrays of the result are good until the next call."""
        tokens = super().tokenise(chunk)
        wanted = equal(chunk.buffer, tokens.start[_EVENT], tokens.length[_EVENT], self._wanted)
        others = np.flatnonzero(~wanted)
        if not len(others):
            return tokens
        skip_rows(chunk, tokens, others, SkipReason.OTHER_EVENT)
        kept = np.flatnonzero(wanted)
        return replace(
            tokens,
            start=tokens.start[:, kept],
            length=tokens.length[:, kept],
            line=tokens.line[kept],
            raw_start=tokens.raw_start[kept],
            raw_length=tokens.raw_length[kept],
            flags=tokens.flags[kept],
        )


class EventFormat(msgspec.Struct, frozen=True):
    """Logs of events, of which those of one kind are requests.

    Attributes:
        name: As `--format` takes it.
        description: One line, with an example product.
        paths: For each field, the key paths it may stand at, the most trusted first.
        conventions: How times and durations are written.
        key: Top-level key of an event's kind. wanted: The kind that is a request.
    """

    name: str
    description: str
    paths: Mapping[Field, Sequence[str]]
    conventions: Conventions
    key: str
    wanted: bytes

    def score(self, sample: Chunk) -> float:
        """Share (0..1) of the sample's events of the kind that are requests with a time and a client."""
        if f'"{self.key}"'.encode() not in sample.buffer[: sample.length].tobytes():
            return 0.0
        parsed = self.open(sample.source).parse(sample)
        requests = parsed.requests
        events = parsed.lines - parsed.skips.counts.get(SkipReason.OTHER_EVENT, 0)
        events -= parsed.skips.counts.get(SkipReason.BLANK, 0)
        fits = (requests.peer.ids >= 0) & ((requests.method.ids >= 0) | (requests.target.ids >= 0))
        return float(fits.sum() / events) if events else 0.0

    def open(self, source: str) -> KeyedParser:  # noqa: ARG002 - a JSON source has no state of its own
        """Start parsing a source."""
        return KeyedParser((self.name,), EventTokeniser(self.paths, self.key, self.wanted), self.conventions)


def equal(
    buffer: NDArray[np.uint8], start: NDArray[np.int64], length: NDArray[np.int32], text: bytes
) -> NDArray[np.bool_]:
    """Which of these spans (k,) hold exactly `text`."""
    same: NDArray[np.bool_] = (start != ABSENT) & (length == len(text))
    for number, byte in enumerate(text):
        same &= buffer[np.where(same, start, 0) + number] == byte
    return same

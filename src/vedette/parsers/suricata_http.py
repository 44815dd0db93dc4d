"""The events `http` of Suricata's EVE, among its others.

An alert, a file and an anomaly tell again of the request that they belong to: only the event `http` is one.

https://docs.suricata.io/en/latest/output/eve/eve-json-format.html#event-type-http
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from vedette.parsers.assemble import skip_rows
from vedette.parsers.fields import ABSENT, FIELDS, Conventions, Field, TimeFormat, Tokens
from vedette.parsers.json_keys import JsonKeys
from vedette.parsers.json_lines import JsonTokeniser, KeyedParser
from vedette.schema.chunk import Chunk, SkipReason

FORMAT: Final = "suricata-http-json"
_EVENT: Final = FIELDS
"""The row of the event's type in tokens, behind those of a request's fields."""
_PATHS: Final[Mapping[int, Sequence[str]]] = MappingProxyType(
    {
        _EVENT: ("event_type",),
        Field.TIME: ("timestamp",),
        Field.PEER: ("src_ip",),
        Field.FORWARDED: ("http.xff",),
        Field.METHOD: ("http.http_method",),
        Field.TARGET: ("http.url",),
        Field.PROTOCOL: ("http.protocol",),
        Field.STATUS: ("http.status",),
        Field.BYTES_OUT: ("http.length",),
        Field.REFERER: ("http.http_refer",),
        Field.USER_AGENT: ("http.http_user_agent",),
        Field.SERVICE: ("http.hostname",),
    }
)
_HTTP: Final = b"http"
_HTTP_EVENT: Final = re.compile(rb'"event_type": ?"http"')
_FLOW_EVENT: Final = re.compile(rb'"event_type": ?"flow"')
_CONVENTIONS: Final = Conventions(TimeFormat.ANY)


class HttpEvents(JsonTokeniser):
    """Finds the requests in the lines of an EVE log."""

    def __init__(self) -> None:
        super().__init__(JsonKeys.of(_PATHS), FIELDS + 1, (_EVENT,))

    def tokenise(self, chunk: Chunk) -> Tokens:
        """Find the fields of each line. The arrays of the result are good until the next call."""
        tokens = super().tokenise(chunk)
        wanted = _equal(chunk.buffer, tokens.start[_EVENT], tokens.length[_EVENT], _HTTP)
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


class SuricataFormat(msgspec.Struct, frozen=True):
    """EVE logs that hold requests. What Suricata tells of flows is read as flows, from the same file."""

    name: str = FORMAT
    description: str = "Suricata's EVE, its events http (timestamp, event_type, src_ip, http.url, ...)"

    def score(self, sample: Chunk) -> float:
        """Share (0..1) of the sample's events of HTTP that are requests with a time and a client."""
        if b'"event_type"' not in sample.buffer[: sample.length].tobytes():
            return 0.0
        parsed = self.open(sample.source).parse(sample)
        requests = parsed.requests
        events = parsed.lines - parsed.skips.counts.get(SkipReason.OTHER_EVENT, 0)
        events -= parsed.skips.counts.get(SkipReason.BLANK, 0)
        fits = (requests.peer.ids >= 0) & ((requests.method.ids >= 0) | (requests.target.ids >= 0))
        return float(fits.sum() / events) if events else 0.0

    def open(self, source: str) -> KeyedParser:  # noqa: ARG002 - a JSON source has no state of its own
        """Start parsing a source."""
        return KeyedParser((self.name,), HttpEvents(), _CONVENTIONS)


def tells_requests(head: bytes) -> bool:
    """Whether an EVE log that begins like this holds requests."""
    return _HTTP_EVENT.search(head) is not None


def tells_flows(head: bytes) -> bool:
    """Whether an EVE log that begins like this holds flows already, which Suricata writes when they end."""
    return _FLOW_EVENT.search(head) is not None


def _equal(
    buffer: NDArray[np.uint8], start: NDArray[np.int64], length: NDArray[np.int32], text: bytes
) -> NDArray[np.bool_]:
    """Which of these spans (k,) hold exactly `text`."""
    same: NDArray[np.bool_] = (start != ABSENT) & (length == len(text))
    for number, byte in enumerate(text):
        same &= buffer[np.where(same, start, 0) + number] == byte
    return same

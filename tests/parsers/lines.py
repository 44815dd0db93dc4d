"""Lines in, rows as plain Python values out."""

import math
from collections.abc import Iterable

import numpy as np

from vedette.parsers.format import Parser
from vedette.schema.chunk import Chunk, Parsed
from vedette.schema.requests import RequestFlag, Requests

TEXTS = ("peer", "forwarded", "method", "target", "protocol", "user_agent", "referer", "service")


def chunk(text: bytes, first_line: int = 1) -> Chunk:
    return Chunk.of(text, "test.log", first_line)


def rows(requests: Requests) -> list[dict[str, object]]:
    """One dictionary a row, of what is recorded."""
    return [row(requests, i) for i in range(len(requests))]


def row(requests: Requests, i: int) -> dict[str, object]:
    texts = {name: getattr(requests, name)[i] for name in TEXTS}
    found: dict[str, object] = {
        "line": int(requests.line[i]),
        "time": str(np.datetime64(int(requests.time[i]), "us")),
        **{name: text.decode("latin-1") for name, text in texts.items() if text is not None},
    }
    for name, value in (
        ("status", int(requests.status[i]) or None),
        ("bytes_in", int(requests.bytes_in[i])),
        ("bytes_out", int(requests.bytes_out[i])),
        ("duration", float(requests.duration[i])),
    ):
        if value is None or value == -1 or (isinstance(value, float) and math.isnan(value)):
            continue
        found[name] = value
    flags = RequestFlag(int(requests.flags[i]))
    if flags:
        found["flags"] = sorted(flag.name or "" for flag in flags)
    return found


def parse_all(parser: Parser, texts: Iterable[bytes]) -> tuple[list[dict[str, object]], dict[str, int], int]:
    """Rows, skips by reason, and lines of consecutive chunks."""
    line = 1
    all_rows: list[dict[str, object]] = []
    skips: dict[str, int] = {}
    for text in texts:
        parsed: Parsed = parser.parse(chunk(text, line))
        line += parsed.lines
        all_rows += rows(parsed.requests)
        for reason, count in parsed.skips.counts.items():
            skips[reason.value] = skips.get(reason.value, 0) + count
    return all_rows, skips, line - 1

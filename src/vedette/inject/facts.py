"""What a log line says, as its parser reads it: the judge of whether a line was rewritten well."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from vedette.schema.chunk import Chunk, Parsed
from vedette.schema.requests import Requests

Parse = Callable[[Chunk], Parsed]


class Facts(NamedTuple):
    """The fields of one line that incidents change. Times in microseconds; None where not recorded."""

    time: int
    peer: bytes | None
    forwarded: bytes | None
    method: bytes | None
    target: bytes | None
    status: int | None
    bytes_out: int | None
    duration: float | None
    referer: bytes | None
    user_agent: bytes | None


def facts_of(requests: Requests, row: int) -> Facts:
    """The fields of one row."""
    status, size, duration = (
        int(requests.status[row]),
        int(requests.bytes_out[row]),
        float(requests.duration[row]),
    )
    return Facts(
        int(requests.time[row]),
        requests.peer[row],
        requests.forwarded[row],
        requests.method[row],
        requests.target[row],
        status or None,
        size if size >= 0 else None,
        None if np.isnan(duration) else duration,
        requests.referer[row],
        requests.user_agent[row],
    )


def read_lines(parse: Parse, lines: Sequence[bytes]) -> list[Facts | None]:
    """What a parser makes of lines (without line ends), one by one; None of what is no request to it."""
    found: list[Facts | None] = [None] * len(lines)
    if not lines:
        return found
    requests = parse(Chunk.of(b"\n".join(lines) + b"\n")).requests
    for row, line in enumerate(requests.line.tolist()):
        if 1 <= line <= len(lines):
            found[line - 1] = facts_of(requests, row)
    return found

"""Keys and columns that their format has no names for, and that look like what it found nothing of."""

import csv
from collections.abc import Iterator
from ipaddress import ip_address
from itertools import islice
from typing import Any

import msgspec
import numpy as np

from vedette.parsers.json_lines import JsonFormat
from vedette.parsers.logfmt import LogfmtFormat
from vedette.parsers.table import TableFormat
from vedette.parsers.table_header import header_of
from vedette.schema.chunk import Chunk

_LINES = 20
"""Lines that are looked at."""
_DEEPEST = 4
_SHOWN = 3
_LONGEST = 60
"""Characters of a key that is shown."""
_STATUS = ("status", "code")
_DURATION = (
    "dur",
    "latenc",
    "elaps",
    "took",
    "time_taken",
    "timetaken",
    "response_time",
    "responsetime",
    "request_time",
)


def unnamed(sample: Chunk, known: JsonFormat | LogfmtFormat | TableFormat) -> str | None:
    """Keys that may hold a status, a client or a duration, where no line was found to tell one; None without such.

    Args:
        sample: Whole lines, which are not changed. known: The format that they were found to be of.

    Returns:
        Up to three, as `--field` takes them, joined by commas.
    """
    requests = known.open(sample.source).parse(Chunk.of(sample.buffer[: sample.length].tobytes())).requests
    lacks_status = not (requests.status > 0).any()
    lacks_peer = not ((requests.peer.ids >= 0) | (requests.forwarded.ids >= 0)).any()
    lacks_duration = bool(np.isnan(requests.duration).all())
    if not (lacks_status or lacks_peer or lacks_duration):
        return None
    found: dict[str, None] = {}
    if isinstance(known, TableFormat):
        values = _cells(sample)
    else:
        values = _values(sample) if isinstance(known, JsonFormat) else _pairs(sample)
    for path, value in values:
        name = path[-1].lower()
        looks = (
            (lacks_status and any(part in name for part in _STATUS) and _is_status(value))
            or (lacks_duration and any(part in name for part in _DURATION) and _is_number(value))
            or (lacks_peer and _is_address(value))
        )
        if looks:
            found[".".join(map(_step, path))] = None
    return ", ".join(key[:_LONGEST] for key in islice(found, _SHOWN)) or None


def _step(key: str) -> str:
    r"""A key as a path names it, `\` before its dots and backslashes, and harmless to show."""
    return key.encode("unicode_escape").decode("ascii").replace(".", r"\.")


def _values(sample: Chunk) -> Iterator[tuple[tuple[str, ...], object]]:
    """Keys and values of the first lines, those below others with all that lead to them."""
    for line in islice(sample.buffer[: sample.length].tobytes().splitlines(), _LINES):
        try:
            whole = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if isinstance(whole, dict):
            yield from _leaves(whole, ())


def _pairs(sample: Chunk) -> Iterator[tuple[tuple[str, ...], object]]:
    """Keys and values of the first lines of pairs, quotes aside; one in quotes that has spaces is cut at the first."""
    for line in islice(sample.buffer[: sample.length].tobytes().splitlines(), _LINES):
        for pair in line.decode("utf-8", "replace").split():
            key, equals, value = pair.partition("=")
            if key and equals:
                yield (key,), value.strip('"')


def _cells(sample: Chunk) -> Iterator[tuple[tuple[str, ...], object]]:
    """Names of columns and what stands in them in the first rows."""
    text = sample.buffer[: sample.length].tobytes()
    header = header_of(text)
    if header is not None:
        lines = islice(text.decode("utf-8", "replace").splitlines(), 1, _LINES + 1)
        for row in csv.reader(lines, delimiter=header.delimiter):
            yield from zip(((name,) for name in header.names if name), row, strict=False)


def _leaves(node: dict[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    for key, value in node.items():
        if isinstance(value, dict):
            if len(above) + 1 < _DEEPEST:
                yield from _leaves(value, (*above, key))
        elif key:
            yield (*above, key), value


def _is_status(value: object) -> bool:
    text = str(value)
    return (
        isinstance(value, int | str)
        and len(text) == 3
        and text.isascii()
        and text.isdigit()
        and "1" <= text[0] <= "5"
    )


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True


def _is_address(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        ip_address(value)
    except ValueError:
        return False
    return True

"""A line that is plain in every way, read by itself.

Columns of one row cost as much to make as those of a thousand, and most of what reading one line takes. Who judges line
by line asks here first. Of a line with anything odd about it nothing is said: it is read as any other.
"""

from typing import Final, NamedTuple

import numpy as np

from vedette.parsers.assemble import LARGEST_SIZE, read_durations, read_times
from vedette.parsers.fields import ABSENT, Conventions, Field, Tokens
from vedette.schema.chunk import Chunk
from vedette.schema.requests import NOT_RECORDED, Vocabulary

_PROTOCOLS: Final = frozenset({b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/2", b"HTTP/3.0", b"HTTP/3"})
_STATUS_DIGITS: Final = 3
_SIZE_DIGITS: Final = len(str(LARGEST_SIZE)) - 1
"""Digits of sizes that are below the largest."""


class Single(NamedTuple):
    """A request, as the columns of a batch of it alone would have it; see `Requests`.

    Attributes:
        shape: Which of its format's shapes the line has.
        targets: The target as the only text of a vocabulary, which points into the chunk.
    """

    time: int
    status: int
    bytes_in: int
    bytes_out: int
    duration: float
    flags: int
    peer: bytes | None
    forwarded: bytes | None
    method: bytes
    target: bytes
    protocol: bytes
    referer: bytes | None
    user_agent: bytes | None
    service: bytes | None
    shape: int
    targets: Vocabulary


def read_single(chunk: Chunk, tokens: Tokens, conventions: Conventions) -> Single | None:
    """The request of a chunk of one line; None if anything about it is not plain.

    Args:
        chunk: The line. tokens: Its fields. conventions: How its format writes them.
    """
    if len(tokens.line) != 1 or conventions.peer_has_port or conventions.target_has_origin:
        return None
    flags: int = tokens.flags.item(0)
    starts: list[int] = tokens.start[:, 0].tolist()
    lengths: list[int] = tokens.length[:, 0].tolist()
    memory = chunk.buffer.data

    def text(field: Field) -> bytes | None:
        start = starts[field]
        return None if start < 0 else memory[start : start + lengths[field]].tobytes()

    request = text(Field.REQUEST)
    if flags or request is None or starts[Field.QUERY] >= 0 or starts[Field.ROUTE] >= 0:
        return None
    method, _, rest = request.partition(b" ")
    target, _, protocol = rest.partition(b" ")
    if not (method.isalpha() and method.isupper() and target and protocol in _PROTOCOLS):
        return None
    status, sent, got = text(Field.STATUS), text(Field.BYTES_OUT), text(Field.BYTES_IN)
    if status is None or not (_is_status(status) and _is_size(sent) and _is_size(got)):
        return None
    time, unreadable = read_times(chunk.buffer, tokens, conventions)
    duration = np.nan if starts[Field.DURATION] == ABSENT else _duration(chunk, tokens, conventions)
    if unreadable or duration is None:
        return None
    return Single(
        time=time.item(0),
        status=int(status),
        bytes_in=NOT_RECORDED if got is None else int(got),
        bytes_out=NOT_RECORDED if sent is None else int(sent),
        duration=duration,
        flags=flags,
        peer=text(Field.PEER),
        forwarded=text(Field.FORWARDED),
        method=method,
        target=target,
        protocol=protocol,
        referer=text(Field.REFERER),
        user_agent=text(Field.USER_AGENT),
        service=text(Field.SERVICE),
        shape=0 if tokens.shape is None else tokens.shape.item(0),
        targets=Vocabulary(
            chunk.buffer,
            np.array([starts[Field.REQUEST] + len(method) + 1]),
            np.array([len(target)], dtype=np.int32),
        ),
    )


def _is_status(text: bytes) -> bool:
    return len(text) == _STATUS_DIGITS and text.isdigit() and text[0] != _ZERO


def _is_size(text: bytes | None) -> bool:
    """Whether a size is not logged, or a number that is not too large."""
    return text is None or (len(text) <= _SIZE_DIGITS and text.isdigit())


def _duration(chunk: Chunk, tokens: Tokens, conventions: Conventions) -> float | None:
    """Seconds; None if the text is no duration."""
    odd = np.zeros(1, dtype=np.uint16)
    seconds: float = read_durations(chunk.buffer, tokens, conventions.duration, odd).item(0)
    return None if odd.item(0) else seconds


_ZERO: Final = ord("0")

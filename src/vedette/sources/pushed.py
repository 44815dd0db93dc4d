"""What is pushed over HTTP: bodies undone within bounds, and what is wrong with one."""

from enum import StrEnum
from io import BytesIO
from typing import NamedTuple

import cramjam

from vedette.schema.errors import VedetteError
from vedette.sources.streams import DecompressStream, RawStream

MOST_BYTES = 64 << 20
"""Longest body once decompressed: what a Loki or collector batch has, many times over."""

_CODECS = {"gzip": "gzip", "x-gzip": "gzip", "zstd": "zstd"}
_PIECE = 64 << 10
_NO_JSON = "JSON is malformed: "
"""How msgspec begins."""


class PushProblem(StrEnum):
    """The kind of a `PushError`."""

    UNSUPPORTED = "unsupported"
    """The media type or the encoding is none that is understood (HTTP 415)."""
    TOO_LARGE = "too_large"
    """It is longer than the limit once decompressed (HTTP 413)."""
    MALFORMED = "malformed"
    """It is not what it says it is (HTTP 400)."""


class PushError(VedetteError):
    """A body that cannot be taken; nothing of it was.

    Attributes:
        field: Where it is wrong: a path into the body, or a header's name.
        problem: What kind of trouble.
        reason: What is wrong there, and the rule.
    """

    def __init__(self, field: str, problem: PushProblem, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.problem = problem
        self.reason = reason


class PushedLines(NamedTuple):
    """Lines of one stream, each with its newline; see `Delivery`."""

    stream: str
    service: str | None
    lines: bytes


def not_readable(error: Exception) -> PushError:
    """What a decoder of JSON refused, with the place in the body that it names."""
    reason, _, path = str(error).partition(" - at ")
    field = path.strip("`").removeprefix("$.") or "body"
    if reason.startswith(_NO_JSON):
        reason = "is not JSON: " + reason.removeprefix(_NO_JSON)
    return PushError(field, PushProblem.MALFORMED, f"{reason[:1].lower()}{reason[1:]}")


def media_type(content_type: str) -> str:
    """A media type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def undo_encoding(body: bytes, encoding: str, limit: int) -> bytes:
    """A body without its `Content-Encoding`.

    Args:
        body: As received.
        encoding: The header: `gzip`, `zstd`, `identity` or nothing.
        limit: Most bytes of the result.

    Raises:
        PushError: It is too long, damaged, or the encoding is another.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        _hold_to(len(body), limit)
        return body
    if name not in _CODECS:
        raise PushError(
            "Content-Encoding",
            PushProblem.UNSUPPORTED,
            f"{encoding[:40]!r} is not understood: send gzip, zstd or identity",
        )
    stream = DecompressStream(RawStream(BytesIO(body), owned=False), _CODECS[name])
    text = bytearray()
    piece = memoryview(bytearray(_PIECE))
    while got := stream.readinto(piece):
        text += piece[:got]
        _hold_to(len(text), limit)
    if stream.damage is not None:
        raise PushError("body", PushProblem.MALFORMED, stream.damage)
    return bytes(text)


def undo_snappy(body: bytes, limit: int) -> bytes:
    """A body in Snappy's block format, which states its length first.

    Raises:
        PushError: It is too long or damaged.
    """
    try:
        _hold_to(cramjam.snappy.decompress_raw_len(body), limit)
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise PushError("body", PushProblem.MALFORMED, f"is not a Snappy block: {error}") from None


def _hold_to(size: int, limit: int) -> None:
    if size > limit:
        raise PushError(
            "body",
            PushProblem.TOO_LARGE,
            f"has more than {limit} bytes once decompressed: send it in smaller batches",
        )

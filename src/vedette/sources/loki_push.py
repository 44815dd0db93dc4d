"""Bodies of `POST /loki/api/v1/push`: JSON, and protobuf in a Snappy block.

The fields are those of Loki's HTTP API page and of `pkg/push/push.proto` in its repository. An entry's own time and
its structured metadata are not used: what is read is the line, which bears the request's time.
"""

from collections.abc import Iterable

import msgspec

from vedette.sources.labels import parse_labels, stream_of
from vedette.sources.pushed import (
    MOST_BYTES,
    PushedLines,
    PushError,
    PushProblem,
    media_type,
    not_readable,
    undo_encoding,
    undo_snappy,
)


class _Value(msgspec.Struct, array_like=True):
    """One entry: nanoseconds as text, the line, and perhaps structured metadata."""

    time: str
    line: str
    metadata: dict[str, str] | None = None


class _Stream(msgspec.Struct):
    stream: dict[str, str]
    values: list[_Value]


class _Push(msgspec.Struct):
    streams: list[_Stream]


_DECODER = msgspec.json.Decoder(_Push)
JSON = "application/json"
PROTOBUF = "application/x-protobuf"


def decode_loki_push(
    body: bytes, content_type: str, content_encoding: str = "", *, limit: int = MOST_BYTES
) -> list[PushedLines]:
    """The lines of a push, by stream, in the order in which they stand.

    Args:
        body: As received.
        content_type: The header; `application/json`, or `application/x-protobuf` (always in a Snappy block).
        content_encoding: The header.
        limit: Most bytes of the body once decompressed.

    Raises:
        PushError: Nothing of it was taken.
    """
    kind = media_type(content_type)
    if kind == JSON:
        return _from_json(undo_encoding(body, content_encoding, limit))
    if kind in (PROTOBUF, "application/protobuf"):
        # Shippers compress so always, and some say so in the header.
        encoding = "" if content_encoding.strip().lower() == "snappy" else content_encoding
        return _from_protobuf(undo_snappy(undo_encoding(body, encoding, limit), limit))
    raise PushError(
        "Content-Type",
        PushProblem.UNSUPPORTED,
        f"{content_type[:80]!r} is not understood: send {JSON} or {PROTOBUF}",
    )


def _from_json(text: bytes) -> list[PushedLines]:
    try:
        push = _DECODER.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise not_readable(error) from None
    gathered = [
        _lines(stream.stream, (value.line.encode("utf-8", "replace") for value in stream.values))
        for stream in push.streams
    ]
    return [lines for lines in gathered if lines.lines]


def _from_protobuf(text: bytes) -> list[PushedLines]:
    from google.protobuf.message import DecodeError

    from vedette.sources.loki_proto import PushRequest

    push = PushRequest()
    try:
        push.ParseFromString(text)
    except DecodeError as error:
        raise PushError("body", PushProblem.MALFORMED, f"is no protobuf of a Loki push: {error}") from None
    gathered = []
    for number, stream in enumerate(push.streams):
        try:
            labels = parse_labels(stream.labels.decode("utf-8", "replace"))
        except ValueError as error:
            raise PushError(f"streams[{number}].labels", PushProblem.MALFORMED, str(error)) from None
        gathered.append(_lines(labels, (entry.line for entry in stream.entries)))
    return [lines for lines in gathered if lines.lines]


def _lines(labels: dict[str, str], entries: Iterable[bytes]) -> PushedLines:
    """Each entry is one line: newlines within become spaces, and empty ones go."""
    text = b"".join(
        entry.replace(b"\n", b" ") + b"\n" for entry in (e.rstrip(b"\r\n") for e in entries) if entry
    )
    stream, service = stream_of(labels)
    return PushedLines(stream, service, text)

"""Pushed bodies: to lines, and into the journal."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from vedette.live.view import LiveView
from vedette.server.bodies import TakenAnswer
from vedette.server.media import NDJSON
from vedette.server.problem import Fault, ProblemError
from vedette.sources.pushed import PushError, PushProblem, undo_encoding

T = TypeVar("T")
_STATUS = {PushProblem.UNSUPPORTED: 415, PushProblem.TOO_LARGE: 413, PushProblem.MALFORMED: 400}
_DECODER = msgspec.json.Decoder()


class Push(NamedTuple):
    """Lines of one stream."""

    stream: str
    service: str | None
    format: str | None
    lines: bytes


def undone(work: Callable[[], T]) -> T:
    """Decode a body.

    Raises:
        ProblemError: It is not what it says it is.
    """
    try:
        return work()
    except PushError as error:
        place = "header" if error.field.startswith("Content-") else "body"
        raise ProblemError(
            _STATUS[error.problem], str(error), [Fault(error.field, error.reason, place)]
        ) from None


def log_lines(body: bytes, encoding: str, kind: str, limit: int) -> bytes:
    """The log lines of a body, each with its newline.

    Args:
        body: As received. encoding: `Content-Encoding`. kind: Its media type. limit: Most bytes once decompressed.

    Raises:
        ProblemError: It cannot be read.
    """
    text = undone(lambda: undo_encoding(body, encoding, limit))
    if kind == NDJSON and (b'"log_line"' in text or text.lstrip().startswith(b'"') or b'\n"' in text):
        text = b"".join(_unwrapped(text))
    return text if not text or text.endswith(b"\n") else text + b"\n"


def _unwrapped(text: bytes) -> Iterator[bytes]:
    """The log lines in JSON lines. What is no JSON stays as it is: it is counted where it cannot be parsed."""
    for line in text.split(b"\n"):
        found = line
        if line.startswith(b'"') or b'"log_line"' in line:
            try:
                entry = _DECODER.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                entry = None
            inner = entry.get("log_line") if isinstance(entry, dict) else entry
            if isinstance(inner, str):
                found = inner.rstrip("\r\n").replace("\n", " ").encode("utf-8", "replace")
        if found:
            yield found + b"\n"


def take(view: LiveView, pushes: Sequence[Push]) -> TakenAnswer:
    """Put lines into the journal.

    Raises:
        ProblemError: They could not be kept. Streams before the one that failed are kept, and come again if the sender
            repeats the whole body: at least once, as its protocol has it.
    """
    taken = 0
    for push in pushes:
        if not push.lines:
            continue
        done = view.push(push.stream, push.lines, format=push.format, service=push.service)
        taken += done.taken
        if done.refused:
            wait = max(1, round(done.retry_after_s))
            raise ProblemError(
                503, f"the lines could not be kept: {done.reason}", headers={"Retry-After": str(wait)}
            )
    return TakenAnswer(taken)

"""What the body of a batch holds: lines as one text where all are plain, as they nearly always are, or its entries."""

import re
from typing import Any, Final, TypeVar

import msgspec
import numpy as np

from vedette.kernels.compile import INTERPRETED
from vedette.kernels.text.json_lines import join_strings
from vedette.schema.lines import JoinedLines
from vedette.server.bodies import DetectBatchBody
from vedette.server.problem import Fault, ProblemError, invalid

T = TypeVar("T")
_HEAD: Final = re.compile(rb'[ \t\r\n]*\{[ \t\r\n]*"(?:logs|log_lines)"[ \t\r\n]*:[ \t\r\n]*\[')
_HALF: Final = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})")
"""The first half of a character beyond the 16 bits of an escape, without the second."""
_TAIL: Final = re.compile(rb"[ \t\r\n]*\}[ \t\r\n]*")


def read_batch(body: bytes, most: int, longest: int) -> JoinedLines | list[Any]:
    """Lines, if there is nothing else in the body; else its entries as they came.

    Args:
        body: JSON. most: Entries at most. longest: Bytes of the longest line.

    Raises:
        ProblemError: It is no body of a batch, or holds too many entries.
    """
    lines = None if INTERPRETED else plain_body(body, longest)
    if lines is not None and len(lines) <= most:
        return lines
    asked = read_json(_BATCH, body)
    if (asked.logs is None) == (asked.log_lines is None):
        rule = "must be given, as logs or as log_lines, and once"
        raise ProblemError(422, f"logs: {rule}", [Fault("logs", rule)])
    name = "logs" if asked.logs is not None else "log_lines"
    entries = asked.logs if asked.logs is not None else asked.log_lines or []
    if len(entries) > most:
        rule = f"has {len(entries)} entries: must have at most {most}; send more as application/x-ndjson"
        raise ProblemError(413, f"{name}: {rule}", [Fault(name, rule)])
    return entries


def plain_body(body: bytes, longest: int) -> JoinedLines | None:
    """The lines of a body that holds nothing but plain ones: none is made an object of its own. None of others."""
    head = _HEAD.match(body)
    if head is None:
        return None
    out, told = np.empty(len(body), dtype=np.uint8), np.empty(2, dtype=np.int64)
    written = join_strings(np.frombuffer(body, dtype=np.uint8), head.end(), longest, out, told)
    if written < 0 or _TAIL.fullmatch(body, told.item(1)) is None:
        return None
    return JoinedLines(out[:written].tobytes(), told.item(0))


def read_json(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """A JSON body.

    Raises:
        ProblemError: It is not JSON, or does not have the fields asked for.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # Of a body that ends as a body does, its end is not what is missing.
        half = _HALF.search(body) if body.rstrip().endswith((b"}", b"]")) else None
        if half is not None:
            rule = f"{half[0].decode()} is half of a surrogate pair, and stands alone: it stands for no character"
            raise ProblemError(400, f"the body is not JSON: {rule}") from None
        raise ProblemError(400, f"the body is not JSON: {error}") from None


_BATCH = msgspec.json.Decoder(DetectBatchBody)

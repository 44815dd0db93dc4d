"""Prints digests of what the JSON and logfmt parsers make of hostile lines, for `test_kernel_modes.py` to compare."""

import hashlib
import json
import random
import sys
from pathlib import Path

import numpy as np

from vedette.parsers.format import Format
from vedette.parsers.json_formats import json_formats
from vedette.parsers.json_map import json_format_from_map
from vedette.parsers.logfmt import logfmt_formats
from vedette.schema.chunk import Chunk, Parsed
from vedette.schema.requests import Coded

PIECES = [
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\u",
    b"\\ud83d",
    b"\\x2",
    b"\xef\xbb\xbf",
    b"\x00",
]
PIECES += [
    b"\n",
    b"\r\n",
    b"-",
    b"1e999",
    b"null",
    b"GET ",
    b" HTTP/1.1",
    b"2024-02-30T",
    b"\xff",
    b"?",
    b" ",
    b"=",
    b'path="',
]


def everything(parsed: Parsed) -> bytes:
    """All that a batch says, as bytes."""
    hold = hashlib.sha256()
    requests = parsed.requests
    for name in (
        "line",
        "time",
        "status",
        "bytes_in",
        "bytes_out",
        "duration",
        "flags",
        "raw_start",
        "raw_length",
    ):
        hold.update(getattr(requests, name).tobytes())
    for name in ("peer", "forwarded", "method", "target", "protocol", "user_agent", "referer", "service"):
        column: Coded = getattr(requests, name)
        hold.update(column.ids.tobytes() + b"\n".join(column.vocabulary))
    hold.update(repr((parsed.skips.counts, parsed.skips.samples, parsed.lines)).encode())
    return hold.digest()


def mutated(text: bytes, choose: random.Random) -> bytes:
    """The text with a few bytes changed, pieces put in, and parts cut or doubled."""
    changed = bytearray(text)
    for _ in range(choose.randrange(1, 30)):
        at = choose.randrange(len(changed) + 1)
        kind = choose.randrange(4)
        if kind == 0:
            changed[at:at] = choose.choice(PIECES)
        elif kind == 1:
            changed[at : at + 1] = bytes([choose.randrange(256)])
        elif kind == 2:
            del changed[at : at + choose.randrange(40)]
        else:
            changed[at:at] = changed[at : at + choose.randrange(200)]
    return bytes(changed[: choose.randrange(len(changed) + 1)] if choose.random() < 0.3 else changed)


def main(golden: Path, rounds: int) -> None:
    """Parse mutations of the golden logs with every format; print one digest for each log."""
    mapped = json_format_from_map(
        {"time": "ts", "request": "request", "query": "args", "duration_go": "duration", "status": "status"}
    )
    json_alone = (*json_formats(), mapped)
    digests = {}
    for log in sorted([*golden.glob("*json*.log"), golden / "heroku.log", golden / "logfmt.log"]):
        formats: tuple[Format, ...] = json_alone if "json" in log.name else logfmt_formats()
        text, choose, hold = log.read_bytes(), random.Random(log.name), hashlib.sha256()
        for _ in range(rounds):
            chunk = Chunk.of(mutated(text, choose))
            # A canary behind the promised capacity shows a write that leaves the buffer.
            room = np.concatenate([chunk.buffer, np.full(64, 0xA5, dtype=np.uint8)])
            chunk.buffer = room[: len(chunk.buffer)]
            for known in formats:
                hold.update(everything(known.open("x").parse(chunk)))
            assert bytes(room[-64:]) == b"\xa5" * 64
        digests[log.name] = hold.hexdigest()
    sys.stdout.write(json.dumps(digests))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

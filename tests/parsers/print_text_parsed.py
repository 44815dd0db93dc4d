"""Prints digests of what text formats make of spoilt golden logs, for `test_kernel_modes.py` to compare."""

import hashlib
import json
import random
import sys
from pathlib import Path

from tests.parsers.lines import chunk, parse_all

from vedette.parsers.text_formats import text_formats
from vedette.parsers.w3c import w3c_formats
from vedette.parsers.wrappers import UnwrappingParser, wrappers

GOLDEN = Path(__file__).parents[1] / "golden" / "formats"
PIECES = (
    b'"',
    b"\\",
    b'\\"',
    b"\\x4",
    b"\\u00e",
    b"[",
    b"] ",
    b" ",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"-",
    b"%2",
    b"#F",
)


def spoilt(text: bytes, choose: random.Random) -> bytes:
    """The text with bytes changed, cut out and put in."""
    changed = bytearray(text)
    for _ in range(choose.randrange(1, 40)):
        at = choose.randrange(len(changed) + 1)
        kind = choose.randrange(3)
        if kind == 0:
            changed[at:at] = choose.choice(PIECES)
        elif kind == 1:
            changed[at : at + 1] = bytes([choose.randrange(256)])
        else:
            del changed[at : at + choose.randrange(1, 50)]
    return bytes(changed)


def digests(rounds: int) -> dict[str, str]:
    """A digest for each golden log."""
    choose = random.Random(7)
    known = (*text_formats(), *w3c_formats())
    found: dict[str, str] = {}
    for log in sorted(GOLDEN.glob("*.log")):
        if "-json" in log.stem:
            continue
        text = log.read_bytes()
        digest = hashlib.sha256()
        for _ in range(rounds):
            lines = spoilt(text, choose)
            for form in choose.sample(known, 4):
                digest.update(repr(parse_all(form.open("x"), [lines])).encode())
            for wrapper in wrappers():
                parser = UnwrappingParser(wrapper, known[-1].open("x"))
                digest.update(repr(parse_all(parser, [lines])).encode())
            form = next((f for f in known if f.name == log.stem), known[0])
            digest.update(repr((form.score(chunk(lines)), parse_all(form.open("x"), [lines]))).encode())
        found[log.stem] = digest.hexdigest()
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(digests(int(sys.argv[1]))))

"""How much of what is found in a plain query is found elsewhere, wrapped, or written in another way.

    python bench/quality/moved.py [--each N] [--half tuning|held-out] [--show MANNER]

Attacks of the permitted sets, N of a class at most, each put where attackers also put it: into the path, a
parameter's name, a string of JSON, a referer's query, a user agent, behind a browser's name in one, a field among
others; and written as they also write it: escaped twice, in `%uXXXX`, as HTML entities, as JSON's escapes, in
full-width marks, in Base64. Prints the share found of each manner by class. Nothing is fitted to these, and nothing
here tells whether a site would fall for one.
"""

import argparse
import base64
import json
import random
import sys
from collections import defaultdict
from collections.abc import Callable
from urllib.parse import quote

import numpy as np
import payloads
from samples import PERMITTED, Label, Sample, read

from vedette.detectors.signatures.scan import SignatureScanner

KINDS = frozenset({"sqli", "sql", "xss", "cmdi", "shell", "path-traversal"})
SEED = 11
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"


def _in_query(text: str) -> dict[str, bytes]:
    return {"target": b"/page?q=" + quote(text, safe="").encode()}


def _wide(text: str) -> str:
    """Printable ASCII but letters and digits in full width."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" and not c.isalnum() else c for c in text)


MANNERS: dict[str, Callable[[str], dict[str, bytes]]] = {
    "query": _in_query,
    "path": lambda text: {"target": b"/a/" + quote(text, safe="").encode() + b"/b"},
    "name": lambda text: {"target": b"/page?" + quote(text, safe="").encode() + b"=1"},
    "between fields": lambda text: {
        "target": b"/page?id=7&q=" + quote(text, safe="").encode() + b"&lang=en&sort=price"
    },
    "JSON": lambda text: _in_query(json.dumps({"name": text, "page": 2})),
    "escaped JSON": lambda text: _in_query(
        '{"name":"'
        + "".join(c if c.isalnum() else f"\\u{ord(c):04x}" for c in text if ord(c) < 0x10000)
        + '"}'
    ),
    "referer": lambda text: {
        "target": b"/",
        "referer": b"https://www.example.com/a?q=" + quote(text, safe="").encode(),
    },
    "user agent": lambda text: {"target": b"/", "user_agent": text.encode()},
    "behind a browser": lambda text: {"target": b"/", "user_agent": f"{BROWSER} {text}".encode()},
    "escaped twice": lambda text: {"target": b"/page?q=" + quote(quote(text, safe=""), safe="").encode()},
    "%uXXXX": lambda text: {
        "target": (
            "/page?q="
            + "".join(c if c.isalnum() and c.isascii() else f"%u{ord(c) & 0xFFFF:04x}" for c in text)
        ).encode()
    },
    "HTML entities": lambda text: _in_query("".join(c if c.isalnum() else f"&#{ord(c)};" for c in text)),
    "full width": lambda text: _in_query(_wide(text)),
    "upper case": lambda text: _in_query(text.upper()),
    "Base64": lambda text: _in_query(base64.b64encode(text.encode()).decode()),
}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--each", type=int, default=500, help="attacks of a class at most")
    parser.add_argument("--half", choices=["tuning", "held-out"], default="held-out")
    parser.add_argument("--show", choices=list(MANNERS), help="list what is lost in a manner")
    options = parser.parse_args()
    scanner = SignatureScanner.cached()
    drawn = random.Random(SEED)
    by_class: dict[str, list[Sample]] = defaultdict(list)
    for sample in read(PERMITTED):
        if (
            sample.kind in KINDS
            and sample.label is Label.ATTACK
            and sample.tuning == (options.half == "tuning")
        ):
            by_class[f"{sample.group} {sample.kind}"].append(sample)
    classes = {}
    for name, chosen in sorted(by_class.items()):
        if len(chosen) >= 20:
            drawn.shuffle(chosen)
            classes[name] = [sample.value.decode("utf-8", "replace") for sample in chosen[: options.each]]
    print("| | " + " | ".join(f"{name} ({len(texts)})" for name, texts in classes.items()) + " | mean |")
    print("|---" * (len(classes) + 2) + "|")
    alone = {name: _found(texts, "query", scanner) for name, texts in classes.items()}
    for manner in MANNERS:
        shares = []
        for name, texts in classes.items():
            found = alone[name] if manner == "query" else _found(texts, manner, scanner)
            shares.append(found.mean())
            if manner == options.show:
                for text, one, was in zip(texts, found, alone[name], strict=True):
                    if was and not one:
                        print(f"{name}: {text[:150]!r}", file=sys.stderr)
        print(
            f"| {manner} | " + " | ".join(f"{share:.1%}" for share in shares) + f" | {np.mean(shares):.1%} |"
        )
    return 0


def _found(
    texts: list[str], manner: str, scanner: SignatureScanner
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    put = [Sample("", manner, Label.ATTACK, MANNERS[manner](text), text.encode()) for text in texts]
    return payloads.judge(put, scanner).flagged


if __name__ == "__main__":
    sys.exit(main())

"""How much of what is found alone is found behind what a form's field held before.

    python bench/quality/behind.py [--model FILE] [--each N]

Attacks of the permitted sets' held-out halves, N of a class at most, alone and each behind a value that a person
sent (of CSIC 2010's normal half, which only measures; one without a mark that rules or model find anything in), right
behind it and with a space between. Prints a row for each class. Nothing is fitted to these pairs.
"""

import argparse
import random
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, quote

import payloads
from samples import PERMITTED, Label, Sample, read

from vedette.detectors.signatures.payload_model import PACKAGED, load_model
from vedette.detectors.signatures.scan import SignatureScanner

KINDS = frozenset({"sqli", "sql", "xss", "cmdi", "shell", "path-traversal"})
SEED = 5


def values() -> list[str]:
    """What people sent, each once."""
    found: set[str] = set()
    for sample in read(("csic2010",)):
        if sample.label is Label.BENIGN and b"?" in sample.columns["target"]:
            query = sample.columns["target"].partition(b"?")[2].decode("latin-1")
            found |= {value for _, value in parse_qsl(query, encoding="latin-1") if value}
    return sorted(found)


def placed(sample: Sample, text: str) -> Sample:
    """The sample with this as its value."""
    return replace(sample, columns={"target": b"/page?q=" + quote(text, safe="").encode()})


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="another payload model than the package's")
    parser.add_argument("--each", type=int, default=1500, help="attacks of a class at most")
    options = parser.parse_args()
    model = load_model(options.model.read_bytes()) if options.model else PACKAGED
    scanner = SignatureScanner.cached(model=model)
    drawn = random.Random(SEED)
    by_class: dict[str, list[Sample]] = defaultdict(list)
    for sample in read(PERMITTED):
        if sample.kind in KINDS and sample.label is Label.ATTACK and not sample.tuning:
            by_class[f"{sample.group} {sample.kind}"].append(sample)
    before = values()
    print(
        "| class | attacks | alone | right behind a value | behind a value and a space |\n|---|---|---|---|---|"
    )
    for name, chosen in sorted(by_class.items()):
        if len(chosen) < 20:
            continue
        drawn.shuffle(chosen)
        chosen = chosen[: options.each]
        leads = [drawn.choice(before) for _ in chosen]
        texts = [sample.value.decode("utf-8", "replace") for sample in chosen]
        shares = []
        for glue in (None, "", " "):
            put = [
                placed(sample, text if glue is None else f"{lead}{glue}{text}")
                for sample, text, lead in zip(chosen, texts, leads, strict=True)
            ]
            shares.append(payloads.judge(put, scanner).flagged.mean())
        print(f"| {name} | {len(chosen):,} | " + " | ".join(f"{share:.1%}" for share in shares) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

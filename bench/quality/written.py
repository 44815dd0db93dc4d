"""Attacks and look-alikes written blind: how much of what nobody had tuned for is found, and what is accused.

    python bench/quality/written.py [BATCH …] [--show] [--halves]

`written/BATCH/{attacks,benign}/FAMILY.txt` hold one request a line, behind a letter for where it stands: `v` a value
of a query parameter, encoded as a browser would; `t` a target, `a` a user agent and `r` a referer, as they are logged;
`l` a request line, ` - -` behind one that is not HTTP.
The first batch was written before its author read the rules, the second after what the first showed had been mended,
the others by other authors who had read no rule.
Each was then frozen and run once (`written/first_run.json`); what that showed was mended afterwards, so that only a
batch's first figures tell about attacks to come. From the fifth on only one half, by a coin, was read and mended by
(`untouched` is the other); `--halves` tells how both fare. Ours, under the project's licence.
"""

import argparse
import hashlib
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import msgspec
import payloads
from samples import Label, Sample

from vedette.detectors.signatures.scan import SignatureScanner

HERE = Path(__file__).parent / "written"
FOLDERS = {Label.ATTACK: "attacks", Label.BENIGN: "benign"}
_COLUMN = {"t": "target", "a": "user_agent", "r": "referer"}


@dataclass(frozen=True, slots=True)
class Family:
    """The requests of one file.

    Attributes:
        name: The file's. label: What its requests are. requests: How many there are.
        first: How many were judged attacks when the batch was first run. now: How many are.
    """

    name: str
    label: Label
    requests: int
    first: int
    now: int


def batches() -> list[str]:
    """Names of all batches, in the order in which they were written."""
    return list(_first_run())


def samples(batch: str) -> Iterator[Sample]:
    """Every request of a batch; raises `ValueError` for a line without a place."""
    for label, folder in FOLDERS.items():
        for path in sorted((HERE / batch / folder).glob("*.txt")):
            for line in path.read_text("utf-8").splitlines():
                place, _, value = line.partition(" ")
                if place == "v":
                    columns = {"target": b"/page?q=" + quote(value, safe="").encode()}
                elif place == "l":
                    columns = _of_line(value)
                elif place in _COLUMN:
                    columns = {"target": b"/"} | {_COLUMN[place]: value.encode()}
                else:
                    raise ValueError(f"{path}: {line!r}: a line begins with v, t, a, r or l and a space")
                yield Sample(batch, path.stem, label, columns, line.encode())


def _of_line(line: str) -> dict[str, bytes]:
    """The columns that the parser makes of a request line."""
    method, target, protocol = line.rsplit(" ", 2)
    if protocol == "-":
        return {"target": method.encode(), payloads.NOT_HTTP: b""}
    return {"method": method.encode(), "target": target.encode(), "protocol": protocol.encode()}


def families(batch: str, verdicts: payloads.Verdicts) -> list[Family]:
    """What was judged an attack, by family; attacks first."""
    flags: dict[tuple[Label, str], list[bool]] = defaultdict(list)
    for sample, flagged in zip(verdicts.samples, verdicts.flagged.tolist(), strict=True):
        flags[sample.label, sample.kind].append(flagged)
    first = _first_run()[batch]
    return [Family(kind, label, len(of), first[label][kind], sum(of)) for (label, kind), of in flags.items()]


def _first_run() -> dict[str, dict[str, dict[str, int]]]:
    content = (HERE / "first_run.json").read_bytes()
    return msgspec.json.decode(content, type=dict[str, dict[str, dict[str, int]]])


def _first_run_halves() -> dict[str, dict[str, tuple[int, int]]]:
    content = (HERE / "first_run_halves.json").read_bytes()
    return msgspec.json.decode(content, type=dict[str, dict[str, tuple[int, int]]])


def table(batch: str, found: list[Family]) -> str:
    """A row for each family and for all of a label."""
    lines = [f"| {batch} batch | label | requests | first run | now |", "|---|---|---|---|---|"]
    lines += [_row(one.name.replace("_", " "), one.label, [one]) for one in found]
    lines += [_row("**all**", label, [one for one in found if one.label is label]) for label in FOLDERS]
    return "\n".join(lines) + "\n"


def _row(name: str, label: Label, of: list[Family]) -> str:
    requests = sum(one.requests for one in of)
    first, now = (sum(getattr(one, when) for one in of) / requests for when in ("first", "now"))
    return f"| {name} | {label} | {requests:,} | {first:.1%} | {now:.1%} |"


def untouched(sample: Sample) -> bool:
    """Whether a request is of the half that nothing was mended by."""
    return hashlib.sha256(sample.value).digest()[0] & 1 == 1


def was_read(batch: str, sample: Sample) -> bool:
    """Whether a request of a batch was read after its first run, so that rules and model may rest on it."""
    return batch not in _first_run_halves() or not untouched(sample)


def halves(batch: str, verdicts: payloads.Verdicts) -> str:
    """A row for each half and label of a batch of which one half was mended by."""
    first = _first_run_halves()[batch]
    lines = [f"| {batch} batch, by halves | label | requests | first run | now |", "|---|---|---|---|---|"]
    for side, name in enumerate(("mended by", "untouched")):
        for label in FOLDERS:
            of = [
                flagged
                for sample, flagged in zip(verdicts.samples, verdicts.flagged.tolist(), strict=True)
                if sample.label is label and untouched(sample) == bool(side)
            ]
            lines.append(_row(name, label, [Family(name, label, len(of), first[label][side], sum(of))]))
    return "\n".join(lines) + "\n"


def main() -> int:
    """Judge batches and print a table of each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("batches", nargs="*", metavar="BATCH", default=batches())
    parser.add_argument("--show", action="store_true", help="list what goes wrong")
    parser.add_argument(
        "--halves",
        action="store_true",
        help="tell how both halves of the batches fare of which one was mended by",
    )
    options = parser.parse_args()
    scanner = SignatureScanner.cached()
    if options.halves:
        for batch in _first_run_halves():
            print(halves(batch, payloads.judge(samples(batch), scanner)))
        return 0
    for batch in options.batches:
        verdicts = payloads.judge(samples(batch), scanner)
        if options.show:
            show(verdicts)
        print(table(batch, families(batch, verdicts)))
    return 0


def show(verdicts: payloads.Verdicts) -> None:
    """Print attacks not found and benign requests accused, with what they hit."""
    for sample, flagged, confidence, rules in zip(
        verdicts.samples, verdicts.flagged.tolist(), verdicts.confidence, verdicts.rules, strict=True
    ):
        if flagged != (sample.label is Label.ATTACK):
            text = sample.value.decode()[:200]
            print(f"{sample.kind:12.12} {confidence:.2f} {text}   <{' '.join(rules)}>")


if __name__ == "__main__":
    sys.exit(main())

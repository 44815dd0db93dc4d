"""What is accused of the requests that real applications make: none of them means harm.

    python bench/quality/applications.py [--show] [--crs]

`applications/NAME.txt` hold targets, one a line, as nginx logged them while we walked installations of our own:
Adminer, cgit, datasette, Django's admin, DokuWiki, gitweb, MediaWiki, Netdata, phpMyAdmin, Prometheus, Redmine,
Request Tracker, Shaarli, Trac, Wagtail and WordPress, and (`services`) Jupyter, WebDAV, CalDAV and a package index.
A walk follows links and fills forms with what people write (O'Brien, C++, "2 < 3", "order by date"); it is neither
an attack nor a test of one. Of each application it is a sample by hash. Our own, under the project's licence; the
host's address was made www.example.org.

The payload model learns from the applications of `LEARNED`; the others only measure. `--crs` sends the same to nginx
with ModSecurity and the Core Rule Set; see `crs.py`.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import crs
import payloads
from samples import Label, Sample

from vedette.detectors.signatures.scan import SignatureScanner

HERE = Path(__file__).parent / "applications"
LEARNED = frozenset(
    {"datasette", "django", "dokuwiki", "gitweb", "mediawiki", "redmine", "trac", "wordpress"}
)
"""Applications that the payload model learns from."""


def samples() -> Iterator[Sample]:
    """Every target of every application."""
    for path in sorted(HERE.glob("*.txt")):
        for line in path.read_text("utf-8").splitlines():
            yield Sample("applications", path.stem, Label.BENIGN, {"target": line.encode()}, line.encode())


def table(verdicts: payloads.Verdicts, blocked: dict[bytes, bool] | None = None) -> str:
    """A row for each application, one for all that are learned from and one for the others.

    Args:
        verdicts: Of signatures. blocked: What the Core Rule Set did with each target that nginx let through.
    """
    of: dict[str, list[tuple[bool, bool, bool | None]]] = defaultdict(list)
    for sample, flagged, rules in zip(
        verdicts.samples, verdicts.flagged.tolist(), verdicts.rules, strict=True
    ):
        theirs = None if blocked is None else blocked.get(sample.value)
        of[sample.kind].append((flagged, bool(rules), theirs))
    lines = ["| application | | requests | accused | any hit |", "|---|---|---|---|---|"]
    if blocked is not None:
        lines = [lines[0] + " CRS blocks |", lines[1] + "---|"]
    for name, rows in of.items():
        lines.append(_row(name, "learned" if name in LEARNED else "held out", rows))
    for role, names in (("learned", LEARNED), ("held out", of.keys() - LEARNED)):
        lines.append(_row("**all**", role, [row for name in names for row in of[name]]))
    return "\n".join(lines) + "\n"


def _row(name: str, role: str, rows: Sequence[tuple[bool, bool, bool | None]]) -> str:
    accused, hit = (sum(bool(row[side]) for row in rows) for side in (0, 1))
    row = f"| {name} | {role} | {len(rows):,} | {accused / len(rows):.1%} | {hit / len(rows):.1%} |"
    judged = [theirs for *_, theirs in rows if theirs is not None]
    return f"{row} {sum(judged) / len(judged):.1%} |" if judged else row


def main() -> int:
    """Judge all targets and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--show", action="store_true", help="list what is accused")
    parser.add_argument(
        "--crs", action="store_true", help="send them to ModSecurity with the Core Rule Set, too"
    )
    options = parser.parse_args()
    verdicts = payloads.judge(samples(), SignatureScanner.cached())
    if options.show:
        for sample, flagged, confidence, rules in zip(
            verdicts.samples, verdicts.flagged.tolist(), verdicts.confidence, verdicts.rules, strict=True
        ):
            if flagged:
                text = sample.value.decode()[:120]
                print(f"{sample.kind:12.12} {confidence:.2f} {text}   <{' '.join(rules)}>")
    blocked = None
    if options.crs:
        if (why := crs.missing()) is not None:
            print(f"{why}: the Core Rule Set is left out.\n")
        else:
            judged = crs.judge(verdicts.samples)
            blocked = {s.value: b for s, b in zip(judged.samples, judged.blocked, strict=True)}
            print(f"nginx itself refused {judged.refused}; they are left out of the last column.\n")
    print(table(verdicts, blocked))
    return 0


if __name__ == "__main__":
    sys.exit(main())

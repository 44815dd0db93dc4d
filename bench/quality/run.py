"""Detection quality on public sets: one command, one report.

    python bench/quality/run.py [--sets SET …] [--show SET/CLASS] [--crs N]

Prints markdown: what is aimed at, what is reached, and what others published; see the modules beside this file
for how each figure is made. `--show` lists what of a class went wrong. `--crs` also sends the requests to nginx
with ModSecurity and the Core Rule Set, where they are installed.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import crs
import nab
import nezha
import payloads
import samples
import wsd
from samples import Label

import measure
from vedette.detectors.signatures.payload_model import load_model
from vedette.detectors.signatures.scan import SignatureScanner


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", choices=sorted(samples.READERS), help="only these sets")
    parser.add_argument(
        "--crs",
        type=int,
        metavar="N",
        help="N requests of each class to ModSecurity with the Core Rule Set too",
    )
    parser.add_argument(
        "--model", metavar="FILE", help="another payload model than the package's; `none` for rules alone"
    )
    parser.add_argument("--show", action="append", default=[], metavar="SET/CLASS", help="list its errors")
    options = parser.parse_args()
    if not samples.DATA.is_dir():
        print(f"{samples.DATA}: not there; the sets have to be fetched first", file=sys.stderr)
        return 2
    print(measure.machine())
    names = tuple(options.sets or samples.READERS)
    verdicts = payloads.judge(samples.read(names), scanner(options.model))
    for wanted in options.show:
        payloads.show(verdicts, wanted)
    print("### Requests judged by themselves\n")
    print(payloads.summary(verdicts))
    print(payloads.table(verdicts))
    if options.crs:
        beside(verdicts, options.crs)
    if not options.sets:
        series()
    return 0


def series() -> None:
    """Plain series, scored by `vedette metric`; a set that is missing is said to be."""
    for title, module in (("NAB", nab), ("WSD", wsd), ("Nezha", nezha)):
        print(f"### Plain series: {title}\n")
        module.main([])
        print()


def scanner(model: str | None) -> SignatureScanner:
    """The package's rules, with its model, another one, or none."""
    if model is None:
        return SignatureScanner.cached()
    return SignatureScanner.cached(model=None if model == "none" else load_model(Path(model).read_bytes()))


def beside(verdicts: payloads.Verdicts, most: int) -> None:
    """The same requests, a sample of each class, through ModSecurity with the Core Rule Set."""
    print("### Beside ModSecurity with the OWASP Core Rule Set\n")
    if (why := crs.missing()) is not None:
        print(f"Left out: {why}.\n")
        return
    chosen = crs.sampled(verdicts.samples, most)
    judged = crs.judge(chosen)
    ours = {id(sample): flagged for sample, flagged in zip(verdicts.samples, verdicts.flagged, strict=True)}
    rows: dict[tuple[str, str, str], list[tuple[bool, bool]]] = defaultdict(list)
    for sample, blocked in zip(judged.samples, judged.blocked, strict=True):
        rows[sample.group, sample.kind, sample.label].append((blocked, bool(ours[id(sample)])))
    print(
        f"At most {most} requests of each class. nginx itself refused {judged.refused}; they are left out.\n"
    )
    print(
        "| set | class | label | requests | CRS blocks | Vedette calls an attack |\n|---|---|---|---|---|---|"
    )
    means: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for (group, kind, label), pairs in rows.items():
        theirs, our = (sum(pair[side] for pair in pairs) / len(pairs) for side in (0, 1))
        print(f"| {group} | {kind} | {label} | {len(pairs)} | {theirs:.1%} | {our:.1%} |")
        if label != Label.ATTACK or group in payloads.JUDGED_BY:
            means[label].append((theirs, our))
    for label, pairs in means.items():
        theirs, our = (sum(pair[side] for pair in pairs) / len(pairs) for side in (0, 1))
        print(f"| **mean over classes** | | {label} | | {theirs:.1%} | {our:.1%} |")
    rate = (len(judged.samples) + judged.refused) / judged.cpu
    print(
        f"\nRequests per CPU second: nginx with the rules {rate:,.0f}, inline and one by one; Vedette's signatures "
        f"{len(verdicts.samples) / verdicts.seconds:,.0f}, from the parsed log.\n"
    )


if __name__ == "__main__":
    sys.exit(main())

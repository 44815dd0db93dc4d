"""Detection quality on public sets: one command, one report.

    python bench/quality/run.py [--only PART …] [--sets SET …] [--show SET/CLASS] [--crs]

Prints markdown: what is aimed at, what is reached, and what others published; see the modules beside this file
for how each figure is made. `--show` lists what of a class went wrong. `--crs` also sends the requests to nginx
with ModSecurity and the Core Rule Set, where they are installed.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import payloads
import samples

import measure
from vedette.detectors.signatures.scan import SignatureScanner


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", choices=sorted(samples.READERS), help="only these sets")
    parser.add_argument("--show", action="append", default=[], metavar="SET/CLASS", help="list its errors")
    options = parser.parse_args()
    if not samples.DATA.is_dir():
        print(f"{samples.DATA}: not there; the sets have to be fetched first", file=sys.stderr)
        return 2
    print(measure.machine())
    names = tuple(options.sets or samples.READERS)
    verdicts = payloads.judge(samples.read(names), SignatureScanner.cached())
    for wanted in options.show:
        payloads.show(verdicts, wanted)
    print("### Requests judged by themselves\n")
    print(payloads.summary(verdicts))
    print(payloads.table(verdicts))
    return 0


if __name__ == "__main__":
    sys.exit(main())

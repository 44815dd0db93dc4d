"""How many lines per second `vedette simulate` writes, format by format.

python bench/simulate.py [--runs 3] [--lines 400000]
"""

import argparse
import subprocess

import measure
from measure import Contender

FORMATS = (
    *("combined", "nginx-timed", "vhost_combined", "envoy", "haproxy", "aws-alb", "cloudfront", "iis"),
    *("envoy-json", "istio-json", "traefik-json", "caddy-json", "nginx-json"),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--lines", type=int, default=400_000)
    arguments = parser.parse_args()
    print(measure.machine())
    minutes = 60
    common = ("simulate", "--minutes", str(minutes), "--rate", f"{arguments.lines / minutes / 60:.3f}")
    written = subprocess.run(measure.vedette(*common), stdout=subprocess.PIPE, check=True).stdout.count(b"\n")
    contenders = [
        Contender(name, measure.vedette(*common, "--format", name, "--output", "/dev/null"))
        for name in FORMATS
    ]
    measure.interleave(contenders, arguments.runs)
    print(measure.table("vedette simulate, process start included", contenders, written))


if __name__ == "__main__":
    main()

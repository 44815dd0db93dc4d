"""How long until something is on the screen: `vedette --help`, the sample, a larger log; and compiling beforehand.

    python bench/startup.py [--runs 5] [--prepares 5]

The first time is a first time: fresh directories for compiled kernels and compiled rules; Python's own bytecode
is there, as `pip install` leaves it, or is not, as in a fresh clone whose dependencies were copied without it.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import measure
from measure import Contender
from vedette.data import sample_path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--prepares", type=int, help="runs of `vedette prepare`, which take longest; else as many"
    )
    arguments = parser.parse_args()
    runs = arguments.runs
    prepares = runs if arguments.prepares is None else arguments.prepares
    print(measure.machine())
    with tempfile.TemporaryDirectory(prefix="vedette-cold-") as fresh:
        scan = measure.vedette("scan", str(sample_path()))

        log = Path(fresh) / "access.log"
        with log.open("wb") as file:
            made = measure.vedette("simulate", "--minutes", "60", "--rate", "6")
            subprocess.run(made, stdout=file, stderr=subprocess.DEVNULL, check=True)
        compiled = measure.vedette("scan", str(log))

        def cold() -> dict[str, str]:
            caches = tempfile.mkdtemp(dir=fresh)
            return {"NUMBA_CACHE_DIR": f"{caches}/numba", "XDG_CACHE_HOME": f"{caches}/cache"}

        def colder() -> dict[str, str]:
            return {**cold(), "PYTHONPYCACHEPREFIX": tempfile.mkdtemp(dir=fresh)}

        contenders = [
            Contender("vedette --help", measure.vedette("--help")),
            Contender("sample, first time", scan, good=(0, 1), environment=cold),
            Contender("sample, first time, no bytecode", scan, good=(0, 1), environment=colder),
            Contender("sample, afterwards", scan, good=(0, 1)),
            Contender("a log of 5 MB, first time", compiled, good=(0, 1), environment=cold),
            Contender("a log of 5 MB, afterwards", compiled, good=(0, 1)),
            Contender(
                "vedette prepare", measure.vedette("prepare", "-q"), environment=cold, most_runs=prepares
            ),
        ]
        for warm in (scan, compiled):
            measure.run(warm, good=(0, 1))
        measure.interleave(contenders, runs)
    print("| | wall, s | CPU, s | peak memory, MB |\n|---|---|---|---|")
    for c in contenders:
        if c.costs:
            peak = measure.median(c.costs, lambda cost: cost.peak) / 1e6
            wall, cpu = measure.spread(c.costs, lambda k: k.wall), measure.spread(c.costs, lambda k: k.cpu)
            print(f"| {c.name} | {wall} | {cpu} | {peak:.0f} |")
        elif c.failure is not None:
            print(f"| {c.name} | failed: {c.failure} | | |")


if __name__ == "__main__":
    main()

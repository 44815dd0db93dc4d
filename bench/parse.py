"""How fast a log is parsed into columns: one process, pinned to one core, kernels warm.

    python bench/parse.py [--quick] [--runs 7]

Only parsing is timed; the same process reads the file chunk by chunk in between, untimed. A scan also holds the lines
that do not fit against other formats: that is the row named so. Python's `re` and `wc -l` stand beside it, as
processes on the same core.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

import corpora
import measure
from measure import Contender
from vedette.parsers.mixed import MixedParser
from vedette.parsers.registry import by_name, formats
from vedette.sources import discover, read_chunks
from vedette.sources.pool import BufferPool


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="logs of a twentieth of the size")
    parser.add_argument("--runs", type=int, default=7, help="passes over each log")
    arguments = parser.parse_args()
    scale = 0.05 if arguments.quick else 1.0
    logs = {"combined": corpora.combined(scale), "envoy-json": corpora.envoy_json(scale)}
    paths = {name: log.path() for name, log in logs.items()}
    print(measure.machine())
    pin()
    print("| parser, one core | lines | lines/s: median (least-most) | lines/s of CPU time | parsed |")
    print("|---|---|---|---|---|")
    for name, log, mixed in (
        ("combined", "combined", False),
        ("combined, its 0.3 % spoilt lines held against other formats", "combined", True),
        ("envoy-json", "envoy-json", False),
    ):
        parse(log, paths[log], mixed=mixed)  # compiles the kernels, warms the file cache
        passes = [parse(log, paths[log], mixed=mixed) for _ in range(arguments.runs)]
        wall = sorted(p.lines / p.wall for p in passes)
        cpu = statistics.median(p.lines / p.cpu for p in passes)
        share = passes[0].parsed / passes[0].lines
        print(
            f"| {name} | {passes[0].lines:,} "
            f"| {statistics.median(wall):,.0f} ({wall[0]:,.0f}-{wall[-1]:,.0f}) | {cpu:,.0f} | {share:.2%} |",
            flush=True,
        )
    print()
    path, lines = paths["combined"], logs["combined"].lines()
    others = [
        Contender("wc -l", ["wc", "-l", str(path)]),
        Contender("Python re", [sys.executable, str(Path(__file__).with_name("python_re.py")), str(path)]),
    ]
    measure.interleave(others, min(arguments.runs, 3))
    print("| beside it, same core and log | wall, s | lines/s |\n|---|---|---|")
    for c in others:
        wall = measure.median(c.costs, lambda cost: cost.wall)
        print(f"| {c.name} | {measure.spread(c.costs, lambda cost: cost.wall)} | {lines / wall:,.0f} |")


class Pass:
    """One pass over a log: what was parsed, and the seconds that parsing took."""

    def __init__(self) -> None:
        self.lines = 0
        self.parsed = 0
        self.wall = 0.0
        self.cpu = 0.0


def parse(name: str, path: Path, *, mixed: bool) -> Pass:
    """Parse a log once, as one format, or as a scan does."""
    source, known = str(path), by_name(name)
    parser = MixedParser(source, known, formats()) if mixed else known.open(source)
    done, pool = Pass(), BufferPool()
    with read_chunks(discover([str(path)]).inputs[0], pool=pool) as reader:
        for chunk in reader:
            wall, cpu = time.perf_counter(), time.process_time()
            parsed = parser.parse(chunk)
            done.wall += time.perf_counter() - wall
            done.cpu += time.process_time() - cpu
            done.lines += parsed.lines
            done.parsed += len(parsed.requests)
            pool.release(chunk.buffer)
    return done


def pin() -> None:
    """Stay on one core, where the system lets a process choose."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


if __name__ == "__main__":
    main()

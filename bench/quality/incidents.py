"""Simulated incidents: how many of each kind `vedette scan` finds, how soon, and what else it says.

Each kind is put into ordinary traffic of its own several times, with another seed and moment each time. The
figures are those of `vedette evaluate`: an incident is found when one is reported of its type while it lasts, noticed
when one of any type is. A `deploy` is no incident: it should not be reported.

Usage: python bench/quality/incidents.py [--seeds 3] [--rate 8] [--format nginx-timed] [--only NAME …]
"""

import argparse
import json
import random
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from commands import run

from vedette.simulate import INCIDENTS

MINUTES = 150
WINDOW_S = 60


@dataclass
class Tally:
    """What came of one kind of incident."""

    put_in: int = 0
    found: int = 0
    noticed: int = 0
    delays: list[float] = field(default_factory=list)
    others: int = 0
    """Incidents reported about nothing that was put in."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3, help="times each kind is put in")
    parser.add_argument("--rate", type=float, default=8.0, help="requests a second")
    parser.add_argument("--format", default="nginx-timed")
    parser.add_argument("--only", action="append", choices=sorted(INCIDENTS))
    arguments = parser.parse_args()
    print(
        "| incident | put in | found | noticed | median delay, windows | other incidents |\n|---|---|---|---|---|---|"
    )
    every = Tally()
    for name in arguments.only or INCIDENTS:
        tally = Tally()
        for seed in range(1, arguments.seeds + 1):
            evaluate(name, seed, arguments.rate, arguments.format, tally)
        print(row(name, tally), flush=True)
        for total in ("put_in", "found", "noticed", "delays", "others"):
            setattr(every, total, getattr(every, total) + getattr(tally, total))
    print(row("all", every))


def evaluate(name: str, seed: int, rate: float, kind: str, tally: Tally) -> None:
    """Put one incident into traffic of its own and add up what is found."""
    choice = random.Random(f"{name} {seed}")
    when = f"{name}@+{choice.randint(75, 115)}m"
    with tempfile.TemporaryDirectory() as folder:
        log, labels = Path(folder, "traffic.log"), Path(folder, "labels.jsonl")
        traffic = ["--minutes", str(MINUTES), "--rate", str(rate), "--seed", str(seed), "--format", kind]
        run(["simulate", *traffic, "--inject", when, "--labels", str(labels), "--output", str(log)])
        if not labels.read_bytes().strip():
            raise SystemExit(f"{when}, seed {seed}: simulate labelled nothing")
        result = json.loads(
            run(["evaluate", str(log), "--labels", str(labels), "--json", "-", "--no-progress"])
        )
    for span in result["spans"]:
        tally.put_in += span["spans"]
        tally.found += span["found"]
        tally.noticed += span["noticed"]
        if span["median_delay_s"] is not None:
            tally.delays.append(span["median_delay_s"] / WINDOW_S)
    tally.others += result["false_alarms"]["incidents"]


def row(name: str, tally: Tally) -> str:
    """A line of the table."""
    delay = f"{statistics.median(tally.delays):g}" if tally.delays else ""
    return f"| {name} | {tally.put_in} | {tally.found} | {tally.noticed} | {delay} | {tally.others} |"


if __name__ == "__main__":
    main()

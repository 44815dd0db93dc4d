"""False alarms in quiet weeks: simulated traffic without an incident in it, a service and a seed each.

Prints, for each week's log, the incidents that `vedette scan` reports (there should be none), and at the end how
many that makes per service and week. The traffic has the rhythm of a day and of a week, sessions, crawlers and
deploys, and its share of robots that look for holes in every site is nought here.

Usage: python bench/quality/quiet.py [--weeks 50] [--first 1] [--rate 1] [--formats nginx-timed combined]
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from commands import run

WEEK_MINUTES = 7 * 24 * 60


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weeks", type=int, default=50, help="one seed each")
    parser.add_argument("--first", type=int, default=1, help="seed of the first week")
    parser.add_argument("--rate", type=float, default=1.0, help="requests a second")
    parser.add_argument("--formats", nargs="+", default=["nginx-timed", "combined"], help="taken in turn")
    arguments = parser.parse_args()
    alarms: Counter[str] = Counter()
    quiet = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.first, arguments.first + arguments.weeks):
            kind = arguments.formats[seed % len(arguments.formats)]
            incidents = week(Path(folder), seed, arguments.rate, kind)
            quiet += not incidents
            for incident in incidents:
                alarms[f"{incident['severity']} {' and '.join(incident['types'])}"] += 1
                print(
                    f"seed {seed}, {kind}: {incident['severity']}: {incident['title']}, {incident['start']}"
                )
            sys.stdout.flush()
    total = alarms.total()
    print(
        f"\n{arguments.weeks} weeks at {arguments.rate:g} requests/s: {quiet} without an incident; "
        f"{total} incidents, {total / arguments.weeks:.2f} per service and week"
    )
    for name, number in alarms.most_common():
        print(f"  {number:3} {name}")


def week(folder: Path, seed: int, rate: float, kind: str) -> list[dict[str, object]]:
    """The incidents that a scan finds in one quiet week."""
    log, found = folder / "quiet.log", folder / "found.json"
    traffic = ["--minutes", str(WEEK_MINUTES), "--rate", str(rate), "--seed", str(seed)]
    run(["simulate", *traffic, "--format", kind, "--output", str(log)], (0,))
    run(["scan", str(log), "-q", "--json", str(found)], (0, 1))
    incidents: list[dict[str, object]] = json.loads(found.read_bytes())["incidents"]
    return incidents


if __name__ == "__main__":
    main()

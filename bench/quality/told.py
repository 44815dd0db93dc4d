"""What a scan told of troubles that were put into a log: of each when, how often and in which words, and what else.

A trouble is told when there is an incident with an anomaly of one of its types (and of one of its services, where it
names any) that ends while it lasts, or five minutes after; how late is the end of the first of them. All incidents that
begin in that time count as told of it: one is best. What is `quiet` should not be told at all, or as no more than one
of its types; an incident that tells of another trouble that lasts is no false alarm of it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

GRACE = 5 * 60


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong: from which minute on, for how many, and the types by which it would be told."""

    name: str
    begin: int
    minutes: int
    types: tuple[str, ...]
    services: tuple[str, ...] = ()
    """Of which services, by the beginnings of their names; of any when there is none."""
    quiet: bool = False
    """Nothing is wrong with the service: what is told but as one of the `types` is a false alarm."""

    @property
    def span(self) -> tuple[float, float]:
        """Seconds since the log's begin."""
        return self.begin * 60.0, (self.begin + self.minutes) * 60.0

    def is_told_by(self, anomaly: dict[str, Any]) -> bool:
        """Whether it is of the right type and service."""
        service = anomaly["service"] or ""
        return anomaly["type"] in self.types and (not self.services or service.startswith(self.services))


def scanned(log: Path, folder: Path) -> dict[str, Any]:
    """What a scan with the defaults finds."""
    found = folder / "found.json"
    command = [sys.executable, "-m", "vedette", "scan", str(log), "--quiet", "--json", str(found)]
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    if done.returncode not in (0, 1):
        raise SystemExit(f"the scan ended with {done.returncode}")
    document: dict[str, Any] = json.loads(found.read_text())
    return document


def report(document: dict[str, Any], troubles: Sequence[Trouble], since: int, titles: bool = False) -> None:
    """Print what was told of each trouble, and what else was.

    Args:
        document: What `scanned` found.
        troubles: What was put in.
        since: The log's begin, seconds since 1970.
        titles: Say what each incident is called.
    """

    def seconds(text: str) -> float:
        return datetime.fromisoformat(text).timestamp() - since

    known: set[str] = set()
    told_of = false_of = 0
    incidents = {incident["id"]: incident for incident in document["incidents"]}
    print("| trouble | begins | minutes | told as | after, minutes | incidents |")
    print("|---|---|---|---|---|---|")
    for trouble in troubles:
        begin, end = trouble.span
        meanwhile = [
            a
            for a in document["anomalies"]
            if begin < seconds(a["end"]) <= end + GRACE
            and seconds(incidents[a["incident_id"]]["start"]) >= begin - GRACE
        ]
        told = [a for a in meanwhile if trouble.is_told_by(a)]
        about = sorted({a["incident_id"] for a in meanwhile}, key=lambda key: incidents[key]["start"])
        known.update(about)
        late = f"{(min(seconds(a['end']) for a in told) - begin) / 60:.0f}" if told else "not told"
        types = ", ".join(sorted({a["type"] for a in told}))
        if trouble.quiet:
            lasting = [
                other
                for other in troubles
                if not other.quiet and other.span[0] < end + GRACE and other.span[1] + GRACE > begin
            ]
            telling = {
                a["incident_id"]
                for a in meanwhile
                if any(
                    other.is_told_by(a) and other.span[0] < seconds(a["end"]) <= other.span[1] + GRACE
                    for other in lasting
                )
            }
            wrong = [a for a in meanwhile if a not in told and a["incident_id"] not in telling]
            late = (
                f"false: {', '.join(sorted({a['type'] for a in wrong}))}"
                if wrong
                else late.replace("not told", "")
            )
            false_of += bool(wrong)
        else:
            told_of += bool(told)
        print(
            f"| {trouble.name} | day {trouble.begin // 1440 + 1}, {trouble.begin // 60 % 24}:{trouble.begin % 60:02d} "
            f"| {trouble.minutes} | {types} | {late} | {len(about)} |"
        )
        for key in about if titles else ():
            incident = incidents[key]
            print(f"    {incident['start'][5:16]} {incident['severity']}: {incident['title']}")
    print()
    besides = [incident for incident in document["incidents"] if incident["id"] not in known]
    for incident in besides:
        print(f"besides: {incident['start']}: {incident['severity']}: {incident['title']}")
    put_in = sum(not trouble.quiet for trouble in troubles)
    print(
        f"{told_of} of {put_in} told; {false_of} of {len(troubles) - put_in} harmless events told as something wrong; "
        f"{len(besides)} other incidents"
    )


def main(
    about: str | None, store: Callable[[Path, int, bool], None], troubles: Sequence[Trouble], since: int
) -> None:
    """The command line of a bench: write a log, scan it, say what was told.

    Args:
        about: What the bench is. store: Writes a log by a seed, with troubles or without. troubles: Those.
        since: When the log begins, Unix seconds.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--titles", action="store_true", help="say what each incident is called")
    parser.add_argument("--output", type=Path, help="only write the log")
    parser.add_argument(
        "--log", type=Path, help="scan a log that was written with `--output` and the same arguments"
    )
    parser.add_argument("--untroubled", action="store_true", help="leave out what goes wrong")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        log = arguments.log or arguments.output or folder / "proxy.log"
        if arguments.log is None:
            store(log, arguments.seed, not arguments.untroubled)
        if arguments.output is None:
            report(scanned(log, folder), () if arguments.untroubled else troubles, since, arguments.titles)

"""What a scan says of three days of an office's network: which of its troubles it tells, how, and what else it tells.

`office_network/` makes the connections: quiet days of eighty people and their servers, on which nothing is wrong but
for their own vulnerability scanner and the strangers of the internet, and twenty-one troubles on the second and third.
The generator knows nothing of the detectors.

Usage: python bench/quality/office.py [--seeds 1,2,3] [--format zeek] [--quiet] [--only NAME,…] [--keep DIR]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from office_network.quiet import BEGIN, DAY, office, quiet_days
from office_network.troubles import Trouble, apply_to_others, troubles
from office_network.writing import WRITERS


def make(
    path: Path,
    seed: int,
    form: str,
    *,
    days: int,
    quiet: bool,
    only: list[str],
    hours: tuple[float, float] | None,
) -> list[Trouble]:
    here = office(seed, days)
    quiet_days(here)
    made = [] if quiet else troubles(here, only)
    columns = here.book.columns()
    apply_to_others(here, columns, made)
    if hours:
        inside = (columns["start"] >= BEGIN + hours[0] * 3600) & (columns["start"] < BEGIN + hours[1] * 3600)
        columns = {name: column[inside] for name, column in columns.items()}
    inside = columns["start"] < BEGIN + days * DAY
    columns = {name: column[inside] for name, column in columns.items()}
    WRITERS[form](path, columns, here.book.names)
    print(
        f"seed {seed}, {form}: {len(columns['start']):,} connections, {np.sum(columns['trouble'] >= 0):,} of troubles"
    )
    return made


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def scan(path: Path, told: Path, *more: str) -> tuple[dict[str, Any], str, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [
        sys.executable,
        "-m",
        "vedette",
        "scan",
        str(path),
        "--json",
        str(told),
        "--top",
        "60",
        "--no-progress",
        *more,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode == 2:
        raise SystemExit(done.stderr)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(told.read_text()), done.stdout, spent


def report(document: dict[str, Any], made: list[Trouble]) -> None:
    """Each trouble with the incidents that tell it: that hold an anomaly of its time about who does it."""
    anomalies = {each["id"]: each for each in document["anomalies"]}
    rest = list(document["incidents"])
    for trouble in made:
        about, right, first = [], False, float("inf")
        for incident in document["incidents"]:
            mine = [
                one for one in map(anomalies.__getitem__, incident["anomaly_ids"]) if is_about(one, trouble)
            ]
            if not mine:
                continue
            about.append(incident)
            named = [one for one in mine if one["type"] in trouble.types]
            right |= bool(named)
            first = min([first, *(at(one["end"]) for one in named)])
        late = f"{(first - trouble.begin) / 60:+.1f} min" if right else ""
        print(
            f"{'TOLD ' if right else 'OTHER' if about else 'NOT  '} {trouble.name:16} {late:>10} {len(about)} incidents"
        )
        for incident in about:
            if incident in rest:
                rest.remove(incident)
            print(f"        {line(incident)}")
    print(f"{len(rest)} other incidents")
    for incident in rest:
        print(f"        {line(incident)}")


def is_about(one: dict[str, Any], trouble: Trouble) -> bool:
    if at(one["end"]) > trouble.end + 900 or at(one["end"]) < trouble.begin:
        return False
    named = {one["entity"]["value"], *(each["value"] for each in one["contributions"])}
    if named & trouble.culprits:
        return True
    return trouble.anyone and at(one["start"]) >= trouble.begin - 60 and one["type"] in trouble.types


def line(incident: dict[str, Any]) -> str:
    begin = datetime.fromtimestamp(at(incident["start"]), UTC)
    minutes = (at(incident["end"]) - at(incident["start"])) / 60
    return f"{begin:%a %H:%M:%S} {minutes:6.1f} min {incident['severity']:8} {incident['title']}"


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--seeds", default="1,2,3")
    options.add_argument("--format", choices=sorted(WRITERS), default="zeek")
    options.add_argument("--days", type=int, default=3)
    options.add_argument("--quiet", action="store_true", help="without troubles")
    options.add_argument("--only", default="", help="these troubles alone")
    options.add_argument("--hours", help="from,to: hours since the first midnight")
    options.add_argument("--keep", type=Path, help="where logs and reports stay")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        room = chosen.keep or Path(spare)
        room.mkdir(parents=True, exist_ok=True)
        for seed in map(int, chosen.seeds.split(",")):
            path = room / f"{chosen.format}-{seed}.log"
            hours = tuple(map(float, chosen.hours.split(","))) if chosen.hours else None
            made = make(
                path,
                seed,
                chosen.format,
                days=chosen.days,
                quiet=chosen.quiet,
                only=[name for name in chosen.only.split(",") if name],
                hours=hours,
            )
            document, shown, spent = scan(path, room / f"{chosen.format}-{seed}.json")
            (room / f"{chosen.format}-{seed}.txt").write_text(shown)
            print(
                f"{len(document['incidents'])} incidents, {len(document['anomalies'])} anomalies, {spent:.1f} s CPU"
            )
            report(document, made)


if __name__ == "__main__":
    main()

"""Faults of two microservice systems found within two minutes, from every pod's and service's metrics (Nezha).

Each metric is scored as the product scores a plain series, from its first minute on, without any history of normal
days: the files of "normal" days hold the same minutes as those with faults. A pod's evidence in a minute is the mean
of its five largest novelties outside the expected band; an alarm is a minute in which a pod is at or above the
threshold after three minutes in which it was not: what another pod does hides nothing. A fault is found by an alarm
that begins within two minutes after it was injected, of whichever pod, as a fault shows at those who call, too: an
alarm that is on anyway finds nothing. What begins more than six minutes after an injection is a false alarm, alarms of
several pods in one minute are one; the faults are eight minutes apart. How many would be found by chance is what share
of the two minutes that are no fault's, from an hour before the fault to an hour after it, have an alarm begin.

The last table says how much there is to find: for each fault, whether any metric of the pod it was put into, or of the
calls to and from it, was, within two minutes, as far from that metric's median as in one of so many normal minutes of
the whole day, later ones included. That is told with the pod and the best metric known; beside it stands how often the
same pods show as much in two normal minutes.

Usage: python bench/quality/nezha.py [--data FOLDER] [--threshold T]
"""

import argparse
import csv
import io
import json
import sys
import tarfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.series import SeriesBaseline

DATA = Path(__file__).parents[2] / "../shared/data/nezha-microservice"
ARCHIVE = "two_days.tar.xz"
DAYS = ("2022-08-22", "2023-01-29")
CALLS = frozenset(("source_50", "destination_50"))
"""Tables of what calls take, a column `caller_called` each."""
NOT_METRICS = frozenset(("time", "timestamp", "podname", "servicename"))
THRESHOLD = 3.0
LARGEST = 5
QUIET = 3
"""Minutes without evidence before the next is a new alarm."""
OWN = 6 * 60
"""Seconds after an injection in which alarms are the fault's."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Day:
    """Evidence (pods, minutes) from `start` on (seconds), and the faults: seconds, kind, pod.

    `rarity` is, by pod, float64 (metrics, minutes): -log10 of the share of normal minutes as far from the median.
    """

    name: str
    start: int
    evidence: Floats
    faults: list[tuple[int, str, str]]
    metrics: int
    rarity: dict[str, Floats]

    def normal(self) -> NDArray[np.bool_]:
        """Minutes that are no fault's."""
        time = self.start + 60 * np.arange(self.evidence.shape[1])
        normal = np.ones(len(time), dtype=np.bool_)
        for injected, _, _ in self.faults:
            normal &= (time <= injected) | (time > injected + OWN)
        return normal

    def minutes(self, injected: int, within: int) -> NDArray[np.bool_]:
        """Those in which a fault is to be found; samples are a minute apart and up to five seconds late."""
        time = self.start + 60 * np.arange(self.evidence.shape[1])
        return np.asarray((time > injected) & (time <= injected + within + 5))


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text[:19]).replace(tzinfo=UTC).timestamp())


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _pods(texts: dict[str, bytes]) -> dict[str, list[tuple[NDArray[np.int64], Floats]]]:
    """Times and values of each metric, by pod or service; what a call from one to another takes is of both."""
    pods: dict[str, list[tuple[NDArray[np.int64], Floats]]] = defaultdict(list)
    names = {
        text.partition("-")[0]: text.removesuffix("_metric") for text in texts if text.endswith("_metric")
    }
    for name, text in texts.items():
        rows = list(csv.reader(io.StringIO(text.decode())))
        head = rows[0]
        if head[0].lower() != "time":
            continue
        time = np.array([_seconds(row[0]) for row in rows[1:]], dtype=np.int64)
        for at, title in enumerate(head):
            if title.lower() not in NOT_METRICS:
                value = [_number(row[at]) if at < len(row) else float("nan") for row in rows[1:]]
                ends = [names[end] for end in title.split("_") if end in names] if name in CALLS else []
                known = np.array(value)
                for owner in ends or [name.removesuffix("_metric")]:
                    pods[owner].append((time, known))
    return pods


def load(folder: Path) -> list[Day]:
    """Score every metric of both days."""
    texts: dict[str, dict[str, bytes]] = {day: {} for day in DAYS}
    faults: dict[str, list[tuple[int, str, str]]] = {}
    with tarfile.open(folder / ARCHIVE) as archive:
        for member in archive:
            path = Path(member.name)
            file = archive.extractfile(member)
            day = next((day for day in DAYS if day in path.parts), None)
            if file is None or day is None or "rca_data" not in path.parts:
                continue
            if path.suffix == ".json":
                told = [fault for hour in json.load(file).values() for fault in hour]
                faults[day] = [
                    (_seconds(fault["inject_time"]), fault["inject_type"], fault["inject_pod"])
                    for fault in told
                ]
            elif path.suffix == ".csv":
                texts[day][path.stem] = file.read()
    return [_judged(day, _pods(texts[day]), faults[day]) for day in DAYS]


def _judged(
    name: str, pods: dict[str, list[tuple[NDArray[np.int64], Floats]]], faults: list[tuple[int, str, str]]
) -> Day:
    times = [time for series in pods.values() for time, _ in series]
    start, end = min(int(time[0]) for time in times), max(int(time[-1]) for time in times)
    minutes = (end - start) // 60 + 1
    evidence, values = np.zeros((len(pods), minutes)), {}
    for of_pod, (pod, series) in zip(evidence, pods.items(), strict=True):
        novelty = np.zeros((len(series), minutes))
        seen = values[pod] = np.full((len(series), minutes), np.nan)
        for row, known, (time, value) in zip(novelty, seen, series, strict=True):
            scored = SeriesBaseline().follow(time * 1_000_000, value)
            at = (time - start + 30) // 60
            inside = (at >= 0) & (at < minutes)
            row[at[inside]] = np.where(scored.surprise >= 2.0, scored.novelty, 0.0)[inside]
            known[at[inside]] = value[inside]
        largest = np.sort(novelty, axis=0)[-LARGEST:]
        of_pod[:] = largest.sum(axis=0) / LARGEST
    day = Day(
        name, start, evidence, faults, len({id(value) for series in pods.values() for _, value in series}), {}
    )
    normal = day.normal()
    rarity = {pod: np.stack([_rarity(row, normal) for row in seen]) for pod, seen in values.items()}
    return replace(day, rarity=rarity)


def _rarity(value: Floats, normal: NDArray[np.bool_]) -> Floats:
    usual = value[normal & np.isfinite(value)]
    if not len(usual):
        return np.zeros(len(value))
    middle = np.median(usual)
    far = np.sort(np.abs(usual - middle))
    as_far = len(far) - np.searchsorted(far, np.nan_to_num(np.abs(value - middle)), side="left")
    return np.asarray(-np.log10((as_far + 1) / (len(far) + 1)))


def shown(day: Day, level: float) -> tuple[dict[str, int], float]:
    """Faults whose pod has a metric at least so rare within two minutes, by kind, and how many would by chance."""
    found: dict[str, int] = defaultdict(int)
    normal, chance = day.normal(), 0.0
    quiet = normal[:-1] & normal[1:]
    for injected, kind, pod in day.faults:
        over = day.rarity[pod].max(axis=0) >= level
        found[kind] += bool((over & day.minutes(injected, 120)).any())
        chance += float((over[:-1] | over[1:])[quiet].mean())
    return found, chance


def begins(evidence: Floats, threshold: float) -> NDArray[np.bool_]:
    """Minutes in which an alarm of any pod begins."""
    flags = np.zeros(evidence.shape[1], dtype=np.bool_)
    for of_pod in evidence:
        over = np.flatnonzero(of_pod >= threshold)
        first = over[np.diff(over, prepend=-QUIET - 2) > QUIET] if len(over) else over
        flags[first] = True
    return flags


def measured(day: Day, threshold: float, within: int = 120) -> tuple[int, int, float]:
    """Faults found, false alarms, and hours in which there was none to find."""
    alarms = begins(day.evidence, threshold)
    found = sum(bool((alarms & day.minutes(injected, within)).any()) for injected, _, _ in day.faults)
    normal = day.normal()
    return found, int((alarms & normal).sum()), float(normal.sum()) / 60


def by_chance(day: Day, threshold: float) -> float:
    """Faults that alarms would find that have nothing to do with them: the sum of their chances."""
    alarms, normal = begins(day.evidence, threshold), day.normal()
    either, quiet = alarms[:-1] | alarms[1:], normal[:-1] & normal[1:]
    chance = 0.0
    for injected, _, _ in day.faults:
        at = (injected - day.start) // 60
        near = slice(max(at - 60, 0), at + 60)
        if quiet[near].any():
            chance += float(either[near][quiet[near]].mean())
    return chance


def main(arguments: Sequence[str] | None = None) -> int:
    """Print found faults and false alarms over thresholds; status 2 where the data is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--threshold", type=float, default=THRESHOLD)
    options = parser.parse_args(arguments)
    if not (options.data / ARCHIVE).exists():
        print(f"{options.data / ARCHIVE} is missing: nothing measured", file=sys.stderr)
        return 2
    days = load(options.data)
    print(
        "| threshold | " + " | ".join(f"{d.name}: found, false alarms per hour" for d in days) + " | both |"
    )
    print("|---|---|---|---|")
    for threshold in sorted({2.0, 2.5, options.threshold, 3.5, 4.0}):
        cells = [measured(day, threshold) for day in days]
        parts = [
            f"{found} of {len(day.faults)}, {false / hours:.2f}"
            for day, (found, false, hours) in zip(days, cells, strict=True)
        ]
        faults = sum(len(day.faults) for day in days)
        found, false, hours = (sum(cell[i] for cell in cells) for i in range(3))
        chance = sum(by_chance(day, threshold) for day in days)
        parts.append(f"{found / faults:.0%}, {false / hours:.2f}; by chance {chance / faults:.0%}")
        print(f"| {threshold:g} | " + " | ".join(parts) + " |")
    early = sum(injected < day.start + 1800 for day in days for injected, _, _ in day.faults)
    print(
        f"\n{sum(day.metrics for day in days)} metrics; {early} faults come before the 30 points that are not judged "
        f"are over. Within five minutes, at {options.threshold:g}: "
        f"{sum(measured(day, options.threshold, 300)[0] for day in days)}."
    )
    kinds: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for day in days:
        for fault in day.faults:
            kinds[fault[1]][0] += measured(replace(day, faults=[fault]), options.threshold)[0]
            kinds[fault[1]][1] += 1
    print(
        "By kind: " + ", ".join(f"{kind} {found} of {n}" for kind, (found, n) in sorted(kinds.items())) + "."
    )
    print(f"\n| one normal minute of | {' | '.join(sorted(kinds))} | all | by chance |")
    print("|" + "---|" * (len(kinds) + 3))
    for rare in (100, 200, 400, 600):
        results = [shown(day, float(np.log10(rare))) for day in days]
        by_kind = [sum(found[kind] for found, _ in results) for kind in sorted(kinds)]
        shares = [f"{found} of {kinds[kind][1]}" for kind, found in zip(sorted(kinds), by_kind, strict=True)]
        chance = sum(chance for _, chance in results)
        print(f"| {rare} | {' | '.join(shares)} | {sum(by_kind)} | {chance:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

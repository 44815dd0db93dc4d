"""False alarms and incidents found by the baselines alone, on one-minute series of real web services.

Reads the labelled series of WSD (AnoTransfer, INFOCOM 2022) and prints, for thresholds and for the budget,
alarms outside labelled segments per series and week, and the share of labelled segments with an alarm in
them. Labels are by hand and miss real changes, so false alarms are an upper bound.

Usage: python bench/quality/baselines.py [--data FOLDER] [--days N] [--series N]
"""

import argparse
import io
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.bank import Bank
from vedette.baselines.budget import Budget
from vedette.baselines.counts import CountBank
from vedette.baselines.locations import GaugeBank
from vedette.detectors.statistical.gate import Gate
from vedette.detectors.statistical.peaks import Peaks

MINUTE = 60_000_000
NEAR = 10
"""Minutes around a labelled segment that count as it, and between alarms that count as one."""


@dataclass
class Series:
    """One-minute series on a common grid, (minutes, series); NaN where nothing was recorded."""

    value: NDArray[np.float64]
    label: NDArray[np.bool_]
    start: int


def load(folder: Path, days: int, most: int) -> list[tuple[str, Series]]:
    """Whole-numbered series (counts) and the others (gauges), each on a grid from its own first minute."""
    counts: list[NDArray[np.float64]] = []
    gauges: list[NDArray[np.float64]] = []
    with tarfile.open(folder / "wsd_dev_quarter.tar.xz") as archive:
        for member in sorted(archive.getnames(), key=lambda name: (len(name), name)):
            file = archive.extractfile(member)
            if file is None or not member.endswith(".csv"):
                continue
            rows = np.genfromtxt(io.BytesIO(file.read()), delimiter=",", skip_header=1)
            rows = rows[np.isfinite(rows).all(axis=1)]
            whole = bool((rows[:, 1] == np.round(rows[:, 1])).all() and (rows[:, 1] >= 0).all())
            (counts if whole else gauges).append(rows)
    return [
        (name, _grid(group[:most], days)) for name, group in (("counts", counts), ("gauges", gauges)) if group
    ]


def _grid(group: list[NDArray[np.float64]], days: int) -> Series:
    minutes = days * 1440
    value = np.full((minutes, len(group)), np.nan)
    label = np.zeros((minutes, len(group)), dtype=np.bool_)
    for column, rows in enumerate(group):
        # Whole days are cut off the start, so that hours keep their place in the day.
        at = (rows[:, 0] // 60).astype(np.int64)
        at -= at[0] - at[0] % 1440
        inside = at < minutes
        value[at[inside], column] = rows[inside, 1]
        label[at[inside], column] = rows[inside, 2] > 0
    return Series(value, label, 1_501_459_200_000_000)


def surprises(bank: Bank, series: Series) -> NDArray[np.float64]:
    """The larger of both sides' surprises, (minutes, series); NaN where not ready or not recorded."""
    found = np.full(series.value.shape, np.nan)
    slots = np.arange(series.value.shape[1], dtype=np.int32)
    for minute, value in enumerate(series.value):
        time = series.start + minute * MINUTE
        there = np.isfinite(value)
        judgement = bank.judge(slots, np.where(there, value, 0.0), None, time)
        surprise = np.maximum(judgement.log10_p_high, judgement.log10_p_low)
        found[minute] = np.where(judgement.ready & there, surprise, np.nan)
        # What was not recorded teaches nothing.
        kept = np.where(there, value, np.nan_to_num(judgement.expected_mid))
        bank.update(slots, kept, None, time, np.where(there, judgement.weight, 0.0))
    return found


def _episodes(flags: NDArray[np.bool_], join: int) -> list[tuple[int, int]]:
    at = np.flatnonzero(flags)
    if not len(at):
        return []
    parts = np.split(at, np.flatnonzero(np.diff(at) > join) + 1)
    return [(int(part[0]), int(part[-1])) for part in parts]


def report(name: str, surprise: NDArray[np.float64], series: Series, threshold: float | None) -> None:
    """Print one line: at a fixed threshold, or at the budget's."""
    minutes, k = surprise.shape
    gate, budget = Gate(), Budget(1.0, window_us=MINUTE, services=k, detectors=1)
    slots, peaks = np.arange(k, dtype=np.int32), Peaks()
    alarms = np.zeros(surprise.shape, dtype=np.bool_)
    limit = threshold or 0.0
    for minute in range(minutes):
        row = surprise[minute]
        if threshold is None:
            there = np.flatnonzero(np.isfinite(row))
            tested = row[there]
            if peaks.matter(tested):
                tested = peaks.tests(slots[there], slots[there], tested, series.start + minute * MINUTE)
            budget.observe("all", tested)
            limit = budget.threshold("all")
        alarms[minute, gate.decide(slots, row, limit)] = True
    false = hit = segments = 0
    for column in range(k):
        labelled = _episodes(series.label[:, column], 1)
        judged = [s for s in labelled if np.isfinite(surprise[s[0] : s[1] + 1, column]).any()]
        raised = _episodes(alarms[:, column], NEAR)
        segments += len(judged)
        hit += sum(any(a <= end + NEAR and b >= start for a, b in raised) for start, end in judged)
        false += sum(
            not any(a <= end + NEAR and b >= start - NEAR for start, end in labelled) for a, b in raised
        )
    weeks = float(np.isfinite(surprise).sum()) / (7 * 1440)
    label = f"budget (ends at {limit:.1f})" if threshold is None else f"threshold {threshold:.0f}"
    print(
        f"{name:7s} {label:24s} false alarms per series and week {false / weeks:6.2f}   "
        f"segments found {hit:3d} of {segments} ({hit / max(segments, 1):.0%})"
    )


def main() -> int:
    """Run over the data; status 2 where it is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).parents[2] / "../shared/data/wsd-web-service"
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--days", type=int, default=25)
    parser.add_argument("--series", type=int, default=25)
    options = parser.parse_args()
    if not (options.data / "wsd_dev_quarter.tar.xz").exists():
        print(f"{options.data}/wsd_dev_quarter.tar.xz is missing: nothing measured", file=sys.stderr)
        return 2
    for name, series in load(options.data, options.days, options.series):
        bank: Bank = CountBank() if name == "counts" else GaugeBank(prior_scale=5.0, least_scale=0.1)
        surprise = surprises(bank, series)
        flat = surprise[np.isfinite(surprise) & ~series.label]
        tail = ", ".join(f"{level}: {float((flat > level).mean() * 10**level):.1f}" for level in (1, 2, 3, 4))
        print(
            f"{name:7s} {surprise.shape[1]} series; unlabelled minutes over a surprise, to promised: {tail}"
        )
        for threshold in (4.0, 6.0, 9.0, None):
            report(name, surprise, series, threshold)
    return 0


if __name__ == "__main__":
    sys.exit(main())

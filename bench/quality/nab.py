"""The Numenta Anomaly Benchmark: loading, and scoring to the published formula.

Score of one detector under one application profile (Lavin and Ahmad 2015): within a labelled window only the
earliest detection counts, for A_TP * s(y) with s(y) = 2 / (1 + exp(5 y)) - 1 and y the position relative to
the window's end, -1 at its first point (and divided by s(-1), so that the first point is worth 1); a window
without one costs A_FN; a detection outside costs A_FP * s(y) with y the distance to the end of the window
before, in widths of that window, at most 1. The first 15 % of a file (of at most 5,000 rows) are not judged.
One threshold serves all files: the one with the best total. The total is scaled so that no detection at all
is 0 and perfect ones are 100.

Usage: python bench/quality/nab.py [--data FOLDER] [--files] [--check]
"""

import argparse
import csv
import io
import json
import math
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

DATA = Path(__file__).parents[2] / "../shared/data/nab"
ARCHIVE = "nab-data-labels.tar.xz"
PROBATION = 0.15
MOST_JUDGED = 5000
"""Rows of a file that the probationary share is taken of, at most."""


@dataclass(frozen=True)
class Series:
    """One file. Times are microseconds; windows are first and last row of each labelled span."""

    name: str
    time: NDArray[np.int64]
    value: Floats
    windows: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Profile:
    """What one application gives for a window found and takes for a window missed or a false alarm."""

    name: str
    found: float
    missed: float
    false: float


@dataclass(frozen=True)
class Result:
    """A detector's score under a profile, with the threshold that all files share."""

    score: float
    threshold: float
    found: int
    windows: int
    false: int


def load(folder: Path = DATA) -> list[Series]:
    """All 58 files with their label windows, in the order of their names."""
    texts: dict[str, bytes] = {}
    with tarfile.open(folder / ARCHIVE) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None and member.name.endswith((".csv", "combined_windows.json")):
                texts[member.name.removeprefix("./")] = file.read()
    spans = json.loads(texts["labels/combined_windows.json"])
    return [_series(name, texts[f"data/{name}"], spans[name]) for name in sorted(spans)]


def profiles(folder: Path = DATA) -> list[Profile]:
    """The published application profiles."""
    told = json.loads((folder / "profiles.json").read_text())
    return [
        Profile(name, cost["tpWeight"], cost["fnWeight"], cost["fpWeight"])
        for name, cost in ((name, entry["CostMatrix"]) for name, entry in told.items())
    ]


def _series(name: str, text: bytes, spans: Sequence[tuple[str, str]]) -> Series:
    rows = list(csv.reader(io.StringIO(text.decode())))[1:]
    time = [_moment(row[0]) for row in rows]
    value = np.array([float(row[1]) for row in rows])
    # A file may hold a time twice (daylight saving): the published scorer takes the first.
    where = {moment: row for row, moment in reversed(list(enumerate(time)))}
    windows = tuple((where[_moment(first)], where[_moment(last)]) for first, last in spans)
    return Series(name, np.array(time, dtype=np.int64), value, windows)


def _moment(text: str) -> int:
    whole = datetime.fromisoformat(text.partition(".")[0]).replace(tzinfo=UTC)
    return int(whole.timestamp()) * 1_000_000


def _s(y: Floats) -> Floats:
    scaled: Floats = 2.0 / (1.0 + np.exp(5.0 * np.minimum(y, 3.0))) - 1.0
    return np.where(y >= 3.0, -1.0, scaled)


def _worth(series: Series, profile: Profile) -> tuple[Floats, NDArray[np.intp]]:
    """What a detection at each row is worth, and the number of the window it is in (-1: none)."""
    rows = np.arange(len(series.value))
    y = np.full(len(rows), 3.0)
    inside = np.full(len(rows), -1, dtype=np.intp)
    for first, last in series.windows:
        after = rows > last
        y[after] = (rows[after] - last) / max(last - first, 1)
    worth = profile.false * _s(y)
    for number, (first, last) in enumerate(series.windows):
        at = rows[first : last + 1]
        inside[at] = number
        worth[at] = profile.found * _s(-(last - at + 1) / (last - first + 1)) / float(_s(np.array([-1.0]))[0])
    return worth, inside


def probation(rows: int) -> int:
    """How many rows at the start of a file are not judged."""
    return math.ceil(min(math.floor(PROBATION * rows), PROBATION * MOST_JUDGED))


def judge(
    corpus: Sequence[Series], scores: Sequence[Floats], profile: Profile, threshold: float | None = None
) -> Result:
    """A detector's score: at the best threshold that all files can share, or at a given one.

    Args:
        corpus: The files.
        scores: One array per file, one score per row; detections are rows with a score at or above the
            threshold.
        profile: The application profile.
        threshold: None to take the best.
    """
    points, gains, outside, firsts = [], [], [], []
    total = 0
    for series, score in zip(corpus, scores, strict=True):
        worth, inside = _worth(series, profile)
        judged = np.arange(len(score)) >= probation(len(score))
        free = judged & (inside < 0)
        points.append(score[free])
        gains.append(worth[free])
        outside.append(np.ones(int(free.sum())))
        firsts.append(np.zeros(int(free.sum())))
        for number in range(len(series.windows)):
            at = np.flatnonzero(judged & (inside == number))
            if not len(at):
                continue
            total += 1
            order = at[np.argsort(-score[at], kind="stable")]
            best = np.maximum.accumulate(np.concatenate(([-profile.missed], worth[order])))
            points.append(score[order])
            gains.append(np.diff(best))
            outside.append(np.zeros(len(order)))
            firsts.append(np.concatenate(([1.0], np.zeros(len(order) - 1))))
    score = np.concatenate(points)
    order = np.argsort(-score, kind="stable")
    score = score[order]
    sums = [np.cumsum(np.concatenate(part)[order]) for part in (gains, outside, firsts)]
    # Rows with the same score are detected together.
    last = np.flatnonzero(np.concatenate((np.diff(score) != 0, [True])))
    if threshold is None:
        at = int(last[int(np.argmax(sums[0][last]))])
        raw = float(sums[0][at])
        if raw < 0.0:
            at = -1
    else:
        at = int(np.searchsorted(-score, -threshold, side="right")) - 1
    if at < 0:
        return Result(0.0, math.inf, 0, total, 0)
    gained = float(sums[0][at])
    scaled = 100.0 * gained / (max(total, 1) * (profile.found + profile.missed))
    return Result(scaled, float(score[at]), int(sums[2][at]), total, int(sums[1][at]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Score the product under every profile; status 2 where the data is missing."""
    from nab_others import relative_entropy, windowed_gaussian

    from vedette.baselines.series import Kind, SeriesBaseline

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--files", action="store_true", help="print each file's part in the score too")
    parser.add_argument("--check", action="store_true", help="score two published detectors as well")
    options = parser.parse_args(arguments)
    if not (options.data / ARCHIVE).exists():
        print(f"{options.data / ARCHIVE} is missing: nothing measured", file=sys.stderr)
        return 2
    corpus, applications = load(options.data), profiles(options.data)
    published = json.loads((options.data / "final_results.json").read_text())

    def scored(series: Series) -> Floats:
        order = np.argsort(series.time, kind="stable")
        score = np.empty(len(order))
        score[order] = SeriesBaseline(Kind.GAUGE).follow(series.time[order], series.value[order]).score
        return score

    ours = [scored(series) for series in corpus]
    names = [profile.name for profile in applications]
    print(f"| detector | {' | '.join(names)} | windows found | false alarms |\n|---|---|---|---|---|---|")
    results = [judge(corpus, ours, profile) for profile in applications]
    print(
        f"| vedette metric | {' | '.join(f'**{result.score:.1f}**' for result in results)} "
        f"| {results[0].found} of {results[0].windows} | {results[0].false} |"
    )
    own = judge(corpus, ours, applications[0], 0.5)
    print(f"| vedette metric, at its default threshold | {own.score:.1f} | | | {own.found} | {own.false} |")
    for name in ("ARTime", "numenta", "contextOSE", "earthgeckoSkyline", "knncad", "windowedGaussian"):
        print(f"| {name}, published | {' | '.join(f'{published[name][p]:.1f}' for p in names)} | | |")
    if options.check:
        for key, detector in (("windowedGaussian", windowed_gaussian), ("relativeEntropy", relative_entropy)):
            scores = [detector(series) for series in corpus]
            again = [judge(corpus, scores, profile).score for profile in applications]
            print(f"| {key}, computed here | {' | '.join(f'{score:.4f}' for score in again)} | | |")
            print(f"| {key}, published | {' | '.join(f'{published[key][p]:.4f}' for p in names)} | | |")
    if options.files:
        for series, score in zip(corpus, ours, strict=True):
            one = judge([series], [score], applications[0], results[0].threshold)
            print(f"{series.name:58s} {one.found} of {one.windows} windows, {one.false:3d} false alarms")
    return 0


if __name__ == "__main__":
    sys.exit(main())

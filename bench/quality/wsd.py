"""Streaming detection on 45 one-minute series of real web services (WSD), one setting for all of them.

Each point is judged by earlier ones only. Prints the mean over the series of VUS-PR, area under the
precision-recall curve and best F1 (point-adjusted F1 as an aside: chance reaches 0.3 here), then the labelled
segments found and the false alarms per day at the product's own threshold; beside them the same for two simple
causal methods. VUS-PR's longest reach is set for each series as where the published figures come from (TSB-AD).

Usage: python bench/quality/wsd.py [--data FOLDER] [--series] [--kind KIND]
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import vus
import wsd_data
from numpy.typing import NDArray

from vedette.baselines.series import Kind, SeriesBaseline

NEAR = 10
"""Minutes around a labelled segment that count as it, and between alarms that count as one."""

Floats = NDArray[np.float64]


def day_sigma(series: wsd_data.Series) -> Floats:
    """Distance from the mean of the day before, in its standard deviations."""
    value = np.nan_to_num(series.value)
    window = 1440
    sums = np.concatenate(([0.0], np.cumsum(value)))
    squares = np.concatenate(([0.0], np.cumsum(value * value)))
    at = np.arange(len(value))
    first = np.maximum(at - window, 0)
    count = np.maximum(at - first, 1)
    mean = (sums[at] - sums[first]) / count
    spread = np.sqrt(np.maximum((squares[at] - squares[first]) / count - mean * mean, 1e-12))
    score: Floats = np.abs(value - mean) / spread
    score[:2] = 0.0
    return score


def polynomial(series: wsd_data.Series, window: int = 100, degree: int = 3) -> Floats:
    """Distance from a polynomial fitted to the points before."""
    value = np.nan_to_num(series.value)
    powers = np.vander(np.arange(window) / window, degree + 1)
    weights = (np.vander([1.0], degree + 1) @ np.linalg.pinv(powers))[0]
    score = np.zeros(len(value))
    score[window:] = np.abs(
        value[window:] - np.lib.stride_tricks.sliding_window_view(value, window)[:-1] @ weights
    )
    return score


def report(name: str, series: list[wsd_data.Series], scores: list[Floats]) -> list[float]:
    """Print a row of means; returns each series' VUS-PR."""
    rows = []
    for one, score in zip(series, scores, strict=True):
        score = np.where(np.isfinite(one.value), score, 0.0)
        reach = vus.period(np.nan_to_num(one.value))
        rows.append(
            (
                vus.vus_pr(score, one.label, reach),
                vus.average_precision(score, one.label),
                vus.best_f1(score, one.label)[0],
                vus.adjusted_f1(score, one.label),
            )
        )
    table = np.array(rows)
    means = np.nanmean(table, axis=0)
    print(f"| {name} | {means[0]:.3f} | {means[1]:.3f} | {means[2]:.3f} | {means[3]:.3f} |")
    return [float(x) for x in table[:, 0]]


def episodes(flags: NDArray[np.bool_], join: int) -> list[tuple[int, int]]:
    """Stretches of flagged rows, those at most `join` apart as one."""
    at = np.flatnonzero(flags)
    if not len(at):
        return []
    parts = np.split(at, np.flatnonzero(np.diff(at) > join) + 1)
    return [(int(part[0]), int(part[-1])) for part in parts]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run over the data; status 2 where it is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=wsd_data.DATA)
    parser.add_argument("--series", action="store_true", help="print each series' VUS-PR too")
    parser.add_argument("--kind", default="gauge", choices=[kind.value for kind in Kind])
    options = parser.parse_args(arguments)
    if not (options.data / wsd_data.ARCHIVE).exists():
        print(f"{options.data / wsd_data.ARCHIVE} is missing: nothing measured", file=sys.stderr)
        return 2
    series = wsd_data.load(options.data)
    judged = [SeriesBaseline(Kind(options.kind)).follow(one.time, one.value) for one in series]
    print("| method | VUS-PR | AUC-PR | best F1 | point-adjusted F1 |\n|---|---|---|---|---|")
    each = report("vedette metric", series, [one.score for one in judged])
    simple: list[tuple[str, Callable[[wsd_data.Series], Floats]]] = [
        ("polynomial residual, causal", polynomial),
        ("3 sigma over a day", day_sigma),
    ]
    for name, method in simple:
        report(name, series, [method(one) for one in series])
    found = total = false = 0
    days = 0.0
    for one, scored in zip(series, judged, strict=True):
        labelled = episodes(one.label, 1)
        raised = episodes(scored.is_anomaly, NEAR)
        total += len(labelled)
        found += sum(any(a <= end + NEAR and b >= start for a, b in raised) for start, end in labelled)
        false += sum(
            not any(a <= end + NEAR and b >= start - NEAR for start, end in labelled) for a, b in raised
        )
        days += float(scored.ready.sum()) / 1440
    print(
        f"\nAt the default threshold: {found} of {total} labelled segments found ({found / total:.0%}), "
        f"{false / days:.2f} false alarms per series and day over {days:.0f} days."
    )
    if options.series:
        for one, value in zip(series, each, strict=True):
            print(f"{one.name:>4s} {value:.3f} {int(one.label.sum()):6d} labelled rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How much of what comes forecasts of an hour hold, and how wide they are, on real one-minute series (WSD).

Each series is followed from its first point; every hour the next one is foreseen and held against what came. Compared
are the baseline's own band for the next minute (99 %), the same with the reaches that the service takes (`START`), and
with the reaches that `vedette metric --forecast` learns. The first three days of each series count for nothing.

Usage: python bench/quality/forecast.py [--series 45] [--kind latency]
"""

import argparse

import numpy as np
from numpy.typing import NDArray
from wsd_data import load

from vedette.baselines.forecast import Forecaster
from vedette.baselines.reach import PARTS, Array, Reach, unlearned, widened
from vedette.baselines.series import Kind, SeriesBaseline

HOUR = 3_600_000_000
SKIPPED = 3 * 24


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--series", type=int, default=45)
    parser.add_argument("--kind", choices=["gauge", "count", "latency"], default="gauge")
    arguments = parser.parse_args()
    names = ("the next minute's band", "reaches of the service", "reaches learned")
    inside: dict[str, list[Array]] = {name: [] for name in names}
    width: dict[str, list[float]] = {name: [] for name in names}
    reaches = []
    for series in load()[: arguments.series]:
        watched, noted = Forecaster(SeriesBaseline(Kind(arguments.kind)), HOUR), _Noted()
        watched.reach = noted
        watched.follow(series.time, series.value)
        reaches.append(noted.reach)
        for name, (held, wide) in zip(names, noted.results(), strict=True):
            inside[name].append(held)
            width[name].append(wide)
    print(f"{len(reaches)} series, --kind {arguments.kind}\n")
    print("| band | held, by quarter of the hour | of all | worst series | width |")
    print("|---|---|---|---|---|")
    for name in names:
        by_part = np.array(inside[name])
        quarters = ", ".join(f"{share:.1%}" for share in by_part.mean(axis=0))
        every = by_part.mean(axis=1)
        print(
            f"| {name} | {quarters} | {every.mean():.1%} | {every.min():.1%} | {np.median(width[name]):.2f} |"
        )
    print(f"\nmedian reach by part, below and above: {np.median(reaches, axis=0).round(2).tolist()}")


class _Noted(Reach):
    """Reaches whose every comparison is written down."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[tuple[NDArray[np.int64], list[tuple[NDArray[np.bool_], float]]]] = []

    def learn(self, ahead: Array, low: Array, middle: Array, high: Array, came: Array) -> None:
        bands = (
            (low, high),
            widened(ahead, low, middle, high, unlearned()),
            widened(ahead, low, middle, high, self.reach),
        )
        part = np.clip(np.ceil(ahead * PARTS).astype(np.int64) - 1, 0, PARTS - 1)
        own = float((high - low).mean())
        row = [
            ((came >= below) & (came <= above), float((above - below).mean()) / own if own else 1.0)
            for below, above in bands
        ]
        self._held.append((part, row))
        super().learn(ahead, low, middle, high, came)

    def results(self) -> list[tuple[Array, float]]:
        """For each band: the share held in each part of the hour, and its width in widths of the first."""
        rows = self._held[SKIPPED:]
        part = np.concatenate([part for part, _ in rows])
        found = []
        for band in range(3):
            held = np.concatenate([row[band][0] for _, row in rows])
            wide = float(np.mean([row[band][1] for _, row in rows]))
            found.append((np.array([held[part == number].mean() for number in range(PARTS)]), wide))
        return found


if __name__ == "__main__":
    main()

"""How well single wild values are told in series of one value an hour.

Ten weeks of a figure as businesses keep it: three swings (twice a day, daily, weekly), a slope, noise of 1 to 8 %, and
eight values that stand out by 1.2 to 3 times as much as 8 % and three spreads of the noise; every second series also
jumps to another level twice. Labelled are those values and the first of each level. Each point is scored by those
before it, the first 400 (before the week is known) are left out.

Usage: python bench/quality/hourly.py [--series 60] [--seed 5]
"""

import argparse

import numpy as np
import vus
from numpy.typing import NDArray

from vedette.baselines.series import Kind, SeriesBaseline
from vedette.schema.spans import HOUR_US

Floats = NDArray[np.float64]

WEEK = 168
POINTS = 10 * WEEK
JUDGED_FROM = 400
BEGIN_US = 1_700_000_000_000_000


def made(random: np.random.Generator, jumps: bool) -> tuple[Floats, NDArray[np.bool_]]:
    """One series, and which of its points are labelled."""
    at = np.arange(POINTS)
    level = random.uniform(200, 5000)
    value = level * (1 + random.uniform(-0.2, 0.6) * at / POINTS)
    for period in (12, 24, WEEK):
        value += (
            random.uniform(0.05, 0.35) * level * np.sin(2 * np.pi * at / period + random.uniform(0, 6.28))
        )
    spread = random.uniform(0.01, 0.08) * level
    value += random.normal(0, spread, POINTS)
    labelled = np.zeros(POINTS, dtype=bool)
    wild = random.choice(np.arange(300, POINTS - 10), 8, replace=False)
    value[wild] += random.choice([-1, 1], 8) * random.uniform(1.2, 3, 8) * (0.08 * level + 3 * spread)
    labelled[wild] = True
    if jumps:
        for begin in random.choice(np.arange(JUDGED_FROM, POINTS - 100), 2, replace=False):
            value[begin:] += random.choice([-1, 1]) * random.uniform(0.3, 0.8) * level
            labelled[begin] = True
    return value, labelled


def by_vedette(value: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Scores, and what is told."""
    scored = SeriesBaseline(Kind.GAUGE).follow(BEGIN_US + HOUR_US * np.arange(len(value)), value)
    return scored.score, scored.score > 0.5


def by_last_week(value: Floats) -> Floats:
    """How far from a week before, with what the last day was more than that day a week ago."""
    score = np.zeros(len(value))
    for i in range(WEEK + 24, len(value)):
        moved = np.median(value[i - 24 : i]) - np.median(value[i - WEEK - 24 : i - WEEK])
        score[i] = abs(value[i] - value[i - WEEK] - moved)
    return score


def by_sigmas(value: Floats) -> Floats:
    """How many standard deviations of the last day from its mean."""
    score = np.zeros(len(value))
    for i in range(24, len(value)):
        day = value[i - 24 : i]
        score[i] = abs(value[i] - day.mean()) / max(float(day.std()), 1e-9)
    return score


def main() -> None:
    """Print a row for each method, and what is told."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--series", type=int, default=60)
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    random = np.random.default_rng(arguments.seed)
    precision: dict[str, list[list[float]]] = {
        name: [[], []] for name in ("vedette metric", "unlike last week", "3 sigma over a day")
    }
    found = false = wild = hours = 0
    for number in range(arguments.series):
        value, labelled = made(random, jumps=bool(number % 2))
        score, told = by_vedette(value)
        judged = slice(JUDGED_FROM, None)
        for name, each in zip(precision, (score, by_last_week(value), by_sigmas(value)), strict=True):
            precision[name][number % 2].append(vus.average_precision(each[judged], labelled[judged]))
        found += int((told & labelled)[judged].sum())
        false += int((told & ~labelled)[judged].sum())
        wild += int(labelled[judged].sum())
        hours += POINTS - JUDGED_FROM
    print("| method, each point judged by those before it | average precision | with levels that jump |")
    print("|---|---|---|")
    for name, (steady, jumping) in precision.items():
        print(f"| {name} | {np.mean(steady):.3f} | {np.mean(jumping):.3f} |")
    print(
        f"\nTold at the default threshold: {found} of {wild} labelled ({found / wild:.0%}), and {false} others in "
        f"{hours / 24:.0f} days."
    )


if __name__ == "__main__":
    main()

"""Fit the model of floods that comes with the package to simulated floods, and write it where the package reads it.

    python bench/flood_model/train.py [--output FILE] [--runs 400]

Nothing is learned from a recording of real attacks. Runs are split three ways: most are fitted to; others choose the
probability from which a window is called a flood, and tell what quiet windows get; the check is on a third set.
`bench/quality/floods.py` prints what the model reaches. The same arguments give the same bytes.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from simulated import CROWD, OVERRUN, QUIET, START, Made, simulate

from vedette.detectors.learned.flood_features import FLOOD_FEATURES
from vedette.detectors.learned.flood_model import FloodChecked, FloodModel
from vedette.detectors.learned.flood_training import TREES, flood_card, judge, quiet_tail
from vedette.detectors.learned.random_forest import fit_random_forest

OUTPUT = Path(__file__).parents[2] / "src" / "vedette" / "detectors" / "learned" / "flood.model"
FIRST_TO_CHOOSE, FIRST_TO_CHECK = 100_000, 200_000
"""Numbers of the runs of the other two sets."""
QUIET_KEPT = 0.25
"""Share of quiet windows that are fitted to: they are eight of ten, and alike."""
CROWDS = 0.03
"""Share of crowds' windows that may be called floods when the threshold is chosen."""
SEED = 1
TRAINED_ON = (
    "simulated sites (bench/flood_model): floods by one client and by many, in pulses, dear ones; "
    "crowds, faults"
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument(
        "--runs", type=int, default=400, help="fitted to; a quarter as many choose, and check"
    )
    arguments = parser.parse_args()
    fitted = known(simulate(0, arguments.runs))
    thinned = np.random.default_rng(SEED).random(len(fitted.rows)) < QUIET_KEPT
    fitted = fitted.select((fitted.kind != QUIET) | thinned)
    names = [feature.name for feature in FLOOD_FEATURES]
    forest = fit_random_forest(fitted.rows, fitted.flooded, names, trees=TREES, seed=SEED)
    choosing = known(simulate(FIRST_TO_CHOOSE, arguments.runs // 4))
    probability = forest.probability(choosing.rows)
    alarm = max(0.5, round(float(np.quantile(probability[choosing.kind == CROWD], 1.0 - CROWDS)), 2))
    checking = known(simulate(FIRST_TO_CHECK, arguments.runs // 4))
    judged = judge(forest.probability(checking.rows) >= alarm, checking.flooded)
    start = int(START.timestamp()) * 1_000_000
    card = flood_card(
        forest,
        quiet=quiet_tail(most_of_windows(choosing, probability)),
        alarm=alarm,
        floods=int(fitted.flooded.sum()),
        rows=len(fitted.rows),
        sessions=arguments.runs,
        checked=FloodChecked(
            len(checking.rows), int(checking.flooded.sum()), judged.f1, judged.false_positives, 1
        ),
        minutes=1.0,
        span=(start, start + 7 * 24 * 3_600_000_000),
        seed=SEED,
        trained_on=TRAINED_ON,
    )
    model = FloodModel(card, forest)
    content = model.to_bytes()
    arguments.output.write_bytes(content)
    print(f"{arguments.output}: {len(content):,} bytes, {model.summary()}; alarm from {alarm}")


def known(made: Made) -> Made:
    """Windows of which somebody could say what they are."""
    return made.select(made.kind != OVERRUN)


def most_of_windows(made: Made, probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """The highest probability of the thirds of each quiet minute."""
    quiet = made.kind == QUIET
    _, which = np.unique(made.window[quiet], return_inverse=True)
    most = np.zeros(int(which.max()) + 1)
    np.maximum.at(most, which, probability[quiet])
    return most


if __name__ == "__main__":
    sys.exit(main())

"""How much each member's evidence counts: fixed where nobody says what was right, fitted where enough was said."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.fusion.fusing import probability

LEAST: Final = 20
"""Rows of each kind from which weights are fitted: ten for each of two numbers, as regressions of few events ask
(Peduzzi et al. 1996)."""
STRENGTH: Final = 5.0
"""How much the fixed weights hold: as much as so many rows would."""
MOST: Final = 1.5
"""Weight at most; above 1 it says that the member's calibration is too timid."""
_ROUNDS: Final = 200
_CLOSE: Final = 1e-7


class Weighed(msgspec.Struct, frozen=True):
    """Weights, and how they came about.

    Attributes:
        weight: float64 (members,). prior: Share of rows that are wrong. fitted: Whether to labels.
        reason: Why not, where they are the fixed ones. rows: Labelled rows.
    """

    weight: NDArray[np.float64]
    prior: float
    fitted: bool
    reason: str
    rows: int


def weigh(
    evidence: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    fixed: Sequence[float],
    prior: float,
    *,
    held: float = 0.0,
) -> Weighed:
    """Fit weights to rows of which somebody said what they are.

    A logistic regression, each weight drawn towards its fixed one, none negative. Where its line crosses zero is fitted
    and thrown away: people are shown alarms, and how many of these are real tells nothing of the share among all rows.

    Args:
        evidence: float64 (members, n); NaN where a member abstains. wrong: bool (n,). fixed: Weights without labels.
        prior: Share of rows that are wrong; it stays. held: Share of its fixed weight that each keeps at least.
    """
    start = np.array(fixed, dtype=np.float64)
    n_bad, n_good = int(wrong.sum()), int((~wrong).sum())
    if min(n_bad, n_good) < LEAST:
        return Weighed(
            start,
            prior,
            False,
            f"{n_bad} real and {n_good} false alarms were marked: {LEAST} of each are needed",
            n_bad + n_good,
        )
    told = np.where(np.isnan(evidence), 0.0, evidence)
    rows = n_bad + n_good
    # The last number is where the line crosses zero: it is free, and counts as no weight.
    columns = np.vstack([told, np.ones(rows)])
    middle = np.append(start, -float(np.median(start @ told)))
    found = middle.copy()
    pull = np.append(np.full(len(start), STRENGTH), 0.0)
    low, high = np.append(held * start, -np.inf), np.append(np.full(len(start), MOST), np.inf)
    for _ in range(_ROUNDS):
        likely = probability(found @ columns)
        gradient = columns @ (wrong - likely) - pull * (found - middle)
        bend = np.maximum(likely * (1.0 - likely), 1e-9)
        hessian = (columns * bend) @ columns.T + np.diag(pull + 1e-9)
        # Weights that stand at a bound and are pushed beyond it stay there.
        free = ~(((found <= low) & (gradient < 0.0)) | ((found >= high) & (gradient > 0.0)))
        step = np.zeros(len(found))
        step[free] = np.linalg.solve(hessian[np.ix_(free, free)], gradient[free])
        after = np.clip(found + np.clip(step, -1.0, 1.0), low, high)
        moved = float(np.abs(after - found).max())
        found = after
        if moved < _CLOSE:
            break
    return Weighed(found[:-1], prior, True, "", rows)

"""From a member's score to evidence: by how much it multiplies the odds that something is wrong.

Evidence is the natural logarithm of a Bayes factor: what a score adds to the log-odds, whatever these were before. So a
calibration does not depend on how much of the labelled rows was wrong, and one fitted to a set of attacks serves a log
in which one request in a million is one. NaN stands for a member that abstains, and stays NaN.
"""

import math
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.errors import VedetteError

Floats = NDArray[np.float64]

LEAST_ISOTONIC: Final = 1_000
"""Labelled rows of the rarer kind from which steps are fitted; of fewer, they follow chance (Niculescu-Mizil and
Caruana 2005, figure 7), and a curve of two numbers is taken."""
LEAST_PLATT: Final = 10
"""Labelled rows of the rarer kind that a curve of two numbers takes."""
KAPPA: Final = 0.5
"""Exponent of the evidence of ranks. Any within 0 and 1 is a calibrator; the middle takes no side between evidence that
is strong and rare and evidence that is weak and common (Vovk and Wang 2021, section 2)."""
MOST: Final = 9.0
"""Evidence of one score, at most either way: odds of 8,000 to one, as much as tens of thousands of rows can show."""
_ROUNDS: Final = 100
_FLAT: Final = 1e-9


class CalibrationError(VedetteError):
    """Rows that nothing can be calibrated by."""


class Steps(msgspec.Struct, frozen=True, tag="isotonic"):
    """A rising line through points (isotonic regression).

    Attributes:
        score: Ascending. known: Evidence at each, not falling.
    """

    score: tuple[float, ...]
    known: tuple[float, ...]

    def evidence(self, score: Floats) -> Floats:
        """Natural logarithm of the Bayes factor of each score, float64 (n,); NaN where the score is NaN."""
        # Of a single point, numpy knows no abstention.
        return np.where(np.isnan(score), np.nan, np.interp(score, self.score, self.known))


class Curve(msgspec.Struct, frozen=True, tag="platt"):
    """A straight line in log-odds (Platt 1999); the slope is never negative."""

    slope: float
    offset: float

    def evidence(self, score: Floats) -> Floats:
        """See `Steps.evidence`."""
        return np.clip(self.slope * score + self.offset, -MOST, MOST)


class Ranks(msgspec.Struct, frozen=True, tag="ranks"):
    """Surprises (-log10 of a tail probability), where there are no labels.

    Under what is usual a tail probability p is uniform, and `kappa * p ** (kappa - 1)` has mean 1 over it: it is a
    Bayes factor against the usual that nobody gets by chance more often than it says (Vovk and Wang 2021).
    """

    kappa: float = KAPPA

    def evidence(self, score: Floats) -> Floats:
        """See `Steps.evidence`; `score` holds surprises."""
        grown = math.log(self.kappa) + (1.0 - self.kappa) * math.log(10.0) * np.maximum(score, 0.0)
        return np.minimum(grown, MOST)


AnyCalibration = Steps | Curve | Ranks


def calibrate(score: Floats, wrong: NDArray[np.bool_]) -> Steps | Curve:
    """Fit to labelled scores: steps where there are enough rows of both kinds, a curve of two numbers elsewhere.

    Args:
        score: float64 (n,), finite; rows on which the member abstains are left out by the caller. wrong: bool (n,).

    Raises:
        CalibrationError: A score is not finite, or there are too few rows of a kind.
    """
    if not np.isfinite(score).all():
        raise CalibrationError(
            "a score is not a finite number: leave out the rows on which a member abstains"
        )
    fewer = int(min(wrong.sum(), (~wrong).sum()))
    if fewer < LEAST_PLATT:
        raise CalibrationError(
            f"{int(wrong.sum())} rows that are wrong and {int((~wrong).sum())} that are not: {LEAST_PLATT} of each "
            "are needed"
        )
    return _steps(score, wrong) if fewer >= LEAST_ISOTONIC else _curve(score, wrong)


def _steps(score: Floats, wrong: NDArray[np.bool_]) -> Steps:
    """Isotonic regression, each block's evidence by Laplace's rule and standing at its mean score.

    Between the means evidence rises in a straight line, so that scores of one block keep their order (centred isotonic
    regression, Oron and Flournoy 2017).
    """
    from sklearn.isotonic import IsotonicRegression

    block = IsotonicRegression(out_of_bounds="clip").fit_transform(score, wrong)
    _, inverse = np.unique(block, return_inverse=True)
    rows = np.bincount(inverse)
    bads = np.bincount(inverse, weights=wrong)
    goods = rows - bads
    known = np.log((bads + 1.0) / (bads.sum() + 2.0)) - np.log((goods + 1.0) / (goods.sum() + 2.0))
    # Laplace's rule may turn small blocks round: once more, by how many rows each has.
    known = IsotonicRegression().fit_transform(np.arange(len(known)), known, sample_weight=rows)
    middle = np.bincount(inverse, weights=score) / rows
    return Steps(tuple(middle.tolist()), tuple(np.clip(known, -MOST, MOST).tolist()))


def _curve(score: Floats, wrong: NDArray[np.bool_]) -> Curve:
    """Platt's two numbers by Newton's method, both kinds weighing alike, with his targets for few rows."""
    n_bad, n_good = float(wrong.sum()), float((~wrong).sum())
    target = np.where(wrong, (n_bad + 1.0) / (n_bad + 2.0), 1.0 / (n_good + 2.0))
    weight = np.where(wrong, 0.5 / n_bad, 0.5 / n_good)
    middle, spread = float(score.mean()), float(score.std())
    if spread < _FLAT:
        return Curve(0.0, 0.0)
    scaled = (score - middle) / spread
    slope = offset = 0.0
    for _ in range(_ROUNDS):
        share = 1.0 / (1.0 + np.exp(-(slope * scaled + offset)))
        pull = weight * (target - share)
        bend = weight * np.maximum(share * (1.0 - share), 1e-12)
        gradient = np.array([(pull * scaled).sum(), pull.sum()])
        hessian = np.array(
            [[(bend * scaled**2).sum(), (bend * scaled).sum()], [(bend * scaled).sum(), bend.sum()]]
        )
        step = np.linalg.solve(hessian + 1e-9 * np.eye(2), gradient)
        step = np.clip(step, -2.0, 2.0)
        slope, offset = slope + float(step[0]), offset + float(step[1])
        if np.abs(step).max() < _FLAT:
            break
    if slope <= 0.0:
        # It tells nothing, or the contrary: then it is no evidence.
        return Curve(0.0, 0.0)
    return Curve(slope / spread, offset - slope * middle / spread)

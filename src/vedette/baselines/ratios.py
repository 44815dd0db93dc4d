"""Baselines of ratios: errors among requests, a client's share, cache hits."""

from statistics import NormalDist
from typing import ClassVar

import numpy as np

from vedette.baselines.bank import Bank, BankSettings
from vedette.baselines.judgement import Array
from vedette.kernels.baseline import judge_shares
from vedette.kernels.baseline_layout import (
    BAND,
    JUDGEMENT_ROWS,
    LEAST_SPREAD,
    PRIOR_MEAN,
    PRIOR_SPREAD,
    PRIOR_STRENGTH,
    RATIO,
)


class RatioBank(Bank):
    """Counts x among n, as beta-binomial: a share that wanders from window to window, seen through n trials.

    The level is (sum of x + M p0) / (sum of n + M): the parent's share p0 counts as M requests, so that
    one error in three requests is not 33 %. How far the share wanders, relative to its binomial variance p
    (1 - p), is a weighted moment estimate (Williams 1982) from the errors of one-step-ahead predictions.
    """

    formula: ClassVar[str] = "ratio"
    family: ClassVar[int] = RATIO
    seasonal: ClassVar[bool] = False

    def __init__(
        self,
        settings: BankSettings | None = None,
        *,
        prior_mean: float = 0.02,
        prior_strength: float = 10.0,
        prior_spread: float = 0.25,
    ) -> None:
        """Lay out an empty bank.

        Args:
            settings: How to learn.
            prior_mean: Share assumed where no parent knows better, inside (0, 1).
            prior_strength: Requests that the prior, or the parent's share, is worth.
            prior_spread: Relative over-dispersion assumed until seen, worth ten windows: correlation of two
                requests of a window = spread * p (1 - p).
        """
        known = settings or BankSettings()
        super().__init__(
            known,
            {
                BAND: _half_width(known.band),
                LEAST_SPREAD: 0.01,
                PRIOR_MEAN: prior_mean,
                PRIOR_STRENGTH: prior_strength,
                PRIOR_SPREAD: prior_spread,
            },
        )


def judged_shares(count: Array, exposure: Array, mean: Array, correlation: Array) -> Array:
    """How rare counts among requests are, by what was expected of them once.

    Args:
        count, exposure: float64 (k,), whole numbers. mean, correlation: float64 (k,), as for `ratio_tails`.

    Returns:
        float64 (JUDGEMENT_ROWS, k), of which the tails, the band that 99 % of normal windows are inside, and the
        formula's mean and correlation are filled in; the rest is 0.
    """
    table = np.zeros((JUDGEMENT_ROWS, len(count)))
    judge_shares(count, exposure, mean, correlation, _half_width(0.99), table)
    return table


def _half_width(inside: float) -> float:
    return NormalDist().inv_cdf(0.5 + 0.5 * inside)

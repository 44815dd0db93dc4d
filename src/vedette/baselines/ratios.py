"""Baselines of ratios: errors among requests, a client's share, cache hits."""

from statistics import NormalDist
from typing import ClassVar

from vedette.baselines.bank import Bank
from vedette.baselines.bank_settings import BankSettings
from vedette.kernels.baselines.baseline_layout import (
    BAND,
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
                BAND: NormalDist().inv_cdf(0.5 + 0.5 * known.band),
                LEAST_SPREAD: 0.01,
                PRIOR_MEAN: prior_mean,
                PRIOR_STRENGTH: prior_strength,
                PRIOR_SPREAD: prior_spread,
            },
        )

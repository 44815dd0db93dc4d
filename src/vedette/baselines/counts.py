"""Baselines of counts: requests, errors, or bytes of one kind, per window."""

from statistics import NormalDist
from typing import ClassVar

from vedette.baselines.bank import Bank
from vedette.baselines.bank_settings import BankSettings
from vedette.kernels.baselines.baseline_layout import BAND, COUNT, LEAST_SPREAD, PRIOR_SPREAD


class CountBank(Bank):
    """Over-dispersed counts: negative binomial with variance mean + dispersion mean^2.

    The local level is a discounted gamma-Poisson filter (Harvey and Fernandes 1989): sum of counts over
    sum of expected exposure, both forgetting. The dispersion is a weighted moment estimate from the errors
    of its own one-step-ahead predictions, so that ramps, drift and bursts that it did not foresee widen
    it. A window in which an entity does not appear, while the bank was updated, is a count of 0.
    """

    formula: ClassVar[str] = "count"
    family: ClassVar[int] = COUNT

    def __init__(self, settings: BankSettings | None = None, *, prior_dispersion: float = 0.1) -> None:
        """Lay out an empty bank.

        Args:
            settings: How to learn.
            prior_dispersion: Assumed until errors were seen, worth five windows and more where counts are
                small.
        """
        known = settings or BankSettings()
        super().__init__(
            known,
            {
                BAND: NormalDist().inv_cdf(0.5 + 0.5 * known.band),
                LEAST_SPREAD: 0.002,
                PRIOR_SPREAD: prior_dispersion,
            },
        )

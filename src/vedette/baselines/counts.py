"""Baselines of counts: requests, errors, or bytes of one kind, per window."""

from statistics import NormalDist
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.bank import (
    ERROR,
    SUM,
    TRIALS,
    WEIGHT,
    WINDOWS,
    Bank,
    BankSettings,
    Outlook,
)
from vedette.baselines.judgement import Judgement
from vedette.baselines.special import Array
from vedette.baselines.tails import negative_binomial

_CLIP = 3.0
_FAR = 4.0
_TEMPER = 0.1
"""Dispersion at which an error's moment is weighted: fixed, so that old and new errors stay comparable."""
_LEAST_USUAL = 0.05


class CountBank(Bank):
    """Over-dispersed counts: negative binomial with variance mean + dispersion mean^2.

    The local level is a discounted gamma-Poisson filter (Harvey and Fernandes 1989): sum of counts over
    sum of expected exposure, both forgetting. The dispersion is a weighted moment estimate from the errors
    of its own one-step-ahead predictions, so that ramps, drift and bursts that it did not foresee widen
    it. A window in which an entity does not appear, while the bank was updated, is a count of 0.
    """

    formula: ClassVar[str] = "count"
    neutral: ClassVar[float] = 1.0
    least_spread: float = 0.002

    def __init__(self, settings: BankSettings | None = None, *, prior_dispersion: float = 0.1) -> None:
        """Lay out an empty bank.

        Args:
            settings: How to learn.
            prior_dispersion: Assumed until errors were seen, worth five windows and more where counts are
            small.
        """
        super().__init__(settings)
        self.prior_dispersion = prior_dispersion
        self._z = NormalDist().inv_cdf(0.5 + 0.5 * self.settings.band)

    def _prior_spread(self, rows: Array, rhythm: Array) -> tuple[float, Array]:
        mean = _means(rows, rhythm)
        information = (mean / (1.0 + _TEMPER * mean)) ** 2
        return self.prior_dispersion, 5.0 + 5.0 * information

    def _level(self, look: Outlook) -> Array:
        with np.errstate(invalid="ignore"):
            weight = look.chosen(look.rows[WEIGHT])
        # At an hour that is always silent a single request is rare, not impossible.
        usual = np.maximum(look.chosen(look.rhythm), _LEAST_USUAL)
        known = weight > 0.0
        level: Array = np.where(
            known, (look.chosen(look.rows[SUM]) + 0.5) / np.where(known, weight, 1.0) * usual, np.nan
        )
        return level

    def _judge(self, look: Outlook, value: Array, _exposure: Array | None) -> Judgement:
        mean = self._level(look)
        known = ~np.isnan(mean)
        mean = np.where(known, mean, 1.0)
        dispersion = np.minimum(look.spread + 1.0 / (look.chosen(look.rows[SUM]) + 0.5), 10.0)
        high, low = negative_binomial(value, mean, dispersion)
        return self._verdict(
            look,
            known,
            high,
            low,
            (_shifted(mean, dispersion, -self._z), mean, _shifted(mean, dispersion, self._z)),
            {"value": value, "mean": mean, "dispersion": dispersion},
            look.parent_ready & (look.rows[WINDOWS] < 2 * self.settings.min_windows),
        )

    def _learn(
        self, look: Outlook, value: Array, _exposure: Array | None, time_us: int, weight: Array
    ) -> tuple[Array, Array]:
        rows = look.rows
        level = self._level(look)
        young = np.isnan(level) | (rows[WINDOWS] < 5)
        mean = np.where(np.isnan(level), 1.0, level)
        dispersion = look.spread + 1.0 / (look.chosen(rows[SUM]) + 0.5)
        kept = np.clip(value, _shifted(mean, dispersion, -_CLIP), _shifted(mean, dispersion, _CLIP))
        kept = np.where(young, value, kept)

        seasonal = np.where(np.isnan(look.rhythm), 0.0, np.maximum(look.rhythm, _LEAST_USUAL))
        means = _means(rows, look.rhythm)
        tried = (rows[WEIGHT] >= 3.0 * seasonal) & (seasonal > 0.0)
        keep, keep_error = self._kept(weight)
        tempered = 1.0 / (1.0 + _TEMPER * means) ** 2
        uncertain = means * means / (rows[SUM] + 0.5)
        excess = ((kept - means) ** 2 - means - uncertain) * tempered
        rows[ERROR] = np.where(tried, rows[ERROR] * keep_error + weight * excess, rows[ERROR])
        trials = rows[TRIALS] * keep_error + weight * means * means * tempered
        rows[TRIALS] = np.where(tried, trials, rows[TRIALS])

        there = seasonal > 0.0
        rows[SUM] = np.where(there, rows[SUM] * keep + weight * kept, rows[SUM])
        rows[WEIGHT] = np.where(there, rows[WEIGHT] * keep + weight * seasonal, rows[WEIGHT])

        z = _deviate(value, mean, dispersion)
        side = np.where(young, 0.0, np.where(z > _FAR, 1.0, np.where(z < -_FAR, -1.0, 0.0)))
        self._follow_shift(look, side, value, time_us)
        return kept, weight

    def _restart(self, look: Outlook, at: NDArray[np.bool_], level: Array) -> None:
        rows = look.rows
        seasonal = np.where(np.isnan(look.rhythm), 1.0, np.maximum(look.rhythm, _LEAST_USUAL))
        rows[SUM] = np.where(at, 10.0 * level, rows[SUM])
        rows[WEIGHT] = np.where(at, 10.0 * seasonal, rows[WEIGHT])

    def _absent(self, rows: Array, gap: Array, rhythm: Array) -> None:
        """Count the windows without the entity as zeros, in closed form."""
        seasonal = np.where(np.isnan(rhythm), 0.0, np.maximum(rhythm, _LEAST_USUAL))
        keep = self._keep**gap
        half = self._keep ** (0.5 * gap)
        gained = seasonal * (1.0 - half) / (1.0 - self._keep)
        # The mean half way through the gap stands for all of it.
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (
                rows[SUM] * half / (rows[WEIGHT] * half + gained) * np.where(seasonal > 0.0, seasonal, 1.0)
            )
        means = np.where(np.isfinite(means), means, 0.0)
        tempered = 1.0 / (1.0 + _TEMPER * means) ** 2
        kept = self._keep_error**gap
        share = (1.0 - kept) / (1.0 - self._keep_error)
        rows[ERROR] = rows[ERROR] * kept + share * (means * means - means) * tempered
        rows[TRIALS] = rows[TRIALS] * kept + share * means * means * tempered
        rows[SUM] *= keep
        rows[WEIGHT] = rows[WEIGHT] * keep + seasonal * (1.0 - keep) / (1.0 - self._keep)
        rows[WINDOWS] += gap


def _means(rows: Array, rhythm: Array) -> Array:
    """Each expert's expected count, (E, k); 0 where it has none."""
    weight = rows[WEIGHT]
    seasonal = np.where(np.isnan(rhythm), 0.0, np.maximum(rhythm, _LEAST_USUAL))
    means: Array = (rows[SUM] + 0.5) / np.maximum(weight, 1e-9) * seasonal
    means[weight <= 0.0] = 0.0
    return means


def _shifted(mean: Array, dispersion: Array, z: float) -> Array:
    """The count z spreads away from the mean, on the scale where a negative binomial's variance is constant.

    Anscombe (1948): asinh(sqrt(dispersion (x + 3/8))) has variance dispersion / 4.
    """
    d = np.maximum(dispersion, 1e-6)
    root = np.sqrt(d)
    at = np.arcsinh(np.sqrt(d * (mean + 0.375))) + 0.5 * z * root
    shifted: Array = np.maximum(np.sinh(np.maximum(at, 0.0)) ** 2 / d - 0.375, 0.0)
    return shifted


def _deviate(x: Array, mean: Array, dispersion: Array) -> Array:
    """How many spreads x lies above the mean, on the same scale."""
    d = np.maximum(dispersion, 1e-6)
    deviate: Array = (
        2.0 * (np.arcsinh(np.sqrt(d * (x + 0.375))) - np.arcsinh(np.sqrt(d * (mean + 0.375)))) / np.sqrt(d)
    )
    return deviate

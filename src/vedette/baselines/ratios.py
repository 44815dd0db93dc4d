"""Baselines of ratios: errors among requests, a client's share, cache hits."""

from statistics import NormalDist
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.bank import ERROR, SUM, TRIALS, WEIGHT, WINDOWS, Bank, BankSettings, Outlook
from vedette.baselines.judgement import Judgement
from vedette.baselines.special import Array
from vedette.baselines.tails import beta_binomial

_CLIP = 3.0
_FAR = 4.0
_TEMPER = 0.1
_EDGE = 1e-6


class RatioBank(Bank):
    """Counts x among n, as beta-binomial: a share that wanders from window to window, seen through n trials.

    The level is (sum of x + M p0) / (sum of n + M): the parent's share p0 counts as M requests, so that
    one error in three requests is not 33 %. How far the share wanders, relative to its binomial variance p
    (1 - p), is a weighted moment estimate (Williams 1982) from the errors of one-step-ahead predictions.
    """

    formula: ClassVar[str] = "ratio"
    seasonal: ClassVar[bool] = False
    neutral: ClassVar[float] = 1.0
    least_spread: float = 0.01

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
        super().__init__(settings)
        self.prior_mean = prior_mean
        self.prior_strength = prior_strength
        self.prior_spread = prior_spread

    def _prior_spread(self, rows: Array, _rhythm: Array) -> tuple[float, Array]:
        mean = self._means(rows, np.full(rows.shape[1], self.prior_mean))
        trials = rows[WEIGHT] * (1.0 - self._keep) + 1.0
        return self.prior_spread, 0.5 + 10.0 * _information(trials, mean)[1]

    def _prior_mean(self, look: Outlook) -> Array:
        return np.where(look.parent_ready & ~np.isnan(look.parent_level), look.parent_level, self.prior_mean)

    def _means(self, rows: Array, prior: Array) -> Array:
        m = self.prior_strength
        means: Array = (rows[SUM] + m * prior) / (rows[WEIGHT] + m)
        return np.clip(means, _EDGE, 1.0 - _EDGE)

    def _level(self, look: Outlook) -> Array:
        return look.chosen(self._means(look.rows, self._prior_mean(look)))

    def _correlation(self, look: Outlook, mean: Array) -> Array:
        unsure = 1.0 / (look.chosen(look.rows[WEIGHT]) + self.prior_strength + 1.0)
        return np.clip(look.spread * mean * (1.0 - mean) + unsure, _EDGE, 0.3)

    def _judge(self, look: Outlook, value: Array, exposure: Array | None) -> Judgement:
        n = _trials(exposure)
        mean = self._level(look)
        correlation = self._correlation(look, mean)
        some = n > 0.0
        high, low = beta_binomial(np.clip(value, 0.0, n), np.maximum(n, 1.0), mean, correlation)
        low_edge, high_edge = share_band(mean, n, correlation, self.settings.band)
        return self._verdict(
            look,
            some & (look.parent_ready | (look.rows[WINDOWS] > 0.0)),
            high,
            low,
            (low_edge, mean, high_edge),
            {"value": value, "exposure": n, "mean": mean, "correlation": correlation},
            look.parent_ready & (look.chosen(look.rows[WEIGHT]) < 10.0 * self.prior_strength),
        )

    def _learn(
        self, look: Outlook, value: Array, exposure: Array | None, time_us: int, weight: Array
    ) -> tuple[Array, Array]:
        rows = look.rows
        n = _trials(exposure)
        some = n > 0.0
        n = np.maximum(n, 1.0)
        weight = np.where(some, weight, 0.0)
        mean = self._level(look)
        sd = np.sqrt(1.0 / n + self._correlation(look, mean))
        share = value / n
        young = rows[WINDOWS] < 5
        # The bounds are those of the arcsine scale, moved out by half a request.
        kept = np.clip(share, _turned(mean, -_CLIP * sd) - 0.5 / n, _turned(mean, _CLIP * sd) + 0.5 / n)
        kept = np.clip(np.where(young, share, kept), 0.0, 1.0) * n

        means = self._means(rows, self._prior_mean(look))
        h, information = _information(n, means)
        chi = (kept - n * means) ** 2 / (n * means * (1.0 - means))
        unsure = n / (rows[WEIGHT] + self.prior_strength)
        keep, keep_error = self._kept(weight)
        tried = some & (rows[WEIGHT] > 0.0)
        rows[ERROR] = np.where(
            tried, rows[ERROR] * keep_error + weight * h * (chi - 1.0 - unsure), rows[ERROR]
        )
        rows[TRIALS] = np.where(tried, rows[TRIALS] * keep_error + weight * information, rows[TRIALS])
        rows[SUM] = np.where(some, rows[SUM] * keep + weight * kept, rows[SUM])
        rows[WEIGHT] = np.where(some, rows[WEIGHT] * keep + weight * n, rows[WEIGHT])

        z = _angle(np.clip((value + 0.375) / (n + 0.75), 0.0, 1.0)) - _angle((n * mean + 0.375) / (n + 0.75))
        z = 2.0 * z / sd
        side = np.where(young | ~some, 0.0, np.where(z > _FAR, 1.0, np.where(z < -_FAR, -1.0, 0.0)))
        self._follow_shift(look, side, share, time_us)
        return kept, weight

    def _restart(self, look: Outlook, at: NDArray[np.bool_], level: Array) -> None:
        rows = look.rows
        trials = np.maximum(10.0 * rows[WEIGHT] * (1.0 - self._keep), self.prior_strength)
        rows[SUM] = np.where(at, trials * level, rows[SUM])
        rows[WEIGHT] = np.where(at, trials, rows[WEIGHT])


def share_band(mean: Array, n: Array, correlation: Array, inside: float = 0.99) -> tuple[Array, Array]:
    """Between which shares a normal window lies with probability `inside`, about: on the arcsine scale.

    Args:
        mean: float64 (k,), expected share.
        n: float64 (k,), requests of the window.
        correlation: float64 (k,), as for `beta_binomial`.
        inside: Probability.
    """
    wide = NormalDist().inv_cdf(0.5 + 0.5 * inside) * np.sqrt(1.0 / np.maximum(n, 1.0) + correlation)
    return _turned(mean, -wide), _turned(mean, wide)


def _trials(exposure: Array | None) -> Array:
    if exposure is None:
        raise ValueError("a ratio needs its exposure: the requests that the count is among")
    return exposure


def _information(n: Array, mean: Array) -> tuple[Array, Array]:
    """Weight of a window in the dispersion estimate, and what that makes of its trials."""
    d = (n - 1.0) * mean * (1.0 - mean)
    h = d / ((1.0 + _TEMPER * d) ** 2 * (2.0 + 1.0 / (n * mean * (1.0 - mean))))
    return h, h * d


def _angle(share: Array) -> Array:
    angle: Array = np.arcsin(np.sqrt(share))
    return angle


def _turned(mean: Array, wide: Array) -> Array:
    """The share `wide` / 2 away on the arcsine scale, where its variance is constant (Anscombe 1948)."""
    turned: Array = np.sin(np.clip(_angle(mean) + 0.5 * wide, 0.0, 0.5 * np.pi)) ** 2
    return turned

"""Baselines of measured values: latencies and mean sizes on a log scale, gauges on their own."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.bank import ERROR, SUM, TRIALS, WEIGHT, WINDOWS, Bank, BankSettings, Outlook
from vedette.baselines.judgement import Judgement
from vedette.baselines.special import Array, StudentTail

_CLIP = 3.0
_FAR = 4.0


class LocationBank(Bank):
    """Values that scatter about a level: robust level and scale, Student's t beyond.

    With y the value on the working scale and n the requests it rests on, the variance of y is
    scale^2 + sampling / n: what a quantile of five requests says is discounted, in judging and in learning.
    """

    neutral: ClassVar[float] = 0.0
    degrees: ClassVar[int] = 20

    def __init__(
        self,
        settings: BankSettings | None = None,
        *,
        sampling: float = 0.0,
        prior_scale: float = 0.3,
        least_scale: float = 0.05,
        between: float = 1.0,
    ) -> None:
        """Lay out an empty bank.

        Args:
            settings: How to learn.
            sampling: Variance of the value on the working scale if it rested on one request, divided by n
            for n.
            prior_scale: Scale assumed until seen, worth ten windows.
            least_scale: Scale below which none is believed.
            between: Scale by which entities of one parent differ: how little a parent's level says about a
            child.
        """
        super().__init__(settings)
        self.sampling = sampling
        self.prior_scale = prior_scale
        self.least_scale = least_scale
        self.between = between
        self.least_spread = least_scale**2
        self._tail = StudentTail(self.degrees)
        self._t = _quantile(self._tail, 0.5 - 0.5 * self.settings.band)

    def _scaled(self, value: Array) -> Array:
        return value

    def _unscaled(self, level: Array) -> Array:
        return level

    def _prior_spread(self, rows: Array, _rhythm: Array) -> tuple[float, Array]:
        return self.prior_scale**2, np.full(rows.shape[1], 10.0)

    def _level(self, look: Outlook) -> Array:
        weight = look.chosen(look.rows[WEIGHT])
        known = weight > 0.0
        own = look.chosen(look.rows[SUM]) / np.where(known, weight, 1.0) + look.chosen(look.rhythm)
        return np.where(known, own, look.parent_level)

    def _variance(self, look: Outlook, exposure: Array | None) -> tuple[Array, Array]:
        """Variance of a value about the level, and the share of it that is not sampling."""
        spread = np.maximum(look.spread, self.least_scale**2)
        sampling = 0.0 if exposure is None else self.sampling / np.maximum(exposure, 1.0)
        return spread + sampling, spread / (spread + sampling)

    def _judge(self, look: Outlook, value: Array, exposure: Array | None) -> Judgement:
        level = self._level(look)
        known = ~np.isnan(level) & np.isfinite(value)
        location = np.where(known, level, 0.0)
        variance, _ = self._variance(look, exposure)
        weight = look.chosen(look.rows[WEIGHT])
        unsure = np.minimum(
            np.maximum(look.spread, self.least_scale**2) / np.maximum(weight, 1e-9), self.between**2
        )
        scale = np.sqrt(variance + unsure)
        t = (self._scaled(np.where(known, value, 1.0)) - location) / scale
        wide = self._t * scale
        band = self._unscaled(location - wide), self._unscaled(location), self._unscaled(location + wide)
        return self._verdict(
            look,
            known,
            self._tail.log10_tail(t),
            self._tail.log10_tail(-t),
            band,
            {
                "value": value,
                "location": location,
                "scale": scale,
                "degrees": np.full(len(value), float(self.degrees)),
            },
            look.parent_ready & (look.rows[WINDOWS] < 2 * self.settings.min_windows),
        )

    def _learn(
        self, look: Outlook, value: Array, exposure: Array | None, time_us: int, weight: Array
    ) -> tuple[Array, Array]:
        rows = look.rows
        some = np.isfinite(value)
        if exposure is not None:
            some &= exposure > 0.0
        y = self._scaled(np.where(some, value, 1.0))
        level = self._level(look)
        level = np.where(np.isnan(level), y, level)
        young = (rows[WINDOWS] < 5) | (look.chosen(rows[WEIGHT]) <= 0.0)
        variance, precision = self._variance(look, exposure)
        sd = np.sqrt(variance)
        kept = np.where(young, y, np.clip(y, level - _CLIP * sd, level + _CLIP * sd))
        sure = np.where(some, weight, 0.0) * precision

        there = ~np.isnan(look.rhythm) & some
        usual = np.where(there, look.rhythm, 0.0)
        keep, keep_error = self._kept(sure)
        tried = there & (rows[WEIGHT] > 1.0)
        error = (kept - rows[SUM] / np.maximum(rows[WEIGHT], 1e-9) - usual) ** 2 - (
            variance - variance * precision
        )
        rows[ERROR] = np.where(tried, rows[ERROR] * keep_error + sure * precision * error, rows[ERROR])
        rows[TRIALS] = np.where(tried, rows[TRIALS] * keep_error + sure * precision, rows[TRIALS])
        rows[SUM] = np.where(there, rows[SUM] * keep + sure * (kept - usual), rows[SUM])
        rows[WEIGHT] = np.where(there, rows[WEIGHT] * keep + sure, rows[WEIGHT])

        z = (y - level) / sd
        side = np.where(young | ~some, 0.0, np.where(z > _FAR, 1.0, np.where(z < -_FAR, -1.0, 0.0)))
        self._follow_shift(look, side, y, time_us)
        return kept, sure

    def _restart(self, look: Outlook, at: NDArray[np.bool_], level: Array) -> None:
        rows = look.rows
        usual = np.where(np.isnan(look.rhythm), 0.0, look.rhythm)
        rows[SUM] = np.where(at, 10.0 * (level - usual), rows[SUM])
        rows[WEIGHT] = np.where(at, 10.0, rows[WEIGHT])


class GaugeBank(LocationBank):
    """A value on its own scale: a queue length, a temperature, a score."""

    formula: ClassVar[str] = "gauge"


class LogBank(LocationBank):
    """A positive value on a log scale: a latency quantile, bytes per request. Below `smallest` it is that."""

    formula: ClassVar[str] = "log"
    smallest: ClassVar[float] = 1e-6

    def _scaled(self, value: Array) -> Array:
        scaled: Array = np.log(np.maximum(value, self.smallest))
        return scaled

    def _unscaled(self, level: Array) -> Array:
        unscaled: Array = np.exp(np.minimum(level, 700.0))
        return unscaled


def quantile_sampling(quantile: float, spread: float = 1.0) -> float:
    """Sampling variance of the log of a quantile of one request, for `LogBank(sampling=...)`.

    q (1 - q) / f^2 (Mosteller 1946) for log-normal latencies whose logs have standard deviation `spread`;
    f is their density at the quantile. Divided by n it is the variance of the quantile of n requests.

    Args:
        quantile: Inside (0, 1).
        spread: Of single requests' log latencies; 1 is wide.

    Raises:
        ValueError: The quantile is not inside (0, 1).
    """
    from statistics import NormalDist

    if not 0.0 < quantile < 1.0:
        raise ValueError(f"quantile = {quantile}: must be inside (0, 1)")
    normal = NormalDist()
    return quantile * (1.0 - quantile) * (spread / normal.pdf(normal.inv_cdf(quantile))) ** 2


def _quantile(tail: StudentTail, p: float) -> float:
    """The t whose tail is p, by bisection."""
    low, high = 0.0, 1e3
    for _ in range(80):
        middle = 0.5 * (low + high)
        if 10.0 ** -float(tail.log10_tail(np.array(middle))) > p:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)

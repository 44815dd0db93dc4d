"""From a score to how rarely a usual one is as high."""

import math
from functools import lru_cache
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.pareto import HEAVIEST, fit_excess
from vedette.detectors.learned.card import LARGE, ModelError, finite, within
from vedette.schema.anomaly import Band, Formula
from vedette.windows.quantiles import quantile, quantiles

PEAKS = 0.1
"""Share of usual scores from which the tail begins."""
_SHAPE_VARIANCE = 4.0 / 3.0
"""Times the number of scores above the start, the variance of the shape of an exponential tail that is fitted by
probability-weighted moments (Hosking and Wallis 1987)."""
_EXPONENTIAL = 1e-6
"""Shape below which a tail counts as exponential."""


_MOST_USUAL: Final = 1_000


@lru_cache(maxsize=1024)  # asked for each window of each service
def _ranked(usual: tuple[float, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Quantiles as an array, and their ranks."""
    return np.array(usual, dtype=np.float64), np.linspace(0.0, 1.0, len(usual))


class Tail(msgspec.Struct, frozen=True):
    """The upper tail of usual scores, a generalised Pareto distribution above `start` (Pickands 1975).

    Attributes:
        start: Score from which it holds. rate: Share of usual scores above it.
        scale, shape: P(score > x) = rate * (1 + shape * (x - start) / scale) ** (-1 / shape); exponential where the
            shape is 0. A lighter tail than that counts as exponential: what is stated is then less than what is so.
        usual: Quantiles 0, 0.01 .. 1 of usual scores, for ranks below the start and for bands.
        rows: Scores it was fitted to.
    """

    start: float
    rate: float
    scale: float
    shape: float
    usual: tuple[float, ...]
    rows: int

    def refuse(self, name: str) -> None:
        """Refuse what is no tail, called by a name. Raises `ModelError`."""
        within(f"{name}.start", self.start, -LARGE, LARGE)
        within(f"{name}.rate", self.rate, 1.0 / LARGE, 1.0)
        within(f"{name}.scale", self.scale, 1.0 / LARGE, LARGE)
        within(f"{name}.shape", self.shape, 0.0, HEAVIEST)
        within(f"the count of {name}.usual", len(self.usual), 1, _MOST_USUAL)
        finite(f"{name}.usual", self.usual)
        if any(after < before for before, after in pairwise(self.usual)):
            raise ModelError(
                f"its card has {name}.usual in another order than ascending: quantiles never fall"
            )

    def surprise(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """-log10 of the share of usual scores that are as high, float64 (n,)."""
        rank = np.interp(score, *_ranked(self.usual))
        body = -np.log10(np.maximum(1.0 - rank, self.rate))
        excess = np.maximum(score - self.start, 0.0) / self.scale
        decay = excess if self.shape < _EXPONENTIAL else np.log1p(self.shape * excess) / self.shape
        return np.asarray(np.where(score > self.start, -math.log10(self.rate) + decay / math.log(10.0), body))

    def critical(self, surprise: float) -> float:
        """The score that is so surprising; at least the start."""
        decay = max(0.0, (surprise + math.log10(self.rate)) * math.log(10.0))
        if self.shape < _EXPONENTIAL:
            return self.start + decay * self.scale
        return self.start + math.expm1(self.shape * decay) / self.shape * self.scale

    def quantile(self, share: float) -> float:
        """A quantile of usual scores."""
        usual, ranks = _ranked(self.usual)
        return float(np.interp(share, ranks, usual))

    def band(self) -> Band:
        """Where usual scores lie: the least, the middle, and what one in a hundred exceeds."""
        return Band(self.quantile(0.0), self.quantile(0.5), self.quantile(0.99))

    def formula(self, score: float) -> Formula:
        """The arithmetic by which a score above the start is as surprising as it is."""
        inputs = {
            "value": score,
            "start": self.start,
            "rate": self.rate,
            "scale": self.scale,
            "shape": self.shape,
        }
        return Formula("exceedance", inputs, float(self.surprise(np.array([score]))[0]))


def fit_tail(scores: NDArray[np.float64], *, least_scale: float, sums: bool = False) -> Tail:
    """Fit the tail of usual scores, those of a time that the model has not seen.

    Args:
        scores: float64 (n,), n > 0. least_scale: Of scores that are all alike, the difference that would matter.
        sums: Scores are sums of many parts over the root of their number. The tails of such are no heavier than
            exponential unless clients differ, so of a heavier shape counts what is beyond its standard error.
    """
    start = quantile(scores, 1.0 - PEAKS)
    excess = scores[scores > start] - start
    rate = (len(excess) + 1.0) / (len(scores) + 1.0)
    scale, shape = fit_excess(excess) if len(excess) else (least_scale, 0.0)
    if sums and shape > 0.0:
        # The mean of what is above the start stays: scale / (1 - shape).
        mean, shape = scale / (1.0 - shape), max(0.0, shape - math.sqrt(_SHAPE_VARIANCE / len(excess)))
        scale = mean * (1.0 - shape)
    scale = max(least_scale, scale)
    usual = quantiles(scores, np.linspace(0.0, 1.0, 101))
    return Tail(start, rate, scale, shape, tuple(float(value) for value in usual), len(scores))

"""Baselines of measured values: latencies and mean sizes on a log scale, gauges on their own."""

from statistics import NormalDist
from typing import ClassVar

from vedette.baselines.bank import Bank
from vedette.baselines.bank_settings import BankSettings
from vedette.baselines.formulas import student_tail
from vedette.kernels.baselines.baseline_layout import (
    BAND,
    BETWEEN,
    DEGREES,
    GAUGE,
    LEAST_SPREAD,
    LOG,
    PRIOR_SPREAD,
    SAMPLING,
    SMALLEST,
)


class LocationBank(Bank):
    """Values that scatter about a level: robust level and scale, Student's t beyond.

    With y the value on the working scale and n the requests it rests on, the variance of y is
    scale^2 + sampling / n: what a quantile of five requests says is discounted, in judging and in learning.
    """

    judged_degrees: ClassVar[int] = 20

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
        known = settings or BankSettings()
        super().__init__(
            known,
            {
                BAND: _quantile(self.judged_degrees, 0.5 - 0.5 * known.band),
                LEAST_SPREAD: least_scale**2,
                PRIOR_SPREAD: prior_scale**2,
                SAMPLING: sampling,
                BETWEEN: between**2,
                DEGREES: self.judged_degrees,
                SMALLEST: 1e-6,
            },
        )


class GaugeBank(LocationBank):
    """A value on its own scale: a queue length, a temperature, a score."""

    formula: ClassVar[str] = "gauge"
    family: ClassVar[int] = GAUGE


class LogBank(LocationBank):
    """A positive value on a log scale: a latency quantile, bytes per request. Below 1e-6 it is that."""

    formula: ClassVar[str] = "log"
    family: ClassVar[int] = LOG


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
    if not 0.0 < quantile < 1.0:
        raise ValueError(f"quantile = {quantile}: must be inside (0, 1)")
    normal = NormalDist()
    return quantile * (1.0 - quantile) * (spread / normal.pdf(normal.inv_cdf(quantile))) ** 2


def _quantile(degrees: int, p: float) -> float:
    """The t whose tail is p, by bisection."""
    low, high = 0.0, 1e3
    for _ in range(80):
        middle = 0.5 * (low + high)
        if 10.0 ** -student_tail(middle, degrees) > p:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)

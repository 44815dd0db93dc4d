"""Recompute an anomaly's result from the formula's name and inputs alone."""

import math
from collections.abc import Callable

from vedette.baselines.formulas import FORMULAS as TAILS
from vedette.baselines.formulas import recompute as recompute_tail
from vedette.schema.anomaly import Formula


def _share(part: float, whole: float) -> float:
    return part / whole


def _difference(observed: float, threshold: float) -> float:
    return observed - threshold


def _count(count: float) -> float:
    return count


def _linear_count(ones: float, bits: float) -> float:
    """Distinct values behind a bitmap (Whang et al. 1990); a full one counts as one bit short of full."""
    return bits * math.log(bits / max(1.0, bits - ones))


def _exceedance(value: float, start: float, rate: float, scale: float, shape: float) -> float:
    """-log10 of P(a usual value is above this one), in a generalised Pareto tail (Pickands 1975) from `start` on."""
    excess = (value - start) / scale
    decay = excess if shape < 1e-6 else math.log1p(shape * excess) / shape
    return -math.log10(rate) + decay / math.log(10.0)


def _noisy_or(confidence: float, count: float) -> float:
    """Probability that at least one of `count` independent witnesses is right (Pearl 1988)."""
    return float(1.0 - (1.0 - confidence) ** count)


def _silence(silent: float, empty: float, windows: float) -> float:
    """-log10 of how unlikely so many empty windows in a row are, by Laplace's rule of succession for each."""
    return silent * _succession(empty, windows)


def _succession(new: float, trials: float) -> float:
    """-log10 of Laplace's rule of succession: how unlikely something new is after it came `new` times."""
    return -math.log10((new + 1) / (trials + 2))


def _sequential_odds(failed: float, answered: float, fails_in_scan: float, fails_usually: float) -> float:
    """log10 of the likelihood ratio of first contacts (Jung et al. 2004, equation 3)."""
    return failed * math.log10(fails_in_scan / fails_usually) + answered * math.log10(
        (1.0 - fails_in_scan) / (1.0 - fails_usually)
    )


def _deviations(value: float, mean: float, stddev: float) -> float:
    return (value - mean) / stddev


RULES: dict[str, Callable[..., float]] = {
    "count": _count,
    "deviations": _deviations,
    "difference": _difference,
    "exceedance": _exceedance,
    "linear_count": _linear_count,
    "noisy_or": _noisy_or,
    "sequential_odds": _sequential_odds,
    "share": _share,
    "silence": _silence,
    "succession": _succession,
}
"""Formulas of detectors that need no baseline; those with one are in `vedette.baselines.formulas`."""


def formula_names() -> tuple[str, ...]:
    """Every name that an anomaly's formula may have."""
    return tuple(sorted({*RULES, *TAILS}))


def recompute(formula: Formula) -> float:
    """The result that the inputs give.

    Raises:
        KeyError: No formula has that name.
        TypeError: The inputs are not those of the formula.
    """
    if formula.name in TAILS:
        return recompute_tail(formula.name, formula.inputs)
    return RULES[formula.name](**formula.inputs)

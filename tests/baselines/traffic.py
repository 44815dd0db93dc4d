"""Simulated metrics with a known law, and a walk of a bank through them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from vedette.baselines.bank import Bank
from vedette.baselines.judgement import Judgement

MINUTE = 60_000_000
START = 1_699_833_600_000_000  # Monday 2023-11-13 00:00 UTC


@dataclass(frozen=True)
class Step:
    """One window: values (k,) and the requests they rest on."""

    value: np.ndarray
    exposure: np.ndarray | None = None


def walk(bank: Bank, steps: Iterable[Step], *, first: int = 0, learn: bool = True) -> list[Judgement]:
    """Judge and learn window after window; entity i is slot i."""
    found = []
    for number, step in enumerate(steps, start=first):
        slots = np.arange(len(step.value), dtype=np.int32)
        time = START + number * MINUTE
        judgement = bank.judge(slots, step.value, step.exposure, time)
        found.append(judgement)
        if learn:
            bank.update(slots, step.value, step.exposure, time, judgement.weight)
    return found


def exceedances(judgements: list[Judgement], level: float, *, low: bool = False) -> float:
    """Share of ready windows with a surprise above `level`, over the share promised."""
    surprise = np.concatenate([(j.log10_p_low if low else j.log10_p_high)[j.ready] for j in judgements])
    assert len(surprise) > 10**level * 5, "too few windows to tell"
    return float((surprise > level).mean() * 10**level)


def negative_binomial(rng: np.random.Generator, mean: np.ndarray, dispersion: float) -> np.ndarray:
    """Counts of variance mean + dispersion mean^2."""
    size = 1.0 / dispersion
    return rng.negative_binomial(size, size / (size + mean)).astype(np.float64)

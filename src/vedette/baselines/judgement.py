"""What a bank says about the windows it is shown."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.special import Array
from vedette.schema.anomaly import Band, Formula


class Season(IntEnum):
    """Which rhythm a baseline follows."""

    NONE = 0
    DAY = 1
    """Hour of the day."""
    WEEK = 2
    """Hour of the week."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """How rare each of k windows is under its own baseline. Columns of shape (k,), in the order asked.

    Attributes:
        formula: Family: with `_high` or `_low` after it, a name in `vedette.baselines.formulas.FORMULAS`.
        log10_p_high: float64: -log10 of the probability of a value at least this large. Never negative, and 0
            where not ready. Not capped: 300 and more are told apart.
        log10_p_low: float64: the same for a value at most this small.
        expected_low, expected_mid, expected_high: float64, in the unit of the observed value (for ratios: the
            share, 0..1): the middle, and the band left with the probability the bank was built with. NaN
            where nothing is known at all.
        sample_count: int64: windows of the entity's own that the baseline has learned from.
        ready: bool: False where too little was seen to judge.
        season: int8: a `Season`.
        memory: int32: windows that the local level looks back over.
        parent: bool: True where the parent's baseline filled in for too little history.
        weight: float64, 0..1: how much the window should teach the baseline: pass it to `update`.
        inputs: The formula's arguments by name, float64.
    """

    formula: str
    log10_p_high: Array
    log10_p_low: Array
    expected_low: Array
    expected_mid: Array
    expected_high: Array
    sample_count: NDArray[np.int64]
    ready: NDArray[np.bool_]
    season: NDArray[np.int8]
    memory: NDArray[np.int32]
    parent: NDArray[np.bool_]
    weight: Array
    inputs: dict[str, Array]

    def __len__(self) -> int:
        return len(self.ready)

    def part(self, rows: slice) -> "Judgement":
        """Some of the windows, in their order; arrays are shared."""
        return Judgement(
            formula=self.formula,
            log10_p_high=self.log10_p_high[rows],
            log10_p_low=self.log10_p_low[rows],
            expected_low=self.expected_low[rows],
            expected_mid=self.expected_mid[rows],
            expected_high=self.expected_high[rows],
            sample_count=self.sample_count[rows],
            ready=self.ready[rows],
            season=self.season[rows],
            memory=self.memory[rows],
            parent=self.parent[rows],
            weight=self.weight[rows],
            inputs={name: column[rows] for name, column in self.inputs.items()},
        )

    def formula_of(self, index: int, side: Literal["high", "low"] = "high") -> Formula:
        """The arithmetic of one window, for the anomaly that rests on it."""
        tail = self.log10_p_high if side == "high" else self.log10_p_low
        inputs = {name: float(column[index]) for name, column in self.inputs.items()}
        return Formula(f"{self.formula}_{side}", inputs, float(tail[index]))

    def band_of(self, index: int) -> Band:
        """What was expected of one window; None where unknown."""
        low, mid, high = (
            float(column[index]) for column in (self.expected_low, self.expected_mid, self.expected_high)
        )
        if np.isnan(mid):
            return Band(None, None, None)
        return Band(low, mid, high)


def influence(log10_p: Array) -> Array:
    """How much a window of this rarity should teach its baseline: 1 down to 0.02.

    Full weight up to one in 300, then falling with the square root of the probability. It never reaches 0, so
    that a baseline cannot be locked out of a new normal for ever.
    """
    return np.clip(10.0 ** (-0.5 * (log10_p - 2.5)), 0.02, 1.0)

"""What a bank says about the windows it is shown."""

from enum import IntEnum
from statistics import NormalDist
from typing import Final, Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.baselines.baseline_layout import (
    BAND_HIGH,
    BAND_LOW,
    BAND_MIDDLE,
    CENTRE,
    EXPERT,
    HIGH,
    LOW,
    PARENT,
    SAMPLES,
    TEACHES,
    WIDTH,
)
from vedette.schema.anomaly import Band, Formula

Array: TypeAlias = NDArray[np.float64]


class Season(IntEnum):
    """Which rhythm a baseline follows."""

    NONE = 0
    DAY = 1
    """Hour of the day."""
    WEEK = 2
    """Hour of the week."""


HALF_WIDTH: Final = NormalDist().inv_cdf(0.995)
"""Spreads on each side of the middle of a band that 99 % of normal windows are inside."""
_SEASON_OF: Final = np.array([Season.NONE, Season.NONE, Season.DAY, Season.WEEK], dtype=np.int8)
_CENTRE_AND_WIDTH: Final = {
    "count": ("mean", "dispersion"),
    "ratio": ("mean", "correlation"),
    "log": ("location", "scale"),
    "gauge": ("location", "scale"),
}


class Judgement(msgspec.Struct):
    """How rare each of k windows is under its own baseline, in the order asked.

    Attributes:
        formula: Family: with `_high` or `_low` after it, a name in `vedette.baselines.formulas.FORMULAS`.
        table: float64 (JUDGEMENT_ROWS, k), as `vedette.kernels.baselines.baseline_layout` lays it out; the properties
            below name its rows.
        ready: bool (k,): False where too little was seen to judge.
        value: float64 (k,), what was judged.
        exposure: float64 (k,), of ratios: the requests they are among. None for other families.
        memories: int32 (EXPERTS,): windows that each expert looks back over.
        degrees: Of freedom, where the formula is a Student's t.
    """

    formula: str
    table: Array
    ready: NDArray[np.bool_]
    value: Array
    exposure: Array | None
    memories: NDArray[np.int32]
    degrees: int = 0

    def __len__(self) -> int:
        return len(self.ready)

    @property
    def log10_p_high(self) -> Array:
        """-log10 of the probability of a value at least this large.

        Never negative, and 0 where not ready. Not capped: 300 and more are told apart.
        """
        return self._row(HIGH)

    @property
    def log10_p_low(self) -> Array:
        """-log10 of the probability of a value at most this small."""
        return self._row(LOW)

    @property
    def expected_low(self) -> Array:
        """Lower edge of the band left with the probability the bank was built with, in the value's unit.

        For ratios the share, 0..1. NaN where nothing is known at all.
        """
        return self._row(BAND_LOW)

    @property
    def expected_mid(self) -> Array:
        """What was expected."""
        return self._row(BAND_MIDDLE)

    @property
    def expected_high(self) -> Array:
        """Upper edge of the band."""
        return self._row(BAND_HIGH)

    @property
    def sample_count(self) -> NDArray[np.int64]:
        """Windows of the entity's own that the baseline has learned from, int64 (k,)."""
        return self._row(SAMPLES).astype(np.int64)

    @property
    def season(self) -> NDArray[np.int8]:
        """A `Season` each, int8 (k,)."""
        seasons: NDArray[np.int8] = _SEASON_OF[self.table[EXPERT].astype(np.intp)]
        return seasons

    @property
    def memory(self) -> NDArray[np.int32]:
        """Windows that the local level looks back over, int32 (k,)."""
        memory: NDArray[np.int32] = self.memories[self.table[EXPERT].astype(np.intp)]
        return memory

    @property
    def parent(self) -> NDArray[np.bool_]:
        """Where the parent's baseline filled in for too little history, bool (k,)."""
        return self._row(PARENT) > 0.0

    @property
    def weight(self) -> Array:
        """0..1: how much the window should teach the baseline: pass it to `Bank.update`."""
        return self._row(TEACHES)

    @property
    def centre(self) -> Array:
        """The formula's mean or location."""
        return self._row(CENTRE)

    @property
    def width(self) -> Array:
        """The formula's dispersion, correlation or scale."""
        return self._row(WIDTH)

    @property
    def inputs(self) -> dict[str, Array]:
        """The formula's arguments by name, float64 (k,) each."""
        constants = self._constants().items()
        return dict(self._columns()) | {name: np.full(len(self), number) for name, number in constants}

    def part(self, rows: slice) -> "Judgement":
        """Some of the windows, in their order; arrays are shared."""
        return Judgement(
            self.formula,
            self.table[:, rows],
            self.ready[rows],
            self.value[rows],
            None if self.exposure is None else self.exposure[rows],
            self.memories,
            self.degrees,
        )

    def formula_of(self, index: int, side: Literal["high", "low"] = "high") -> Formula:
        """The arithmetic of one window, for the anomaly that rests on it."""
        tail = self.table[HIGH if side == "high" else LOW, index]
        inputs = {name: float(column[index]) for name, column in self._columns()} | self._constants()
        return Formula(f"{self.formula}_{side}", inputs, float(tail))

    def band_of(self, index: int) -> Band:
        """What was expected of one window; None where unknown."""
        low, mid, high = (float(self.table[row, index]) for row in (BAND_LOW, BAND_MIDDLE, BAND_HIGH))
        if np.isnan(mid):
            return Band(None, None, None)
        return Band(low, mid, high)

    def _row(self, number: int) -> Array:
        row: Array = self.table[number]
        return row

    def _columns(self) -> list[tuple[str, Array]]:
        centre, width = _CENTRE_AND_WIDTH[self.formula]
        columns = [("value", self.value)]
        if self.exposure is not None:
            columns.append(("exposure", self.exposure))
        return [*columns, (centre, self.centre), (width, self.width)]

    def _constants(self) -> dict[str, float]:
        return {"degrees": float(self.degrees)} if self.degrees else {}

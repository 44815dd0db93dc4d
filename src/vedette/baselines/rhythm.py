"""Seasonal cells: what a metric usually is at each hour of the day, or of the week."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.special import Array

HOUR_US: Final = 3_600_000_000
_THURSDAY: Final = 72
"""The epoch began on a Thursday: hours to add so that cell 0 of a week is Monday 00:00 UTC."""


class Rhythm:
    """Forgetting averages in a ring of hourly cells, for those entities that have earned them.

    A row of cells is allocated when an entity has lived long enough to need it, and costs 8 bytes a cell.
    Between the middles of two hours the value is interpolated. Hours are those of the calendar that the times
    given were read from.
    """

    __slots__ = ("_mean", "_row", "_rows", "_weight", "cells", "hour_windows", "memory")

    def __init__(self, cells: int, window_us: int, cycles: float) -> None:
        """Lay out empty cells.

        Args:
            cells: 24 for a day, 168 for a week.
            window_us: Span of a window, microseconds.
            cycles: Cycles after which an old value counts a third.
        """
        self.cells = cells
        self.hour_windows = max(1.0, HOUR_US / window_us)
        self.memory = cycles * self.hour_windows
        self._row: NDArray[np.int32] = np.full(0, -1, dtype=np.int32)
        self._mean: NDArray[np.float32] = np.zeros((0, cells), dtype=np.float32)
        self._weight: NDArray[np.float32] = np.zeros((0, cells), dtype=np.float32)
        self._rows = 0

    def grow(self, slots: int) -> None:
        """Make room for slot numbers below `slots`."""
        row = np.full(slots, -1, dtype=np.int32)
        row[: len(self._row)] = self._row
        self._row = row

    def at(self, slots: NDArray[np.intp], time_us: int) -> tuple[Array, NDArray[np.bool_]]:
        """The usual value at a time, and whether both hours around it have been seen.

        Returns:
            float64 (k,) and bool (k,).
        """
        value = np.zeros(len(slots))
        known = np.zeros(len(slots), dtype=np.bool_)
        if not self._rows:
            return value, known
        row = self._row[slots]
        have = np.flatnonzero(row >= 0)
        if len(have):
            row = row[have]
            first, share = self._position(time_us)
            second = (first + 1) % self.cells
            enough = 0.5 * self.hour_windows
            known[have] = (self._weight[row, first] >= enough) & (self._weight[row, second] >= enough)
            value[have] = (1.0 - share) * self._mean[row, first] + share * self._mean[row, second]
        return value, known

    def learn(self, slots: NDArray[np.intp], value: Array, weight: Array, time_us: int) -> None:
        """Add one window each to the cell of its hour. Slots without a row are given one."""
        new = slots[self._row[slots] < 0]
        if len(new):
            self._allocate(new)
        row = self._row[slots]
        cell = (time_us // HOUR_US + (_THURSDAY if self.cells == 168 else 0)) % self.cells
        before = self._weight[row, cell] * (1.0 - 1.0 / self.memory)
        after = before + weight
        self._weight[row, cell] = after
        self._mean[row, cell] += np.where(after > 0.0, weight / np.maximum(after, 1e-9), 0.0) * (
            value - self._mean[row, cell]
        )

    def forget(self, slots: NDArray[np.intp]) -> None:
        """Start again for slots whose level has shifted for good: their old cells say nothing any more."""
        row = self._row[slots]
        row = row[row >= 0]
        self._weight[row] = 0.0
        self._mean[row] = 0.0

    def _position(self, time_us: int) -> tuple[int, float]:
        """The cell whose middle lies before a time, and how far towards the next middle the time is."""
        hours, rest = divmod(time_us - HOUR_US // 2, HOUR_US)
        return (hours + (_THURSDAY if self.cells == 168 else 0)) % self.cells, rest / HOUR_US

    def _allocate(self, slots: NDArray[np.intp]) -> None:
        need = self._rows + len(slots)
        if need > len(self._mean):
            capacity = max(16, need, min(2 * len(self._mean), len(self._row)))
            for name in ("_mean", "_weight"):
                grown = np.zeros((capacity, self.cells), dtype=np.float32)
                grown[: self._rows] = getattr(self, name)[: self._rows]
                setattr(self, name, grown)
        self._row[slots] = np.arange(self._rows, need, dtype=np.int32)
        self._rows = need

    def state(self) -> dict[str, Any]:
        """Plain arrays that `restore` takes."""
        return {"row": self._row, "mean": self._mean[: self._rows], "weight": self._weight[: self._rows]}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave.

        Raises:
            ValueError: The arrays do not fit each other or this rhythm.
        """
        row, mean, weight = state["row"], state["mean"], state["weight"]
        used = row[row >= 0]
        if mean.shape != weight.shape or mean.ndim != 2 or mean.shape[1] != self.cells:
            raise ValueError(
                f"seasonal cells have shapes {mean.shape} and {weight.shape}: must be (rows, {self.cells})"
            )
        if len(used) != len(mean) or not np.array_equal(np.sort(used), np.arange(len(mean))):
            raise ValueError("seasonal rows are not a permutation of the rows stored")
        self._row, self._mean, self._weight, self._rows = row, mean, weight, len(mean)

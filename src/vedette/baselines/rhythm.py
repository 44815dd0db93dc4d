"""Seasonal cells: what a metric usually is at each hour of the day, or of the week."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Rhythm:
    """Forgetting averages in a ring of hourly cells, for those entities that have earned them.

    A row of cells is taken when an entity has lived long enough to need it, and costs 8 bytes a cell. The kernels
    of `vedette.kernels.baselines.baseline` read and fill the cells; hours are those of the calendar that the times
    given to them were read from.

    Attributes:
        cells: 24 for a day, 168 for a week.
        row: int32 (slots,), each slot's row of cells, or -1.
        mean, weight: float32 (rows, cells).
    """

    __slots__ = ("cells", "mean", "row", "weight")

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.row: NDArray[np.int32] = np.full(0, -1, dtype=np.int32)
        self.mean: NDArray[np.float32] = np.zeros((0, cells), dtype=np.float32)
        self.weight: NDArray[np.float32] = np.zeros((0, cells), dtype=np.float32)

    def grow(self, slots: int) -> None:
        """Make room for slot numbers below `slots`."""
        row = np.full(slots, -1, dtype=np.int32)
        row[: len(self.row)] = self.row
        self.row = row

    def reserve(self, rows: int, used: int) -> None:
        """Make room for `rows` rows of cells, of which the first `used` hold something."""
        if rows <= len(self.mean):
            return
        capacity = max(16, rows, min(2 * len(self.mean), len(self.row)))
        for name in ("mean", "weight"):
            grown = np.zeros((capacity, self.cells), dtype=np.float32)
            grown[:used] = getattr(self, name)[:used]
            setattr(self, name, grown)

    def state(self, used: int) -> dict[str, Any]:
        """Plain arrays that `restore` takes."""
        return {"row": self.row, "mean": self.mean[:used], "weight": self.weight[:used]}

    def restore(self, state: dict[str, Any]) -> int:
        """Take over what `state` gave; returns how many rows of cells it holds.

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
        if not (np.isfinite(mean).all() and np.isfinite(weight).all()):
            raise ValueError("seasonal cells hold what is not a number")
        self.row = np.asarray(row, dtype=np.int32)
        self.mean, self.weight = np.asarray(mean, dtype=np.float32), np.asarray(weight, dtype=np.float32)
        return len(mean)

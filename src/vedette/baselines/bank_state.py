"""What a bank of baselines holds, as bytes and back."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.judgement import Array
from vedette.baselines.rhythm import Rhythm
from vedette.baselines.snapshot import pack, unpack
from vedette.kernels.baselines.baseline_layout import (
    ERROR,
    LONG_ERROR,
    LONG_TRIALS,
    STATE_COLUMNS,
    SUM,
    TRIALS,
    WEIGHT,
)
from vedette.kernels.baselines.baseline_outlook import DAY_CELLS, WEEK_CELLS

_PARTS: Final = ("row", "mean", "weight")
"""Of a rhythm."""


class BankState(NamedTuple):
    """Everything that a bank has learned.

    Attributes:
        levels: float64 (slots, STATE_COLUMNS). parents: int32 (slots,), -1 for none.
        clock: Windows so far. time: Start of the last, microseconds; -1 before the first.
        day, week: Seasonal cells. used: Rows of each that hold something.
    """

    levels: Array
    parents: NDArray[np.int32]
    clock: int
    time: int
    day: Rhythm
    week: Rhythm
    used: tuple[int, int]

    def pack(self, kind: str) -> bytes:
        """It as bytes; see `vedette.baselines.snapshot`."""
        arrays: dict[str, NDArray[np.generic]] = {"state": self.levels, "parents": self.parents}
        for name, cells, used in zip(("day", "week"), (self.day, self.week), self.used, strict=True):
            arrays |= {f"{name}_{part}": array for part, array in cells.state(used).items()}
        return pack(kind, {"clock": self.clock, "time": self.time}, arrays)

    @classmethod
    def unpack(cls, content: bytes, kind: str, *, cap: int, counts: bool) -> "BankState":
        """What `pack` gave.

        Args:
            kind: Of the bank that is to go on with it. cap: Its most slots. counts: Whether its levels are of counts.

        Raises:
            ValueError: Damaged, or of another kind or version.
        """
        numbers, arrays = unpack(content, kind)
        expected = {"state", "parents"} | {f"{name}_{part}" for name in ("day", "week") for part in _PARTS}
        if set(arrays) != expected or set(numbers) != {"clock", "time"}:
            raise ValueError(f"baseline state holds {sorted(arrays)}: must hold {sorted(expected)}")
        levels = np.asarray(arrays["state"], dtype=np.float64)
        parents = np.asarray(arrays["parents"], dtype=np.int32)
        if levels.ndim != 2 or levels.shape[1] != STATE_COLUMNS or parents.shape != levels.shape[:1]:
            raise ValueError(f"baseline state has shape {levels.shape}: must be (slots, {STATE_COLUMNS})")
        if len(levels) > cap:
            raise ValueError(f"baseline state has {len(levels)} slots: must be at most {cap}")
        _check_levels(levels, counts=counts)
        if len(parents) and not (-1 <= int(parents.min()) <= int(parents.max()) < len(parents)):
            raise ValueError("baseline state names parents that it does not hold")
        day, week = Rhythm(DAY_CELLS), Rhythm(WEEK_CELLS)
        used = []
        for name, cells in (("day", day), ("week", week)):
            if arrays[f"{name}_row"].shape != parents.shape:
                raise ValueError(f"baseline state: {name} rows do not match the slots")
            used.append(cells.restore({part: arrays[f"{name}_{part}"] for part in _PARTS}))
        return cls(
            levels, parents, int(numbers["clock"]), int(numbers["time"]), day, week, (used[0], used[1])
        )


def _check_levels(levels: Array, *, counts: bool) -> None:
    """Refuse levels that no windows could have made."""
    # LONG_ERROR is what errors exceed the expected by, and may be below 0.
    weights = levels[
        :, [*range(WEIGHT, ERROR), *range(TRIALS, LONG_ERROR), *range(LONG_TRIALS, STATE_COLUMNS)]
    ]
    if not np.isfinite(levels).all() or (weights < 0.0).any():
        raise ValueError("baseline state holds levels that no windows could have made")
    if counts and (levels[:, SUM:WEIGHT] < 0.0).any():
        raise ValueError("baseline state holds counts below 0")

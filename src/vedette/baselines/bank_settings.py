"""How a bank of baselines learns, and the numbers that this is for kernels."""

from typing import Final

import msgspec

from vedette.kernels.baselines.baseline_layout import (
    BORROWING_WINDOWS,
    DAY,
    DAY_MEMORY,
    DAY_US,
    FAST,
    HOUR_WINDOWS,
    KEEP,
    KEEP_ERROR,
    KEEP_LONG,
    MIN_WINDOWS,
    SHIFT_US,
    SLOW,
    WEEK,
    WEEK_MEMORY,
    WEEK_US,
)
from vedette.kernels.baselines.baseline_outlook import HOUR_US

_DAY_CYCLES: Final = 7.0
_WEEK_CYCLES: Final = 4.0
"""Days, weeks after which an old value of a seasonal cell counts a third."""
_SEASONS_COMPARED: Final = 2.0
"""Weeks over which the hour of day and the hour of week are compared: each must have had several Sundays to show."""


class BankSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a bank learns. Memories are in windows: after that many an old one counts a third."""

    window_us: int = 60_000_000
    slow: float = 90.0
    fast: float = 12.0
    spread_memory: float = 720.0
    min_windows: int = 30
    """Own windows without which an entity is not judged on its own."""
    borrowing_windows: int = 15
    """Own windows from which it is judged where its parent is ready."""
    day_cycles: float = 3.0
    week_cycles: float = 2.0
    """Days and weeks of history from which the hour of day and of week may be used."""
    shift_hours: float = 12.0
    """A level held for this long, or for as long as the old one was known if that is less (but at least an
    hour), is the new normal."""
    band: float = 0.99
    """Probability that a normal window is inside the expected band."""
    cap: int = 65_536
    """Most slots."""

    def numbers(self) -> dict[int, float]:
        """The entries of the kernels' settings that all families share."""
        hour_windows = max(1.0, HOUR_US / self.window_us)
        return {
            KEEP + SLOW: 1.0 - 1.0 / self.slow,
            KEEP + FAST: 1.0 - 1.0 / self.fast,
            KEEP + DAY: 1.0 - 1.0 / self.slow,
            KEEP + WEEK: 1.0 - 1.0 / self.slow,
            KEEP_ERROR: 1.0 - 1.0 / self.spread_memory,
            KEEP_LONG: 1.0 - 1.0 / (_SEASONS_COMPARED * 168 * hour_windows),
            MIN_WINDOWS: self.min_windows,
            BORROWING_WINDOWS: self.borrowing_windows,
            DAY_US: self.day_cycles * 24 * HOUR_US,
            WEEK_US: self.week_cycles * 168 * HOUR_US,
            SHIFT_US: self.shift_hours * HOUR_US,
            HOUR_WINDOWS: hour_windows,
            DAY_MEMORY: _DAY_CYCLES * hour_windows,
            WEEK_MEMORY: _WEEK_CYCLES * hour_windows,
        }

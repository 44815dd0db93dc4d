"""When surprises become an alarm."""

import numpy as np
from numpy.typing import NDArray

OVERWHELMING = 2.0
"""A single window alarms alone when its surprise is this many times the threshold."""
MEMORY = 3
"""Otherwise two of this many windows must agree."""


class Gate:
    """Remembers which of the last windows of each slot were surprising."""

    def __init__(self) -> None:
        self._recent = np.zeros(64, dtype=np.uint8)

    def decide(
        self,
        slots: NDArray[np.int32],
        surprise: NDArray[np.float64],
        threshold: float,
        alone: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.bool_]:
        """Say which slots alarm in this window.

        Args:
            slots: int32 (k,), distinct.
            surprise: float64 (k,), -log10 p; NaN where not judged.
            threshold: Surprise that the budget allows.
            alone: bool (k,): slots that may alarm on one overwhelming window; None for all.
        """
        if len(slots) == 0:
            return np.zeros(0, dtype=bool)
        top = int(slots.max())
        if top >= len(self._recent):
            grown = np.zeros(2 * top + 1, dtype=np.uint8)
            grown[: len(self._recent)] = self._recent
            self._recent = grown
        over = surprise >= threshold
        history = ((self._recent[slots] << 1) | over).astype(np.uint8) & np.uint8((1 << MEMORY) - 1)
        self._recent[slots] = history
        overwhelming = surprise >= OVERWHELMING * threshold
        if alone is not None:
            overwhelming &= alone
        alarming: NDArray[np.bool_] = over & ((np.bitwise_count(history) >= 2) | overwhelming)
        return alarming

"""When surprises become an alarm."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.state import decode, encode, within

OVERWHELMING = 2.0
"""A single window alarms alone when its surprise is this many times the threshold."""
MEMORY = 3
"""Otherwise two of this many windows must agree."""
_REMEMBERED = (1 << MEMORY) - 1


class Alarm(msgspec.Struct, frozen=True):
    """A row of a judged metric that passed the gate.

    Attributes:
        row: Row in the judgement. slot: The entity.
        surprise, threshold: -log10 p, and where the alarm starts.
    """

    row: int
    slot: int
    surprise: float
    threshold: float


class Gate:
    """Remembers which of the last windows of each slot were surprising."""

    def __init__(self) -> None:
        self._recent: dict[int, int] = {}
        """Slots with a surprise among their last windows, a bit for each, the latest lowest."""

    @property
    def calm(self) -> bool:
        """Whether no slot has been surprising of late."""
        return not self._recent

    def decide(
        self,
        slots: NDArray[np.int32],
        surprise: NDArray[np.float64],
        threshold: float | NDArray[np.float64],
        alone: NDArray[np.bool_] | None = None,
    ) -> list[int]:
        """Say which slots alarm in this window.

        Args:
            slots: int32 (k,), distinct: those that were judged.
            surprise: float64 (k,), -log10 p; NaN where it does not matter.
            threshold: Surprise that the budget allows: for all, or float64 (k,).
            alone: bool (k,): slots that may alarm on one overwhelming window; None for all.

        Returns:
            Rows, in order.
        """
        over = np.flatnonzero(surprise >= threshold).tolist()
        least = np.broadcast_to(threshold, surprise.shape)
        if self._recent:
            judged = set(slots.tolist())
            aged = {s: (bits << 1) & _REMEMBERED if s in judged else bits for s, bits in self._recent.items()}
            self._recent = {slot: bits for slot, bits in aged.items() if bits}
        alarming = []
        for row in over:
            slot = int(slots[row])
            history = self._recent.get(slot, 0) | 1
            self._recent[slot] = history
            overwhelming = surprise[row] >= OVERWHELMING * least[row] and (alone is None or alone[row])
            if history.bit_count() >= 2 or overwhelming:
                alarming.append(row)
        return alarming

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode(sorted(self._recent.items()))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        recent = decode(content, list[tuple[int, int]], "gate")
        within([bits for _, bits in recent], 1, _REMEMBERED + 1, "gate")
        self._recent = dict(recent)

"""How low each half-hour of the last two days fell."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.statistical.room import with_room
from vedette.detectors.statistical.yesterday import DAY, HALF_HOUR
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack

_KEPT: Final = 2 * DAY
_NOW: Final = 2
"""Half-hours up to this one that are not before it: what is wrong now may have begun in the last."""


class Ebbs:
    """Least counts of a window, by entity and half-hour of the last two days."""

    def __init__(self) -> None:
        self._least = np.full((0, _KEPT), np.inf, dtype=np.float32)
        """By slot; infinite where there was no window."""
        self._now = 0
        """Number of the latest half-hour."""

    def learn(self, start: int, slots: NDArray[np.int32], values: NDArray[np.float64]) -> None:
        """Take a window in.

        Args:
            start: Of the window, microseconds; windows come in order. slots: int32 (k,), distinct.
            values: float64 (k,); NaN is passed over.
        """
        now = start // HALF_HOUR
        for passed in range(max(self._now + 1, now - _KEPT + 1), now + 1):
            self._least[:, passed % _KEPT] = np.inf
        self._now = max(self._now, now)
        if not len(slots):
            return
        self._least = with_room(self._least, int(slots.max()) + 1, np.inf)
        column = now % _KEPT
        self._least[slots, column] = np.fmin(self._least[slots, column], values.astype(np.float32))

    def times(self, slot: int, start: int, value: float) -> int:
        """How many times an entity fell as low in the two days before a window: runs of half-hours in which it did."""
        if slot >= len(self._least):
            return 0
        last = start // HALF_HOUR - _NOW
        before = np.arange(last + _NOW - _KEPT + 1, last + 1)
        before = before[(before >= 0) & (before > self._now - _KEPT) & (before <= self._now)]
        low = self._least[slot, before % _KEPT] <= value
        return int(np.count_nonzero(low[1:] & ~low[:-1])) + int(low[:1].sum())

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode([self._now, pack(self._least)])

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        now, least = decode(content, tuple[int, PackedArray], "ebbs")
        check(now >= 0, "ebbs")
        self._least = unpack(least, np.float32, (None, _KEPT), "ebbs")
        self._now = now

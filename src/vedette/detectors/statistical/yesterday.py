"""What each half-hour of the day before was like, while a baseline has not seen days enough to know the hours."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.statistical.recurrence import ALIKE
from vedette.detectors.statistical.room import with_room
from vedette.schema.spans import DAY_US, MINUTE_US
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack

HALF_HOUR: Final = 30 * MINUTE_US
DAY: Final = DAY_US // HALF_HOUR
_KEPT: Final = 2 * DAY


class Yesterday:
    """Means of a count, by entity and half-hour of the last two days.

    A baseline knows the hours of the day from the fourth day on. Until then a level that returns every morning is as
    far from the night's as an incident would be, and held back as one.
    """

    def __init__(self) -> None:
        self._sums = np.zeros((0, _KEPT), dtype=np.float32)
        """By slot."""
        self._windows = np.zeros(_KEPT)
        self._now = 0
        """Number of the latest half-hour."""

    def learn(self, start: int, slots: NDArray[np.int32], values: NDArray[np.float64]) -> None:
        """Take a window in.

        Args:
            start: Of the window, microseconds; windows come in order. slots: int32 (k,), distinct.
            values: float64 (k,).
        """
        now = start // HALF_HOUR
        for passed in range(max(self._now + 1, now - _KEPT + 1), now + 1):
            self._sums[:, passed % _KEPT] = 0.0
            self._windows[passed % _KEPT] = 0.0
        self._now = max(self._now, now)
        if not len(slots):
            return
        self._sums = with_room(self._sums, int(slots.max()) + 1)
        self._sums[slots, now % _KEPT] += values.astype(np.float32)
        self._windows[now % _KEPT] += 1.0

    def means(self, slot: int, start: int, around: int = 0) -> NDArray[np.float64]:
        """Means of an entity's windows a day before: in the half-hour of a window, and in so many around it.

        Returns:
            float64 (n,), of those in which there were windows.
        """
        now = start // HALF_HOUR
        wanted = np.arange(now - DAY - around, now - DAY + around + 1)
        places = wanted[(wanted > self._now - _KEPT) & (wanted >= 0)] % _KEPT
        places = places[self._windows[places] > 0.0]
        if slot >= len(self._sums):
            return np.zeros(len(places))
        return np.asarray(self._sums[slot, places] / self._windows[places])

    def as_many(self, slot: int, start: int, value: float) -> bool:
        """Whether at least half as many came in the half-hour of a window, or one beside it, the day before."""
        return float(self.means(slot, start, around=1).max(initial=0.0)) >= ALIKE * value

    def as_few(self, slot: int, start: int, value: float, alike: float = ALIKE, around: int = 0) -> bool:
        """Whether a value is at least a part, one half, of what came in the half-hour of a window the day before.

        Args:
            slot, start, value: Of the window. alike: The part. around: Half-hours beside it, the least of which counts.
        """
        means = self.means(slot, start, around)
        return bool(len(means)) and alike * float(means.min()) <= value

    def was_quiet(self, slot: int, start: int, least: float) -> bool:
        """Whether fewer than `least` came in the half-hour of a window, or one beside it, the day before."""
        return float(self.means(slot, start, around=1).min(initial=least)) < least

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode([self._now, pack(self._sums), pack(self._windows)])

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        now, sums, windows = decode(content, tuple[int, PackedArray, PackedArray], "yesterday")
        check(now >= 0, "yesterday")
        self._sums = unpack(sums, np.float32, (None, _KEPT), "yesterday")
        self._windows = unpack(windows, np.float64, (_KEPT,), "yesterday")
        self._now = now

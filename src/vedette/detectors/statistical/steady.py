"""Which services and routes are asked for around the clock, and how long each has not been."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.statistical.room import with_room
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack

_LAST, _FIRST, _EMPTY, _WINDOWS, _REQUESTS, _LONGEST, _LONGEST_BEFORE, _TOLD = range(8)
_COLUMNS: Final = 8

Numbers = NDArray[np.float64]
Slots = NDArray[np.int64]


class Steady:
    """Counts, for each slot, the windows with and without a request.

    The clock counts the windows that were told of: of a window that nobody watched, or in which the whole log is
    silent, nothing is known.

    Args:
        day: Windows of a day. Shares and means go back so far, exponentially weighted; seven times as many later the
            longest silence is one of the week before, and after another such week it is forgotten.
    """

    def __init__(self, day: int = 1440) -> None:
        self._day = day
        self._clock = 0
        self._table = np.zeros((0, _COLUMNS))

    def learn(self, slots: NDArray[np.int32], requests: Numbers) -> None:
        """Take a window in.

        Args:
            slots: int32 (k,), distinct, all with requests. requests: float64 (k,), of each.
        """
        self._clock += 1
        self._table = with_room(self._table, int(slots.max(initial=-1)) + 1)
        table = self._table
        if self._clock % (7 * self._day) == 0:
            table[:, _LONGEST_BEFORE] = table[:, _LONGEST]
            table[:, _LONGEST] = 0.0
        new = slots[table[slots, _FIRST] == 0.0]
        table[new, _FIRST] = self._clock
        table[new, _LAST] = self._clock - 1
        rows = table[slots]
        # A silence that was told is none of the usual ones.
        gap = np.where(rows[:, _TOLD] > 0.0, 0.0, self._clock - rows[:, _LAST] - 1.0)
        keep = (1.0 - 1.0 / self._day) ** (gap + 1.0)
        rows[:, _EMPTY] = keep * rows[:, _EMPTY] + gap
        rows[:, _WINDOWS] = keep * rows[:, _WINDOWS] + gap + 1.0
        rows[:, _REQUESTS] = keep * rows[:, _REQUESTS] + requests
        rows[:, _LONGEST] = np.maximum(rows[:, _LONGEST], gap)
        rows[:, _TOLD] = 0.0
        rows[:, _LAST] = self._clock
        table[slots] = rows

    def silent(self, least: float, *, known: float, times: float, missing: float) -> Slots:
        """Slots without a request in this window, and for long, that have some in most windows.

        Args:
            least: Surprise of the silence, see `surprise`. known: Windows since the first request.
            times: Of the longest silence before. missing: Requests that were to be expected in this time.
        """
        table = self._table
        last = table[:, _LAST]
        # In most windows all that is known for so long was there a moment ago.
        there = np.flatnonzero((last <= self._clock - times) & (last - table[:, _FIRST] >= known))
        if not len(there):
            return there
        rows = table[there]
        gone = self._clock - rows[:, _LAST]
        longest = np.maximum(rows[:, _LONGEST], rows[:, _LONGEST_BEFORE])
        steady = (2.0 * rows[:, _EMPTY] <= rows[:, _WINDOWS]) & (gone >= times * (1.0 + longest))
        there, rows, gone = there[steady], rows[steady], gone[steady]
        far = gone * -np.log10((rows[:, _EMPTY] + 1.0) / (rows[:, _WINDOWS] + 2.0)) >= least
        return there[far & (gone * rows[:, _REQUESTS] >= missing * rows[:, _WINDOWS])]

    def gone(self, slot: int) -> int:
        """Windows since its last request."""
        return int(self._clock - self._table[slot, _LAST])

    def usual(self, slot: int) -> tuple[float, float, int]:
        """Of the last day: empty windows, all windows, and the longest silence of the last weeks, in windows."""
        row = self._table[slot]
        return float(row[_EMPTY]), float(row[_WINDOWS]), int(max(row[_LONGEST], row[_LONGEST_BEFORE]))

    def mean(self, slot: int) -> float:
        """Requests of a window."""
        return float(self._table[slot, _REQUESTS] / self._table[slot, _WINDOWS])

    def known(self, slot: int) -> int:
        """Windows from its first request to its last."""
        return int(self._table[slot, _LAST] - self._table[slot, _FIRST]) + 1

    def of_new(self, slot: int, siblings: Slots, slack: int) -> float:
        """Requests to siblings that were first asked for when a slot was last, or `slack` windows sooner."""
        siblings = siblings[siblings < len(self._table)]
        rows = self._table[siblings]
        young = (rows[:, _FIRST] > 0.0) & (rows[:, _FIRST] >= self._table[slot, _LAST] - slack)
        return float(rows[young, _REQUESTS].sum())

    def tell(self, slot: int) -> None:
        """Take note that its silence was told."""
        self._table[slot, _TOLD] = 1.0

    def forget(self, slot: int) -> None:
        """Take it for new when it comes again."""
        self._table[slot] = 0.0

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode((self._clock, pack(self._table)))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        clock, packed = decode(content, tuple[int, PackedArray], "steady routes")
        table = unpack(packed, np.float64, (None, _COLUMNS), "steady routes")
        check(clock >= 0 and bool(np.isfinite(table).all() and (table >= 0.0).all()), "steady routes")
        self._clock, self._table = clock, table

"""Counts of several windows together, where too few are missing from each of them to be told."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.judgement import HALF_WIDTH, Judgement
from vedette.detectors.statistical.room import with_room
from vedette.detectors.view import Judged
from vedette.kernels.windows.recent_counts import REACH, REMEMBERED, SUMS, merge_counts
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack


class Summed(msgspec.Struct, frozen=True):
    """A count's judgement, rows that are more surprising together with windows before judged so.

    Attributes:
        judged: As the window's own, with the summed rows in it.
        windows: int64 (k,), over how many windows each row is summed.
        since: int64 (k,), for how many of them it has been less.
        mean: float64 (k,), of the counts of the last ten; NaN where they are not known.
    """

    judged: Judged
    windows: NDArray[np.int64]
    since: NDArray[np.int64]
    mean: NDArray[np.float64]

    @classmethod
    def alone(cls, judged: Judged) -> "Summed":
        """A judgement of windows that are summed with no others."""
        one = np.ones(len(judged.slot), dtype=np.int64)
        return cls(judged, one, one.copy(), np.full(len(one), np.nan))

    @property
    def each(self) -> Judged:
        """The same with means of a window as values."""
        return Judged(self.judged.slot, self.judged.value / self.windows, self.judged.judgement)


class RecentCounts:
    """Remembers the last windows of some slots, what was expected in them, and how far sums of them usually are off.

    Of what comes as regularly as the reports of devices, minutes scatter less than counts do by themselves, and sums of
    minutes hardly at all; of what people do in bursts, sums scatter as widely as minutes. So how rare a sum is comes
    from the sums that there were (`merge_counts`), of six hours at least or, where less than half is missing, a day.

    Args:
        missing: Of what was expected, the share that has to be missing of 10 and of 20 windows.
    """

    def __init__(self, missing: tuple[float, float]) -> None:
        self._missing = np.array(missing)
        self._places = np.zeros(0, dtype=np.int32)
        """By slot, its row in what is remembered, counted from 1; 0 of those that have none."""
        self._ring = np.zeros((0, REACH, REMEMBERED), dtype=np.float32)
        self._sums = np.zeros((0, SUMS))
        self._known = 0

    def merge(
        self, number: int, judged: Judged, rows: NDArray[np.intp], alone: NDArray[np.float64]
    ) -> Summed:
        """Judge rows anew; call once for each window, in order.

        Args:
            number: The window's number. judged: A count held against its baselines (k rows).
            rows: intp (m,): which of them are remembered.
            alone: float64 (m,): how much of a window's count may usually be one client's.
        """
        own = judged.judgement
        m = len(rows)
        summed = Summed.alone(judged)
        if not m:
            return summed
        table, value, mean = np.empty((len(own.table), m)), np.empty(m), np.empty(m)
        over, past = np.empty(m, dtype=np.int64), np.empty(m, dtype=np.int64)
        anew = merge_counts(
            number, self._placed(judged.slot[rows]), np.ascontiguousarray(own.table[:, rows]),
            np.ascontiguousarray(own.value[rows]), alone, self._missing, HALF_WIDTH, self._ring, self._sums,
            table, value, over, past, mean,
        )  # fmt: skip
        summed.mean[rows] = mean
        if anew:
            summed.windows[rows], summed.since[rows] = over, past
            whole, values = own.table.copy(), own.value.copy()
            whole[:, rows], values[rows] = table, value
            judgement = Judgement(own.formula, whole, own.ready, values, None, own.memories, own.degrees)
            return Summed(Judged(judged.slot, values, judgement), summed.windows, summed.since, summed.mean)
        return summed

    def _placed(self, slots: NDArray[np.int32]) -> NDArray[np.int32]:
        """Rows of slots (m,), new ones where they have none."""
        self._places = with_room(self._places, int(slots.max()) + 1)
        places = self._places[slots]
        fresh = np.flatnonzero(places == 0)
        if len(fresh):
            self._places[slots[fresh]] = np.arange(self._known + 1, self._known + 1 + len(fresh))
            self._known += len(fresh)
            self._ring = with_room(self._ring, self._known)
            self._sums = with_room(self._sums, self._known)
            places = self._places[slots]
        return places - np.int32(1)

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        known = self._known
        return encode([known, pack(self._places), pack(self._ring[:known]), pack(self._sums[:known])])

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        what = "recent counts"
        known, *packed = decode(content, tuple[int, PackedArray, PackedArray, PackedArray], what)
        places = unpack(packed[0], np.int32, (None,), what)
        ring = unpack(packed[1], np.float32, (known, REACH, REMEMBERED), what)
        sums = unpack(packed[2], np.float64, (known, SUMS), what)
        given = np.sort(places[places != 0])
        check(bool((given == np.arange(1, known + 1)).all()) if len(given) == known else False, what)
        self._known, self._places, self._ring, self._sums = known, places, ring, sums

"""Latencies of several windows together, where one window alone holds too few requests, or the baseline follows."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.judgement import HALF_WIDTH, Judgement
from vedette.detectors.statistical.room import with_room
from vedette.detectors.view import Judged
from vedette.kernels.windows.recent_levels import ERRORS, MOST_WINDOWS, REMEMBERED, merge_levels
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack

_EARLIER_ERRORS: Final = 2


class Levels(msgspec.Struct, frozen=True):
    """A latency's judgement, rows that are more surprising together with windows before judged so.

    Attributes:
        judged: As the window's own, with the merged rows in it.
        exposure: float64 (k,), requests that each row rests on. windows: int64 (k,), over how many windows.
        slow: int64 (k,), how many there are from the first that was half as slow to this one.
    """

    judged: Judged
    exposure: NDArray[np.float64]
    windows: NDArray[np.int64]
    slow: NDArray[np.int64]


class RecentLevels:
    """Remembers the last windows of each slot, and what their baselines expected.

    A baseline follows what creeps, and of few requests one window says little. So as many of the last windows as hold
    `enough` requests are averaged (`MOST_WINDOWS` at most, of the last hour of minutes), and held against what was
    expected before the first that is remembered. How far off such a comparison usually is was seen of each slot.

    The 95th percentile of fewer than 20 requests is their largest, and that of two lower than that of fifteen. What a
    baseline expects it has learned from the windows that hold most, so at night, or at weekends, all others are below
    it. By how much, on average over the last day, is taken off windows with few requests before they are averaged.

    Args:
        enough: Requests from which no further windows are averaged.
        sampling: Variance that a value's logarithm has for resting on one request.
    """

    def __init__(self, enough: int, sampling: float) -> None:
        self._enough, self._sampling = float(enough), sampling
        self._ring = np.zeros((0, MOST_WINDOWS, REMEMBERED))
        self._errors = np.zeros((0, ERRORS))

    def merge(self, number: int, judged: Judged) -> Levels:
        """Judge rows anew; call once for each window, in order.

        Args:
            number: The window's number. judged: A latency held against its baselines.
        """
        own = judged.judgement
        k = len(own)
        if k:
            slots = int(judged.slot.max()) + 1
            self._ring, self._errors = with_room(self._ring, slots, -1.0), with_room(self._errors, slots)
        table, value, exposure = np.empty_like(own.table, order="C"), np.empty(k), np.empty(k)
        windows, slow = np.empty(k, dtype=np.int64), np.empty(k, dtype=np.int64)
        among = judged.rests_on
        anew = merge_levels(
            number, judged.slot, np.ascontiguousarray(own.table), own.value, among, self._enough, self._sampling,
            HALF_WIDTH, own.degrees, self._ring, self._errors, table, value, exposure, windows, slow,
        )  # fmt: skip
        if anew:
            judgement = Judgement(own.formula, table, own.ready, value, None, own.memories, own.degrees)
            judged = Judged(judged.slot, value, judgement, among)
        return Levels(judged, exposure, windows, slow)

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode([pack(self._ring), pack(self._errors)])

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        what = "recent levels"
        packed = decode(content, list[PackedArray], what)
        check(len(packed) == 2, what)
        ring = unpack(packed[0], np.float64, (None, MOST_WINDOWS, REMEMBERED), what)
        known = unpack(packed[1], np.float64, (len(ring), None), what)
        # States of earlier versions know nothing of what windows with few requests are off.
        check(known.shape[1] in (_EARLIER_ERRORS, ERRORS), what)
        self._errors = np.zeros((len(ring), ERRORS))
        self._errors[:, : known.shape[1]] = known
        self._ring = ring

"""Ratios of several windows together, where one window alone holds too few requests, or too few hits."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.judgement import HALF_WIDTH, Judgement
from vedette.detectors.statistical.room import with_room
from vedette.detectors.view import Judged
from vedette.kernels.windows.recent_ratios import MOST_WINDOWS, REMEMBERED, merge_ratios
from vedette.schema.state import PackedArray, decode, encode, pack, unpack


class Merged(msgspec.Struct, frozen=True):
    """A ratio's judgement, rows with too few requests judged together with windows before.

    Attributes:
        judged: As the window's own, with the merged rows in it.
        count, exposure: float64 (k,), what the ratio is made of.
        largest: float64 (k,), most hits of one window.
        windows, hit: int64 (k,), how many windows each row rests on, from the first with a request, and with a hit, to
            this one.
    """

    judged: Judged
    count: NDArray[np.float64]
    exposure: NDArray[np.float64]
    largest: NDArray[np.float64]
    windows: NDArray[np.int64]
    hit: NDArray[np.int64]


class RecentRatios:
    """Remembers the last windows of each slot, and what their baselines expected.

    A row with fewer than `enough` requests, or with fewer than `least` hits, is judged together with as many windows
    before it as make them enough (`NEAR` for requests, `MOST_WINDOWS` for hits, of the last `REACH`): no five minutes
    of an order form that twenty people use in an hour say that it is broken. What is hit at all is held against what
    was expected before the first window that is remembered: in twenty minutes a baseline gets used to what is wrong a
    little.
    """

    def __init__(self, enough: int, least: int) -> None:
        self.enough, self.least = float(enough), float(least)
        self._ring = np.zeros((0, MOST_WINDOWS, REMEMBERED))

    def merge(self, number: int, judged: Judged) -> Merged:
        """Judge sparse rows anew; call once for each window, in order.

        Args:
            number: The window's number.
            judged: A ratio held against its baselines.

        Raises:
            ValueError: It is no ratio.
        """
        own = judged.judgement
        if own.exposure is None:
            raise ValueError("ratios are judged with the requests that they are among")
        k = len(own)
        if k:
            self._ring = with_room(self._ring, int(judged.slot.max()) + 1, -1.0)
        table, count, exposure = np.empty_like(own.table, order="C"), np.empty(k), np.empty(k)
        largest, windows, hit = np.empty(k), np.empty(k, dtype=np.int64), np.empty(k, dtype=np.int64)
        anew = merge_ratios(
            number, judged.slot, np.ascontiguousarray(own.table), own.value, own.exposure,
            self.enough, self.least, HALF_WIDTH, self._ring, table, count, exposure, largest, windows, hit,
        )  # fmt: skip
        if anew:
            judgement = Judgement(own.formula, table, own.ready, count, exposure, own.memories, own.degrees)
            ratio = np.divide(count, exposure, out=np.full(k, np.nan), where=exposure > 0.0)
            judged = Judged(judged.slot, ratio, judgement)
        return Merged(judged, count, exposure, largest, windows, hit)

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode(pack(self._ring))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        packed = decode(content, PackedArray, "recent ratios")
        self._ring = unpack(packed, np.float64, (None, MOST_WINDOWS, REMEMBERED), "recent ratios")

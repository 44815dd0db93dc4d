"""Flows that last longer than a window, of which only the totals are known: spread over the windows that they touch."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.schema.flows import FIRST_COUNT, FLOW_COLUMNS, LAST_COUNT, Flow

_MOST: Final = 16_384
WAITING_COLUMNS: Final = FLOW_COLUMNS + 1
_FROM: Final = FLOW_COLUMNS
"""A flow that waits has all its columns, and the first window that it is in time for."""
_VOLUME: Final = [
    Flow.PACKETS_OUT, Flow.PACKETS_IN, Flow.BYTES_OUT, Flow.BYTES_IN, Flow.PAYLOAD_OUT, Flow.PAYLOAD_IN,
]  # fmt: skip
"""What a flow has more of the longer it lasts: each window gets as much as of its time lies there."""
_AT_END: Final = [Flow.FIN_OUT, Flow.FIN_IN, Flow.RESET_OUT, Flow.RESET_IN, Flow.CLOSED]
"""What counts where a flow ends; everything else counts where it begins."""
_AT_START: Final = [
    column for column in range(FIRST_COUNT, LAST_COUNT + 1) if column not in (*_VOLUME, *_AT_END)
]


class GoingOn:
    """Whole flows of which windows are still to get their parts.

    Time-proportional, as the load scheme of that name of SiLK's `rwcount` has it. A part says of its flow what a flow
    table says of one that goes on: how long it has lasted so far.

    Args:
        span: Length of a window, microseconds. most: Flows that are spread at a time.
    """

    def __init__(self, span: int, most: int = _MOST) -> None:
        self._span = span
        self.most = most
        self._rows: NDArray[np.int64] = np.zeros((0, WAITING_COLUMNS), dtype=np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> NDArray[np.int64]:
        """int64 (n, WAITING_COLUMNS)."""
        return self._rows

    def add(self, rows: NDArray[np.int64], least: NDArray[np.int64]) -> int:
        """Keep flows, as far as there is room; returns how many.

        Args:
            rows: int64 (n, FLOW_COLUMNS). least: int64 (n,), the first window that each is in time for.
        """
        taken = max(0, min(len(rows), self.most - len(self._rows)))
        self._rows = np.concatenate([self._rows, np.column_stack([rows[:taken], least[:taken]])])
        return taken

    def windows(self, begin: int, end: int) -> Iterator[int]:
        """Those from `begin` until before `end` in which a flow goes on, by number."""
        number = begin
        while number < end:
            rows = self._rows[self._rows[:, Flow.END] >= number * self._span]
            if not len(rows):
                return
            number = max(number, int(np.maximum(rows[:, Flow.START] // self._span, rows[:, _FROM]).min()))
            if number < end:
                yield number
            number += 1

    def take(self, number: int) -> NDArray[np.int64]:
        """Their parts in a window, int64 (k, FLOW_COLUMNS); who ends in it is forgotten. Windows come in order."""
        begin, end = number * self._span, (number + 1) * self._span
        rows = self._rows
        self._rows = rows[rows[:, Flow.END] >= end]
        here = rows[(rows[:, Flow.START] < end) & (rows[:, Flow.END] >= begin) & (rows[:, _FROM] <= number)]
        here = here[:, :FLOW_COLUMNS]
        start, stop = here[:, Flow.START].copy(), here[:, Flow.END].copy()
        first, last = np.maximum(start, begin), np.minimum(stop, end)
        parts = here.copy()
        # Up to the end of the window less up to its begin, so that parts add up to the whole.
        upto = ((last - start) / (stop - start))[:, None]
        before = ((first - start) / (stop - start))[:, None]
        volume = here[:, _VOLUME]
        parts[:, _VOLUME] = (volume * upto).astype(np.int64) - (volume * before).astype(np.int64)
        parts[:, _AT_START] *= (start >= begin)[:, None]
        parts[:, _AT_END] *= (stop < end)[:, None]
        parts[:, Flow.START], parts[:, Flow.END] = first, np.minimum(last, end - 1)
        parts[:, Flow.DURATION] = parts[:, Flow.END] - start
        told = (parts[:, _VOLUME] > 0).any(axis=1) | (start >= begin) | (stop < end)
        return parts[told]

    def restore(self, rows: NDArray[np.int64]) -> None:
        """Take over what `rows` gave."""
        self._rows = rows

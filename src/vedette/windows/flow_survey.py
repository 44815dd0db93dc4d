"""One look at flows that come in: when they were, what they count, and which windows they are of."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.flows.flow_survey import FIRST_START, LAST_END, LAST_START, LONGEST, TIMES, survey_flows
from vedette.schema.flows import ENDED_COLUMNS, LAST_COUNT


class Survey(msgspec.Struct, frozen=True):
    """What `survey_flows` says of some flows.

    Attributes:
        rows: The flows. counts: Columns of counts that hold anything but zeros.
        first, last: When the first of them started, and the last ended, microseconds.
        latest: When the last of them started. longest: How long the longest lasted.
        started, left: int64 (n,), the windows that each started and ended in.
        ended: int64 (n, ENDED_COLUMNS), what is remembered of each.
    """

    rows: NDArray[np.int64]
    counts: NDArray[np.intp]
    first: int
    last: int
    latest: int
    longest: int
    started: NDArray[np.int64]
    left: NDArray[np.int64]
    ended: NDArray[np.int64]

    @classmethod
    def of(cls, table: NDArray[np.int64], span: int) -> Self:
        """A survey of flows, int64 (n, FLOW_COLUMNS), n > 0. `span`: length of a window, microseconds."""
        rows, count = np.ascontiguousarray(table), len(table)
        times, used = np.empty(TIMES, dtype=np.int64), np.zeros(LAST_COUNT + 1, dtype=np.int64)
        started, left = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        ended = np.empty((count, ENDED_COLUMNS), dtype=np.int64)
        survey_flows(rows, span, times, used, started, left, ended)
        first, last, latest, longest = (
            int(times[which]) for which in (FIRST_START, LAST_END, LAST_START, LONGEST)
        )
        return cls(rows, np.flatnonzero(used), first, last, latest, longest, started, left, ended)


def by_window(number: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Rows by the window that each is in, in order.

    Args:
        number: int64 (n,), the window of each.
    """
    if not len(number):
        return
    least, largest = int(number.min()), int(number.max())
    if least == largest:
        yield least, np.arange(len(number))
        return
    if largest - least < 1 << 16:
        # Of so few, numpy sorts by digits.
        number = (number - least).astype(np.uint16)
    order = np.argsort(number, kind="stable")
    number = number[order]
    starts = np.concatenate([[0], np.flatnonzero(number[1:] != number[:-1]) + 1, [len(number)]]).tolist()
    base = least if number.dtype == np.uint16 else 0
    for start, end in pairwise(starts):
        yield int(number[start]) + base, order[start:end]

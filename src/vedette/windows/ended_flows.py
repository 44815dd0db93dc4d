"""What is remembered of flows that ended, until the windows that they ended in are over."""

import heapq
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.schema.flows import ENDED_COLUMNS
from vedette.windows.flow_survey import Survey, by_window

_NONE: Final = np.zeros((0, ENDED_COLUMNS), dtype=np.int64)


class EndedFlows:
    """Flows that ended, by the windows that they ended in."""

    def __init__(self) -> None:
        self._rows: dict[int, list[NDArray[np.int64]]] = {}
        self._windows: list[int] = []

    def add(self, seen: Survey, open_from: NDArray[np.int64] | None, closed: int | None) -> None:
        """Put flows with the others of the windows that they ended in.

        Args:
            open_from: int64 (n,), the first window that each is in time for; None where all are for theirs.
            closed: The newest window that is closed: what ended before counts in the next.
        """
        left = seen.left if open_from is None else np.maximum(seen.left, open_from)
        for number, pick in by_window(left):
            place = number if closed is None else max(number, closed + 1)
            if place not in self._rows:
                self._rows[place] = []
                heapq.heappush(self._windows, place)
            self._rows[place].append(seen.ended[pick])

    def take(self, upto: int) -> NDArray[np.int64]:
        """int64 (n, ENDED_COLUMNS), those that ended in a window, or before it; they are forgotten."""
        ready = [_NONE]
        while self._windows and self._windows[0] <= upto:
            ready += self._rows.pop(heapq.heappop(self._windows))
        return np.concatenate(ready)

    @property
    def rows(self) -> list[tuple[int, NDArray[np.int64]]]:
        """By window, in order."""
        return [(number, np.concatenate(parts)) for number, parts in sorted(self._rows.items())]

    def restore(self, rows: list[tuple[int, NDArray[np.int64]]]) -> None:
        """Take over what `rows` gave."""
        self._rows = {number: [ended] for number, ended in rows}
        self._windows = sorted(self._rows)

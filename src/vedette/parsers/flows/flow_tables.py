"""Memory that tables of flows are put into in turn: new memory has to be cleared by the system first."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from vedette.schema.flows import FLOW_COLUMNS


class FlowTables:
    """Hands out tables of flows.

    Args:
        turns: Tables that are alive at once: one may be looked at until so many more were asked for. 0 for any number,
            each in memory of its own.
    """

    def __init__(self, turns: int = 0) -> None:
        none = np.empty((0, FLOW_COLUMNS), dtype=np.int64)
        self._tables: deque[NDArray[np.int64]] = deque([none] * turns)

    def table(self, rows: int) -> NDArray[np.int64]:
        """int64 (rows or more, FLOW_COLUMNS), that holds anything."""
        if not self._tables:
            return np.empty((rows, FLOW_COLUMNS), dtype=np.int64)
        table = self._tables.popleft()
        if len(table) < rows:
            table = np.empty((rows, FLOW_COLUMNS), dtype=np.int64)
        self._tables.append(table)
        return table

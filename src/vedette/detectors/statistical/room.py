"""Tables with a row for each slot, which grow with the slots that are seen."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def with_room(table: NDArray[Any], slots: int, empty: float = 0) -> NDArray[Any]:
    """A table with rows for so many slots: the same if it has them, else one of twice as many.

    Args:
        table: (n, …). slots: How many rows there must be, bounded by the entities that are told apart.
        empty: What new rows hold.
    """
    if slots <= len(table):
        return table
    grown = np.full((max(64, 2 * slots), *table.shape[1:]), empty, dtype=table.dtype)
    grown[: len(table)] = table
    return grown

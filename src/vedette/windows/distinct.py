"""The distinct values of arrays.

`np.unique` and `np.isin` give the same, but ask `numpy.ma` whether values are masked, which takes 13 ms to import: more
than most scans spend on looking for distinct values.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def distinct_values(values: NDArray[Any]) -> NDArray[Any]:
    """The distinct values of n, in order."""
    ordered = np.sort(values, axis=None)
    return ordered[_first(ordered[1:] != ordered[:-1], len(ordered))]


def distinct_rows(rows: NDArray[Any]) -> int:
    """How many different rows there are among (n, k), k at least 1."""
    ordered = rows[np.lexsort(rows.T)]
    return int(np.count_nonzero(_first((ordered[1:] != ordered[:-1]).any(axis=1), len(ordered))))


def is_among(values: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of n values are among others, bool (n,)."""
    if not len(wanted):
        return np.zeros(len(values), dtype=bool)
    ordered = np.sort(wanted)
    place = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    found: NDArray[np.bool_] = ordered[place] == values
    return found


def _first(changes: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Which of `count` in order are the first of their kind."""
    first = np.ones(count, dtype=bool)
    first[1:] = changes
    return first

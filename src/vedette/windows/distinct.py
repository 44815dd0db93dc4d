"""The distinct values of arrays.

`np.unique` and `np.isin` give the same, but ask `numpy.ma` whether values are masked, which takes 13 ms to import: more
than most scans spend on looking for distinct values.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_COUNTED = 16
"""Numbers below so many times how many there are are counted."""


def distinct_values(values: NDArray[Any]) -> NDArray[Any]:
    """The distinct ones of some values, of any shape, ascending."""
    ordered = np.sort(values, axis=None)
    return ordered[_first(ordered[1:] != ordered[:-1], len(ordered))]


def distinct_codes(codes: NDArray[Any], past: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The distinct values of n whole numbers, in order, and which of them each is, (n,).

    Where numbers are small they are counted, which takes a tenth of what sorting does.

    Args:
        codes: From 0 on. past: All are below it.
    """
    if past > _COUNTED * (len(codes) + 1):
        values, place = np.unique(codes, return_inverse=True)
        return values.astype(np.intp, copy=False), place
    there = np.zeros(past, dtype=np.bool_)
    there[codes] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[codes]


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

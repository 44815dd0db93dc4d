"""Evidence against a client, summed over its windows."""

import numpy as np
from numpy.typing import NDArray

ALLOWANCE = 1.0
"""Surprise of a window that is no evidence: one usual window in ten has more."""
MOST_OF_WINDOW = 4.0
"""Surprise of a window counts up to this: no tail of a few hundred scores says more, and several are to agree."""


def add_up(before: NDArray[np.float64], surprise: NDArray[np.float64]) -> NDArray[np.float64]:
    """The evidence after one more window (the cumulative sum of Page 1954), float64 (k,)."""
    return np.asarray(np.maximum(0.0, before + np.minimum(surprise, MOST_OF_WINDOW) - ALLOWANCE))


def most_evidence(session: NDArray[np.uint64], surprise: NDArray[np.float64]) -> NDArray[np.float64]:
    """The most evidence that there ever was against each session.

    Args:
        session: uint64 (n,), sorted; windows of a session in their order. surprise: float64 (n,).

    Returns:
        float64 (s,), in the order of sessions.
    """
    begins = np.ones(len(session), dtype=np.bool_)
    begins[1:] = session[1:] != session[:-1]
    first = np.flatnonzero(begins)
    length = np.diff(np.append(first, len(session)))
    sums = np.zeros(len(first), dtype=np.float64)
    most = np.zeros(len(first), dtype=np.float64)
    for step in range(int(length.max(initial=0))):
        goes_on = np.flatnonzero(length > step)
        sums[goes_on] = add_up(sums[goes_on], surprise[first[goes_on] + step])
        most[goes_on] = np.maximum(most[goes_on], sums[goes_on])
    return most

"""Ports by number, and which contacts are with one of some."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


class Ports:
    """A set of ports."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._among = np.zeros(1 << 16, dtype=bool)
        self._among[list(numbers)] = True

    def among(self, ports: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which ports, each 0..65535, are in the set, bool (n,)."""
        found: NDArray[np.bool_] = self._among[ports]
        return found

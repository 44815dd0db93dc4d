"""Hashes of keys that are numbers."""

import numpy as np
from numpy.typing import NDArray

_THIRTY, _TWENTY_SEVEN, _THIRTY_ONE = np.uint64(30), np.uint64(27), np.uint64(31)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def mix(value: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Finalise 64-bit keys (n,) into well-spread hashes (the splitmix64 finaliser, Steele et al. 2014)."""
    # Arrays wrap around in silence; only single numbers would warn.
    z = value ^ np.uint64(seed)
    z ^= z >> _THIRTY
    z *= _FIRST
    z ^= z >> _TWENTY_SEVEN
    z *= _SECOND
    z ^= z >> _THIRTY_ONE
    return z

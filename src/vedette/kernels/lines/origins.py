"""Taking the scheme and the host off targets that are logged as whole addresses."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import kernel

COLON = 58
SLASH = 47
LONGEST_SCHEME = 5
"""Bytes of `https`."""


@kernel
def strip_origins(buffer: Bytes, start: NDArray[np.int64], length: NDArray[np.int32]) -> None:
    """Shorten spans of `https://shop.example/cart?a=1` to `/cart?a=1`, in place.

    An address without a path keeps its last character, if that is a slash, or stays as it is.
    """
    for row in range(start.shape[0]):
        at = start[row]
        if at < 0 or length[row] < 8 or buffer[at] | 32 != 104:
            continue
        end = at + length[row]
        i = at + 4
        while i < at + LONGEST_SCHEME and buffer[i] != COLON:
            i += 1
        if buffer[i] != COLON or buffer[i + 1] != SLASH or buffer[i + 2] != SLASH:
            continue
        i += 3
        while i < end and buffer[i] != SLASH:
            i += 1
        if i < end:
            start[row] = i
            length[row] = end - i

"""The arrays that kernels take: contiguous, of one element type each."""

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]
Floats = NDArray[np.float64]
Bitmaps = NDArray[np.uint8]
"""A bitmap a row, shape (n, w): bit `r & 7` of byte `r >> 3` is number r."""

"""Taking the port off an address."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import kernel

COLON = ord(":")
OPEN_BRACKET = ord("[")
CLOSE_BRACKET = ord("]")
LONGEST_PORT = 5


@kernel
def strip_ports(buffer: Bytes, start: NDArray[np.int64], length: NDArray[np.int32]) -> None:
    """Shorten spans of `192.0.2.7:5678` and `[2001:db8::7]:443` to the address, in place.

    Brackets go too. What has no port stays: a bare IPv6 address is told by its second colon.
    """
    for row in range(start.shape[0]):
        at = start[row]
        size = length[row]
        if at < 0 or size < 3:
            continue
        end = at + size
        i = end - 1
        lowest = max(at, end - 1 - LONGEST_PORT)
        while i > lowest and 48 <= buffer[i] <= 57:
            i -= 1
        has_port = buffer[i] == COLON and i > at
        if buffer[at] == OPEN_BRACKET:
            closing = i - 1 if has_port else end - 1
            if buffer[closing] == CLOSE_BRACKET and closing > at + 1:
                start[row] = at + 1
                length[row] = closing - at - 1
        elif has_port:
            colons = 0
            for j in range(at, i):
                if buffer[j] == COLON:
                    colons += 1
            if colons == 0:
                length[row] = i - at

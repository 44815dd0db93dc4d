"""Lists of addresses where a client's should stand: what is logged there is `X-Forwarded-For`, `client, proxy`."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes

_COMMA, _SPACE = 44, 32
_LONGEST = 56
"""Bytes of an address in brackets, with a zone and a port."""
_MOST = 32
"""Addresses, as many as are walked (`vedette.kernels.lines.address`)."""


def extend_forwarded(
    buffer: Bytes,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    peer_start: NDArray[np.int64],
    peer_length: NDArray[np.int32],
) -> None:
    """Let lists of proxies that stand right before the peer go on to their end, and the peer begin there, in place.

    Args:
        buffer: As `extend_lists` takes it. start, length: (n,), the lists. peer_start, peer_length: (n,), the peers.
    """
    rows = np.flatnonzero((start >= 0) & (peer_start == start + length + 1))
    rows = rows[buffer[peer_start[rows] - 2] == _COMMA]
    if not len(rows):
        return
    some_start, some_length = start[rows], length[rows]
    extend_lists(buffer, some_start, some_length)
    length[rows] = some_length
    peer_start[rows] = some_start + some_length + 1
    ends = buffer[peer_start[rows][:, None] + np.arange(_LONGEST + 1)] == _SPACE
    peer_length[rows] = ends.argmax(axis=1)


def extend_lists(buffer: Bytes, start: NDArray[np.int64], length: NDArray[np.int32]) -> None:
    """Let spans that end in a comma go on to the end of their list, in place.

    Args:
        buffer: uint8, with padding behind the last line. start: int64 (n,), -1 for none. length: int32 (n,).
    """
    # Of a line without one the length says nothing.
    end = np.where(start >= 0, start + length, 1)
    rows = np.flatnonzero((buffer[end - 1] == _COMMA) & (start >= 0))
    ahead = np.arange(1, _LONGEST + 2)
    for _ in range(_MOST):
        rows = rows[buffer[end[rows]] == _SPACE]
        if not len(rows):
            return
        texts = buffer[end[rows][:, None] + ahead]
        ends = texts == _SPACE
        size = ends.argmax(axis=1)
        # Nothing that is longer, or of another line, is an address.
        whole = ends.any(axis=1) & (size > 0)
        rows, size, texts = rows[whole], size[whole], texts[whole]
        end[rows] += 1 + size
        length[rows] = end[rows] - start[rows]
        rows = rows[texts[np.arange(len(rows)), size - 1] == _COMMA]

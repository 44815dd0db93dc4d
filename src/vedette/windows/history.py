"""What single clients did over the last few windows."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from vedette.windows.layout import Client
from vedette.windows.summary import ClientRows

BUSY_REQUESTS = 20
"""Requests in a window from which a client is remembered for its volume alone."""


class ClientHistory:
    """The noteworthy clients of the last `windows` windows.

    A client is noteworthy in a window when it attacked, met 404, 401 or 429, tried to log in, or made at least
    `BUSY_REQUESTS` requests. At most `cap` a window are kept, those with the most of these first.
    """

    def __init__(self, windows: int, cap: int) -> None:
        self.windows = windows
        self.cap = cap
        self.left_out = 0
        self._past: deque[tuple[int, ClientRows]] = deque()

    def add(self, number: int, clients: ClientRows) -> tuple[ClientRows, ClientRows]:
        """Remember a window's noteworthy clients.

        Args:
            number: The window's number; windows come in order.
            clients: All clients of the window.

        Returns:
            The noteworthy clients of this window, and the same clients in the same order with their sums over
            this and the past windows.
        """
        sums = clients.sums
        weight: NDArray[np.int64] = (
            10 * sums[:, Client.ATTACKS]
            + 3 * (sums[:, Client.LOGIN_POSTS] + sums[:, Client.LOGIN_FAILURES])
            + sums[:, Client.STATUS_404]
            + sums[:, Client.STATUS_429]
            + np.where(
                sums[:, Client.REQUESTS] >= BUSY_REQUESTS, sums[:, Client.REQUESTS] // BUSY_REQUESTS, 0
            )
        )
        rows = np.flatnonzero(weight > 0)
        if len(rows) > self.cap:
            self.left_out += len(rows) - self.cap
            # Stable, so that equal weights fall the same way in every run.
            rows = np.sort(rows[np.argsort(-weight[rows], kind="stable")[: self.cap]])
        noteworthy = clients.select(rows)
        while self._past and self._past[0][0] <= number - self.windows:
            self._past.popleft()
        merged = noteworthy
        if len(noteworthy):
            wanted = _keys(noteworthy)
            for _, past in self._past:
                known = past.select(np.isin(_keys(past), wanted))
                if len(known):
                    merged = merged + known
        self._past.append((number, noteworthy))
        return noteworthy, merged


def _keys(clients: ClientRows) -> NDArray[np.uint64]:
    """One number per client for joining; clients are compared in full when merged."""
    with np.errstate(over="ignore"):
        return np.asarray(
            (clients.high * np.uint64(0x9E3779B97F4A7C15))
            ^ (clients.low * np.uint64(0xC2B2AE3D27D4EB4F))
            ^ clients.service.astype(np.uint64)
        )

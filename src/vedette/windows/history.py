"""What single clients did over the last few windows."""

from collections import deque

import msgspec
import numpy as np
from msgspec.structs import replace

from vedette.kernels.windows.recent_clients import add_past, weigh_clients
from vedette.schema.state import check, decode, encode
from vedette.windows.layout import CLIENT_FIRST_BITMAP
from vedette.windows.summary import ClientRows, PackedClients

BUSY_REQUESTS = 20
"""Requests in a window from which a client is remembered for its volume alone."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What a `ClientHistory` holds: the clients of windows by number."""

    past: list[tuple[int, PackedClients]]
    left_out: int


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
        weight = np.zeros(len(clients), dtype=np.int64)
        noted = weigh_clients(clients.sums, BUSY_REQUESTS, weight)
        rows = np.flatnonzero(weight)
        if noted > self.cap:
            self.left_out += noted - self.cap
            # Stable, so that equal weights fall the same way in every run.
            rows = np.sort(rows[np.argsort(-weight[rows], kind="stable")[: self.cap]])
        noteworthy = clients.select(rows)
        while self._past and self._past[0][0] <= number - self.windows:
            self._past.popleft()
        merged = noteworthy
        if noted and self._past:
            merged = replace(noteworthy, sums=noteworthy.sums.copy())
            for _, past in self._past:
                add_past(
                    merged.service, merged.high, merged.low, merged.sums,
                    past.service, past.high, past.low, past.sums, CLIENT_FIRST_BITMAP,
                )  # fmt: skip
        if noted:
            self._past.append((number, noteworthy))
        return noteworthy, merged

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode(_State([(n, PackedClients.of(rows)) for n, rows in self._past], self.left_out))

    def from_state(self, content: bytes, services: int) -> None:
        """Take over what `to_state` gave.

        Args:
            content: From `to_state`. services: How many services there are.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        state = decode(content, _State, "history of clients")
        numbers = [number for number, _ in state.past]
        check(sorted(set(numbers)) == numbers and state.left_out >= 0, "history of clients")
        past = [(number, packed.rows(services)) for number, packed in state.past]
        check(all(len(rows) <= self.cap for _, rows in past), "history of clients")
        self._past, self.left_out = deque(past), state.left_out

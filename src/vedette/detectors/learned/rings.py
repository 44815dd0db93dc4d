"""What sessions asked for last, where it stays while sessions begin and end."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.tokens import UNKNOWN
from vedette.detectors.learned.trails import PER_CLIENT
from vedette.detectors.learned.walks import PART, WINDOW

KEPT: Final = PART + WINDOW + PER_CLIENT
"""Latest requests of a session that are remembered: a whole part, what came before it, and a window after it."""


class Rings:
    """A ring for each session: its request number p stands at p modulo `KEPT`, until another takes the place.

    A ring keeps its slot: were it moved with what else is known of a session, each window would copy them all, twice.
    """

    def __init__(self) -> None:
        self._token = np.zeros((0, KEPT), dtype=np.int16)
        self._excess = np.zeros((0, KEPT), dtype=np.float32)
        self._free = np.zeros(0, dtype=np.int64)

    def take(self, count: int) -> NDArray[np.int64]:
        """Slots of rings that nobody has, int64 (count,); what stands in them is of no session."""
        wanting = count - len(self._free)
        if wanting > 0:
            held = len(self._token)
            # Half as many again, so that growing copies each ring a few times in all.
            more = max(wanting, held // 2)
            self._token = np.concatenate([self._token, np.zeros((more, KEPT), dtype=np.int16)])
            self._excess = np.concatenate([self._excess, np.zeros((more, KEPT), dtype=np.float32)])
            self._free = np.concatenate([self._free, np.arange(held, held + more)])
        taken, self._free = self._free[:count], self._free[count:]
        return taken

    def give(self, slot: NDArray[np.int64]) -> None:
        """Take rings back, int64 (k,)."""
        self._free = np.concatenate([self._free, slot])

    def write(
        self,
        slot: NDArray[np.int64],
        number: NDArray[np.int64],
        token: NDArray[np.int64],
        excess: NDArray[np.float64],
    ) -> None:
        """Put n requests down, (n,) each: of which ring, which of its session's requests, and what they are."""
        column = number % KEPT
        self._token[slot, column] = token
        self._excess[slot, column] = excess

    def tokens(self, slot: NDArray[np.int64], number: NDArray[np.int64]) -> NDArray[np.int64]:
        """Requests by ring and number, of any shape, among the latest `KEPT`."""
        return self._token[slot, number % KEPT].astype(np.int64)

    def excesses(self, slot: NDArray[np.int64], number: NDArray[np.int64]) -> NDArray[np.float64]:
        """Their excess."""
        return self._excess[slot, number % KEPT].astype(np.float64)

    def unlearn(self) -> None:
        """Forget which tokens requests were."""
        self._token[:] = UNKNOWN

    def unrolled(
        self, slot: NDArray[np.int64], length: NDArray[np.int64]
    ) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
        """Rings with the latest request last, int16 and float32 (k, KEPT); 0 before a session's first.

        Args:
            slot: int64 (k,). length: int64 (k,), requests of each session.
        """
        number = length[:, None] - KEPT + np.arange(KEPT)
        row, column = slot[:, None], number % KEPT
        there = number >= 0
        return (
            np.where(there, self._token[row, column], np.int16(0)),
            np.where(there, self._excess[row, column], np.float32(0)),
        )

    def roll(
        self, length: NDArray[np.int64], token: NDArray[np.int16], excess: NDArray[np.float32]
    ) -> NDArray[np.int64]:
        """Hold what `unrolled` gave, and nothing else; returns the slots, int64 (k,)."""
        count = len(length)
        self._token, self._excess = np.zeros_like(token), np.zeros_like(excess)
        slot = np.arange(count)
        column = (length[:, None] + np.arange(KEPT)) % KEPT
        self._token[slot[:, None], column], self._excess[slot[:, None], column] = token, excess
        self._free = np.zeros(0, dtype=np.int64)
        return slot

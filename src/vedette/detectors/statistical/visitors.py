"""How many clients each service was expected to have when it last had any."""

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.statistical.room import with_room
from vedette.detectors.view import Judged
from vedette.schema.state import PackedArray, decode, encode, pack, unpack


class Visitors:
    """Remembers what the baseline of clients expected: of a window without a request it is not asked."""

    def __init__(self) -> None:
        self._expected: NDArray[np.float64] = np.zeros(0)
        """By slot; infinite where nothing is known yet."""

    def learn(self, clients: Judged) -> None:
        """Take in what was expected of a window's services."""
        if len(clients.slot):
            self._expected = with_room(self._expected, int(clients.slot.max()) + 1, np.inf)
            self._expected[clients.slot] = np.where(clients.ready, clients.expected_mid, np.inf)

    def expected(self, slot: int) -> float:
        """Clients of a service in a window; infinite where nothing is known."""
        return float(self._expected[slot]) if slot < len(self._expected) else np.inf

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode(pack(self._expected))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        self._expected = unpack(decode(content, PackedArray, "visitors"), np.float64, (None,), "visitors")

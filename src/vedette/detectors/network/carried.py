"""The most and the least that a network ever carried, as long as its hours are not known yet."""

from typing import Final

import msgspec
import numpy as np

from vedette.detectors.network.settled import most_until, note_most
from vedette.schema.spans import DAY_US, HOUR_US
from vedette.schema.state import check, decode, encode

_YOUNG_US: Final = 3 * DAY_US
"""From then on baselines know what is usual at an hour of the day (`BankSettings.day_cycles`)."""
_COLUMNS: Final = (0, 1, 2, 3)
_UNIT: Final = 1 << 40
"""What numbers are divided into, so that the least is the most of these."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    since: int | None
    last: tuple[int, int]
    most: list[int]
    least: list[int]


class Carried:
    """Bytes and packets that a network carried for two windows in a row, until an hour or two ago.

    One window may hold one file, and the beginning of what goes on is not yet what is usual.
    """

    def __init__(self) -> None:
        self._since: int | None = None
        self._last = 0, 0
        self._most = np.zeros(len(_COLUMNS), dtype=np.int64)
        self._least = np.zeros(len(_COLUMNS), dtype=np.int64)

    def is_young(self, now: int) -> bool:
        """Whether nobody can know yet what is usual at this hour of the day."""
        return self._since is None or now - self._since < _YOUNG_US

    @property
    def last(self) -> int:
        """Bytes of the last window."""
        return self._last[0]

    def most(self, now: int) -> float:
        """Bytes; 0 where nothing is known."""
        return float(most_until(self._most, _COLUMNS, now, HOUR_US))

    def least(self, now: int) -> float:
        """Packets; infinite where nothing is known."""
        known = most_until(self._least, _COLUMNS, now, HOUR_US)
        return _UNIT / known - 1 if known else float("inf")

    def note(self, now: int, size: float, packets: float) -> None:
        """Take a window in that was watched to its end."""
        if self._since is None:
            self._since, self._last = now, (int(size), int(packets))
        note_most(self._most, _COLUMNS, now, HOUR_US, min(int(size), self._last[0]))
        note_most(self._least, _COLUMNS, now, HOUR_US, _UNIT // (1 + max(int(packets), self._last[1])))
        self._last = int(size), int(packets)

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode(_State(self._since, self._last, self._most.tolist(), self._least.tolist()))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        state = decode(content, _State, "what a network carried")
        check(len(state.most) == len(state.least) == len(_COLUMNS), "what a network carried")
        self._since, self._last = state.since, state.last
        self._most[:], self._least[:] = state.most, state.least

"""Whether the clients of a window are mostly ones that their service knew before."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.view import WindowView
from vedette.schema.spans import DAY_US
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack
from vedette.windows.distinct import distinct_values
from vedette.windows.layout import DISTINCT_BITS, DISTINCT_REGISTERS
from vedette.windows.summary import distinct_count

MOST: Final = 4_096
"""Services; further ones know nobody. A kilobyte and a half each."""
WEEK: Final = 7
"""Days after which what is known is set aside, and what was aside is forgotten: the last one or two weeks are known."""
AT_MOST: Final = 16.0
"""How many times the clients of a window may be known for the window's to be told from them.

A register of a sketch tells of n clients as one in n does; of a window's clients, if all were new, this leaves
512 / 16 = 32 registers changed, a standard error of 18 %.
"""
MOSTLY: Final = 0.7
"""Share of known clients that nobody has who is new, by four of these standard errors."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What an `Acquaintance` remembers."""

    day: int
    slots: list[int]
    sketches: PackedArray


class Acquaintance:
    """Remembers of each service whom it knew by yesterday, in sketches of distinct clients.

    A sketch cannot be asked for somebody, but counts: if a window's clients, added to those known, make them no more,
    they were known. Of whom a service knew only since today nothing is said: a flood lasts minutes or hours, and
    shall not know itself.
    """

    def __init__(self) -> None:
        self._day = 0
        self._rows: dict[int, int] = {}
        # Today's, this week's, and last week's clients.
        self._sketches: NDArray[np.uint8] = np.zeros((3, 0, DISTINCT_REGISTERS), dtype=np.uint8)

    def known(self, view: WindowView, slot: int) -> float:
        """The share of a service's clients in a window that it knew before; 0 where that cannot be told."""
        row, group = self._rows.get(slot), view.group(slot)
        if row is None or group is None:
            return 0.0
        self._turn(view)
        before = self._sketches[1:, row].max(axis=0)
        now = view.groups.distinct[group]
        had, have, both = distinct_count(np.stack([before, now, np.maximum(before, now)])).tolist()
        if not 0.0 < had <= AT_MOST * have:
            return 0.0
        return float(min(1.0, max(0.0, 1.0 - (both - had) / have)))

    def learn(self, view: WindowView, without: set[int]) -> None:
        """Take a window's clients in.

        Args:
            without: Slots of services whose clients are not to be known.
        """
        self._turn(view)
        mine = np.flatnonzero(view.own)
        kept = [(row, slot) for row, slot in zip(mine.tolist(), view.groups.key[mine].tolist(), strict=True)
                if slot not in without and (slot in self._rows or self._place(slot))]  # fmt: skip
        if kept:
            to = [self._rows[slot] for _, slot in kept]
            today = self._sketches[0]
            today[to] = np.maximum(today[to], view.groups.distinct[[row for row, _ in kept]])

    def _place(self, slot: int) -> bool:
        """Make room for a service, if there is any."""
        if len(self._rows) >= MOST:
            return False
        self._rows[slot] = len(self._rows)
        if len(self._rows) > self._sketches.shape[1]:
            more = np.zeros((3, max(16, len(self._rows)), DISTINCT_REGISTERS), dtype=np.uint8)
            self._sketches = np.concatenate([self._sketches, more], axis=1)
        return True

    def _turn(self, view: WindowView) -> None:
        """Let days pass."""
        day = view.start // DAY_US
        if day <= self._day:
            return
        today, week, before = self._sketches
        np.maximum(week, today, out=week)
        today[:] = 0
        if day // WEEK > self._day // WEEK:
            # Of a log with a gap of weeks, too: who came before it is who is known.
            before[:], week[:] = week, 0
        self._day = day

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        used = self._sketches[:, : len(self._rows)]
        return encode(_State(self._day, list(self._rows), pack(used)))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        what = "known clients"
        state = decode(content, _State, what)
        sketches = unpack(state.sketches, np.uint8, (3, len(state.slots), DISTINCT_REGISTERS), what)
        check(
            len(state.slots) <= MOST and len(distinct_values(np.array(state.slots))) == len(state.slots), what
        )
        check(bool((sketches <= 64 - DISTINCT_BITS + 1).all()), what)
        self._day, self._sketches = state.day, sketches
        self._rows = {slot: row for row, slot in enumerate(state.slots)}

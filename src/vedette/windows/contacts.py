"""Windows of flows: contacts, and what packets were like. They merge."""

from collections.abc import Sequence
from typing import Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.flows import CONTACT_COLUMNS, ENDED_COLUMNS, Known
from vedette.schema.state import PackedArray, pack, unpack
from vedette.windows.contact_table import ContactTable, counts_in, sorting

BINS: Final = 256


class PackedWindow(msgspec.Struct, frozen=True, array_like=True):
    """A `FlowWindow` as a part of a state."""

    number: int
    start: int
    end: int
    contacts: PackedArray
    ended: PackedArray
    histogram: PackedArray
    known: int
    left_out: int


class FlowWindow(msgspec.Struct, frozen=True):
    """What is known of one window of traffic.

    Attributes:
        number: Its start divided by its length.
        start, end: Microseconds since the epoch, `end` exclusive.
        contacts: int64 (k, CONTACT_COLUMNS), sorted by addresses, port and protocol.
        ended: int64 (m, ENDED_COLUMNS), what is remembered of each flow that ended, in any order.
        histogram: int64 (3, 256): sizes of packets, round-trip and response times. Zeros where nobody saw packets.
        known: What the sources tell.
        left_out: Flows whose client could not be told apart.
    """

    number: int
    start: int
    end: int
    contacts: NDArray[np.int64]
    ended: NDArray[np.int64]
    histogram: NDArray[np.int64]
    known: Known
    left_out: int = 0

    def merge(self, other: Self) -> "FlowWindow":
        """The window of both; associative and commutative.

        Raises:
            ValueError: They are different windows.
        """
        if (self.number, self.end) != (other.number, other.end):
            raise ValueError(f"windows {self.number} and {other.number} differ: only equal ones merge")
        rows = np.concatenate([self.contacts, other.contacts])
        contacts, left_out = fold([rows], len(rows) + 1)
        return FlowWindow(
            self.number, self.start, self.end, contacts, _in_order(np.concatenate([self.ended, other.ended])),
            self.histogram + other.histogram, self.known & other.known, self.left_out + other.left_out + left_out,
        )  # fmt: skip

    def packed(self) -> PackedWindow:
        """As a part of a state."""
        return PackedWindow(
            self.number, self.start, self.end, pack(self.contacts), pack(self.ended), pack(self.histogram),
            int(self.known), self.left_out,
        )  # fmt: skip

    @classmethod
    def unpacked(cls, kept: PackedWindow) -> "FlowWindow":
        """What `packed` gave. Raises `StateError`."""
        what = "window of flows"
        return cls(
            kept.number, kept.start, kept.end,
            unpack(kept.contacts, np.int64, (None, CONTACT_COLUMNS), what),
            unpack(kept.ended, np.int64, (None, ENDED_COLUMNS), what),
            unpack(kept.histogram, np.int64, (3, BINS), what),
            Known(kept.known), kept.left_out,
        )  # fmt: skip


def fold(parts: Sequence[NDArray[np.int64]], room: int) -> tuple[NDArray[np.int64], int]:
    """Fold flows or contacts of one window into contacts.

    Args:
        parts: Each int64 (n, FLOW_COLUMNS or CONTACT_COLUMNS).
        room: Contacts of which clients are told apart.

    Returns:
        Contacts, sorted by addresses, port and protocol; and how many flows' clients were not told apart.
    """
    table = ContactTable()
    for rows in parts:
        flows = np.ascontiguousarray(rows)
        table.add(flows, np.arange(len(flows)), room, counts_in(flows))
    return table.contacts(), table.left_out


def _in_order(ended: NDArray[np.int64]) -> NDArray[np.int64]:
    return ended[sorting(ended, tuple(range(ENDED_COLUMNS)))]

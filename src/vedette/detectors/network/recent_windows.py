"""The windows of the last minute, and the clients and talks that did much in them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.network.grouping import BITS, Rows, groups, mixed, sketch_bits
from vedette.detectors.network.minute import Weight, digest
from vedette.schema.flows import CONTACT_COLUMNS, ENDED_COLUMNS, Flow
from vedette.windows.contacts import FlowWindow, PackedWindow

Weights = tuple[NDArray[np.int32], NDArray[np.int32]]

_LARGE: Final = 32_768
"""Contacts from which a window is kept narrow once it is not the newest. Narrowing takes about 50 ns a contact, and
six windows of fewer are 80 MB."""


class Interest(msgspec.Struct, frozen=True, eq=False):
    """What a detector looks for in the last minute.

    Attributes:
        wanted: Says of a window's contacts which are looked at, bool (k,).
        columns: What a group of them agrees in.
        weight: What tells beforehand that no group comes to enough; None where nothing does.
    """

    wanted: Callable[[Rows], NDArray[np.bool_]]
    columns: Sequence[Flow]
    weight: Weight | None = None


class RecentWindow:
    """A window of the last minute. What is looked for in it is found once.

    Attributes:
        start, end: Microseconds since the epoch, `end` exclusive.
    """

    def __init__(self, window: FlowWindow, weighed: Weights | None = None) -> None:
        self.start = window.start
        self.end = window.end
        # How single flows ended is looked at once.
        self._rest = FlowWindow(
            window.number, window.start, window.end, np.zeros((0, CONTACT_COLUMNS), dtype=np.int64),
            np.zeros((0, ENDED_COLUMNS), dtype=np.int64), window.histogram, window.known, window.left_out,
        )  # fmt: skip
        self._contacts: Rows | _Narrow = window.contacts
        self._found: dict[Interest, tuple[NDArray[np.int32], NDArray[np.int32]]] = {}
        self._weighed = weighed

    @property
    def weighed(self) -> Weights:
        """Marks and weights of its contacts; see `vedette.detectors.network.minute.Digest`."""
        if self._weighed is None:
            found = digest(self._all(), self._rest.histogram)
            self._weighed = found.marks, found.weights
        return self._weighed

    def settle(self) -> None:
        """Take less room, if there is much to save: another window is the newest now."""
        if not isinstance(self._contacts, _Narrow) and len(self._contacts) >= _LARGE:
            self._contacts = _Narrow(self._contacts)

    def found(self, interest: Interest) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Which contacts are wanted, and a number of `BITS` bits for what each holds in the interest's columns."""
        known = self._found.get(interest)
        if known is None:
            contacts = self._all()
            rows = np.flatnonzero(interest.wanted(contacts))
            known = rows.astype(np.int32), mixed(contacts, rows, interest.columns).astype(np.int32)
            self._found[interest] = known
        return known

    def column(self, rows: NDArray[np.int32], column: Flow) -> NDArray[np.int64]:
        """A column of some contacts."""
        if isinstance(self._contacts, _Narrow):
            return self._contacts.column(column, rows)
        values: NDArray[np.int64] = self._contacts[rows, column]
        return values

    def contacts(self, rows: NDArray[np.int32]) -> Rows:
        """Some contacts, int64 (n, CONTACT_COLUMNS)."""
        if isinstance(self._contacts, _Narrow):
            return self._contacts.rows(rows)
        return self._contacts[rows]

    def _all(self) -> Rows:
        if isinstance(self._contacts, _Narrow):
            return self._contacts.rows(slice(None))
        return self._contacts

    def packed(self) -> PackedWindow:
        """As a part of a state."""
        rest = self._rest
        return FlowWindow(
            rest.number, rest.start, rest.end, self._all(), rest.ended, rest.histogram, rest.known, rest.left_out
        ).packed()  # fmt: skip

    @classmethod
    def unpacked(cls, kept: PackedWindow) -> Self:
        """What `packed` gave. Raises `StateError`."""
        return cls(FlowWindow.unpacked(kept))


class _Narrow:
    """Contacts with each column as narrow as its values allow: most hold small numbers, or the same for all."""

    def __init__(self, contacts: Rows) -> None:
        self._columns = [_narrow(contacts[:, column]) for column in range(CONTACT_COLUMNS)]
        self._length = len(contacts)

    def column(self, column: int, rows: "NDArray[np.int32] | slice") -> NDArray[np.int64]:
        base, off = self._columns[column]
        if off is None:
            return np.full(self._length if isinstance(rows, slice) else len(rows), base, dtype=np.int64)
        return off[rows].astype(np.int64) + base

    def rows(self, rows: "NDArray[np.int32] | slice") -> Rows:
        return np.stack([self.column(column, rows) for column in range(CONTACT_COLUMNS)]).T


def _narrow(column: NDArray[np.int64]) -> tuple[int, NDArray[np.generic] | None]:
    """The least of some values, and how far each is above it, or None where all are the same."""
    least, largest = int(column.min()), int(column.max())
    if least == largest:
        return least, None
    for kind in (np.uint8, np.uint16, np.uint32):
        if largest - least <= np.iinfo(kind).max:
            return least, (column - least).astype(kind)
    return 0, column.copy()


def recent_groups(
    recent: Sequence[RecentWindow], interest: Interest, of: Flow, least: float
) -> Iterator[Rows]:
    """Contacts of the last minute in groups, of those with one in the newest window.

    Args:
        recent: Oldest first.
        of, least: Column that must add up to at least this much in a group.
    """
    found = [window.found(interest) for window in recent]
    if not len(found[-1][0]):
        return
    bits = sketch_bits(sum(len(rows) for rows, _ in found))
    places = [number >> (BITS - bits) for _, number in found]
    weights = [window.column(rows, of) for window, (rows, _) in zip(recent, found, strict=True)]
    sums = np.bincount(np.concatenate(places), weights=np.concatenate(weights), minlength=1 << bits)
    enough = sums >= least
    if not enough[places[-1]].any():
        return
    parts = [
        window.contacts(rows[enough[place]])
        for window, (rows, _), place in zip(recent, found, places, strict=True)
    ]
    columns = interest.columns
    present: set[tuple[int, ...]] | None = None
    for own in groups(np.concatenate(parts), *columns, of=of, least=least):
        if present is None:
            present = set(map(tuple, parts[-1][:, list(columns)].tolist()))
        if tuple(own[0, list(columns)].tolist()) in present:
            yield own

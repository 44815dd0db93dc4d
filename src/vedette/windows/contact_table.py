"""The contacts of one window, folded as flows come in."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.compile import INTERPRETED
from vedette.kernels.flows.contacts import (
    FIXED,
    fold_contacts,
    index_contacts,
    mark_counts,
    sort_few,
    turn_columns,
)
from vedette.kernels.text.hashing import new_secret
from vedette.schema.flows import CONTACT_COLUMNS, LAST_COUNT, Flow
from vedette.windows.distinct import is_among

SPARE: Final = 4_096
"""Contacts of a window beyond the cap: one for each port of a server whose clients are no longer told apart."""
_LEAST: Final = 4
_KEYS: Final = tuple(
    FIXED.index(column)
    for column in (
        Flow.CLIENT_HIGH, Flow.CLIENT_LOW, Flow.SERVER_HIGH, Flow.SERVER_LOW, Flow.SERVER_PORT, Flow.PROTOCOL,
    )
)  # fmt: skip


class ContactTable:
    """Contacts of one window.

    Most counts are zero in all flows of a source, and have no column here.

    Args:
        contacts: How many there will be, if that is known.

    Attributes:
        left_out: Flows whose client could not be told apart.
    """

    def __init__(self, contacts: int = 0) -> None:
        self._secret = new_secret()
        self._counts = np.zeros(0, dtype=np.int64)
        # Memory that is not used yet takes none.
        self._rows = np.empty((contacts, len(FIXED)), dtype=np.int64)
        self._index = np.zeros(_places(contacts), dtype=np.int32)
        self._state = np.zeros(2, dtype=np.int64)

    def clear(self) -> None:
        """Begin anew, with the room and the columns that there are."""
        self._index[:] = 0
        self._state[:] = 0

    def __len__(self) -> int:
        return int(self._state[0])

    @property
    def left_out(self) -> int:
        """Flows whose client could not be told apart."""
        return int(self._state[1])

    def add(
        self, rows: NDArray[np.int64], pick: NDArray[np.int64], room: int, counts: NDArray[np.int64]
    ) -> None:
        """Fold flows or contacts in.

        Args:
            rows: int64 (n, FLOW_COLUMNS or CONTACT_COLUMNS). pick: int64 (p,), which of them.
            room: Contacts of which clients are told apart.
            counts: What `counts_in` says of the rows.
        """
        most, at = room + SPARE, 0
        self._widen(counts)
        self._make_room(min(len(pick), most, len(self) + len(pick)))
        while True:
            at = fold_contacts(
                rows, pick, at, room, most, self._counts, self._rows, self._index, *self._secret, self._state
            )  # fmt: skip
            if at == len(pick):
                return
            self._make_room(min(most, len(self) + max(len(self), _LEAST)))

    def contacts(self) -> NDArray[np.int64]:
        """int64 (k, CONTACT_COLUMNS), sorted by addresses, port and protocol, column by column in memory."""
        rows = self._rows[: len(self)]
        held = np.concatenate([np.array(FIXED, dtype=np.int64), self._counts])
        columns = np.empty((CONTACT_COLUMNS, len(rows)), dtype=np.int64)
        columns[~is_among(np.arange(CONTACT_COLUMNS), held)] = 0
        turn_columns(rows, sorting(rows, _KEYS), held, columns)
        return columns.T

    def _widen(self, counts: NDArray[np.int64]) -> None:
        """Have a column for each of these counts."""
        more = counts[~is_among(counts, self._counts)]
        if not len(more):
            return
        count, width = len(self), self._rows.shape[1]
        wider = np.empty((len(self._rows), width + len(more)), dtype=np.int64)
        wider[:count, :width] = self._rows[:count]
        wider[:count, width:] = 0
        self._rows, self._counts = wider, np.concatenate([self._counts, more])

    def _make_room(self, contacts: int) -> None:
        """Have room for so many at least."""
        if contacts <= len(self._rows):
            return
        count = len(self)
        larger = np.empty((max(contacts, _LEAST), self._rows.shape[1]), dtype=np.int64)
        larger[:count] = self._rows[:count]
        self._rows = larger
        self._index = np.zeros(_places(len(larger)), dtype=np.int32)
        index_contacts(self._rows, count, self._index, *self._secret)


def counts_in(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The columns of counts that hold anything but zeros in flows or contacts, int64 (c,).

    Args:
        rows: int64 (n, FLOW_COLUMNS or CONTACT_COLUMNS), row by row in memory.
    """
    used = np.zeros(LAST_COUNT + 1, dtype=np.int64)
    mark_counts(rows, used)
    return np.flatnonzero(used)


def _places(contacts: int) -> int:
    """Of an index: at least twice as many as contacts."""
    return 1 << max(1, (2 * contacts).bit_length())


_WORD: Final = 1 << 32


_FEW: Final = 0 if INTERPRETED else 512
"""Rows up to which a kernel is faster than numpy's many steps."""


def sorting(rows: NDArray[np.int64], keys: tuple[int, ...]) -> NDArray[np.intp]:
    """The order that sorts rows by columns, the first of `keys` before the others.

    The columns that tell most rows apart, as far as they fit into 64 bits, are sorted by together, which is several
    times as fast as one column after the other; what is equal in them is put in order afterwards.
    """
    if not len(rows):
        return np.zeros(0, dtype=np.intp)
    if len(rows) <= _FEW:
        few = np.empty(len(rows), dtype=np.int64)
        sort_few(np.ascontiguousarray(rows), np.array(keys, dtype=np.int64), few)
        return few
    packed = np.zeros(len(rows), dtype=np.uint64)
    room, rest = 1 << 64, list(keys)
    while rest:
        column = np.ascontiguousarray(rows[:, rest[0]])
        least = int(column.min())
        width = int(column.max()) - least + 1
        if width > room:
            break
        room //= width
        if width > 1:
            packed *= np.uint64(width) if width < 1 << 64 else np.uint64(1)
            packed += column.astype(np.uint64) - np.uint64(least % (1 << 64))
        del rest[0]
    if len(rest) == len(keys):
        return np.lexsort(tuple(rows[:, key] for key in reversed(keys)))
    order = np.argsort(packed)
    if not rest:
        # Equal in all of them: no matter which comes first.
        return order
    packed = packed[order]
    same = np.zeros(len(rows) + 1, dtype=bool)
    same[1:-1] = packed[1:] == packed[:-1]
    tied = np.flatnonzero(same[1:] | same[:-1])
    if len(tied):
        own = rows[order[tied]]
        order[tied] = order[tied][np.lexsort((*(own[:, key] for key in reversed(rest)), packed[tied]))]
    return order

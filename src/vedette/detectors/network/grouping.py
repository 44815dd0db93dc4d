"""Contacts in groups that agree in some columns, made only where a group may be large enough to matter."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.schema.flows import Flow
from vedette.windows.distinct import distinct_values

Rows = NDArray[np.int64]

BITS: Final = 22
"""Of the numbers by which groups are told apart at most."""


def groups(
    rows: Rows,
    *columns: Flow,
    of: Flow | None = None,
    least: float = 0,
    among: NDArray[np.intp] | None = None,
) -> Iterator[Rows]:
    """Rows in groups that agree in columns, in order of these.

    Args:
        rows: int64 (k, any). columns: What a group agrees in.
        of, least: Only groups in which column `of` adds up to at least this much.
        among: Which rows; None for all.
    """
    if of is not None and least > 1 and len(rows):
        chosen = np.arange(len(rows)) if among is None else among
        bits = sketch_bits(len(chosen))
        place = mixed(rows, chosen, columns) >> (BITS - bits)
        enough = np.bincount(place, weights=rows[chosen, of], minlength=1 << bits) >= least
        among = chosen[enough[place]]
    if among is not None:
        rows = rows[among]
    if not len(rows):
        return
    order = np.lexsort(tuple(rows[:, c] for c in reversed(columns)))
    starts = starts_of(rows, columns, order)
    ends = np.append(starts[1:], len(rows))
    if of is not None:
        wanted = np.add.reduceat(rows[order, of], starts) >= least
        starts, ends = starts[wanted], ends[wanted]
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        yield rows[order[start:end]]


def busy(rows: Rows, least: int, *columns: Flow) -> Iterator[Rows]:
    """The groups of at least so many rows."""
    return (group for group in groups(rows, *columns) if len(group) >= least)


def starts_of(
    rows: Rows, columns: Sequence[Flow], order: NDArray[np.intp] | slice = slice(None)
) -> NDArray[np.intp]:
    """Where rows, in an order that sorts them by columns, begin to differ in these, intp (g,)."""
    if not len(rows):
        return np.zeros(0, dtype=np.intp)
    changes = np.zeros(len(rows) - 1, dtype=bool)
    for column in columns:
        values = rows[order, column]
        changes |= values[1:] != values[:-1]
    return np.concatenate([[0], np.flatnonzero(changes) + 1])


def picked(rows: Rows, which: NDArray[np.intp], columns: int) -> Rows:
    """The first columns of some rows, (k, columns), column by column in memory, as contacts are."""
    if len(which) == len(rows):
        return rows[:, :columns]
    return np.take(rows.T[:columns], which, axis=1).T


def distinct(rows: Rows, *columns: Flow) -> int:
    """How many different values columns have together."""
    if len(columns) == 1:
        return len(distinct_values(rows[:, columns[0]]))
    order = np.lexsort(tuple(rows[:, c] for c in columns))
    return len(starts_of(rows, columns, order))


def heaviest(rows: Rows, column: Flow, most: int = 10) -> Rows:
    """The rows with the most, the heaviest first."""
    return rows[np.argsort(-rows[:, column], kind="stable")[:most]]


def sketch_bits(rows: int) -> int:
    """By how many bits rows are told apart: a number or two for each.

    With more of them fewer groups would share one, but what counts by them would no longer stay in a near cache.
    """
    return min(BITS, max(12, rows.bit_length()))


def mixed(contacts: Rows, rows: NDArray[np.intp], columns: Sequence[Flow]) -> NDArray[np.int64]:
    """A number of `BITS` bits for what each row holds in columns, the same for the same.

    Sums by it are never below those of the groups themselves, so most groups need not be made (the upper bound of
    Cormode and Muthukrishnan's count-min sketch, 2005, with one row). Whoever makes numbers coincide costs time.
    """
    number: NDArray[np.uint64] = np.zeros(1, dtype=np.uint64)
    everything = len(rows) == len(contacts)
    for column in columns:
        values = contacts[:, column] if everything else contacts[rows, column]
        number = (number ^ values.astype(np.uint64)) * _ODD
        number ^= number >> np.uint64(29)
    return (number >> np.uint64(64 - BITS)).astype(np.int64)


_ODD: Final = np.uint64(0x9E3779B97F4A7C15)

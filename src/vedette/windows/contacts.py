"""Windows of flows: contacts, and what packets were like. They merge."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.flow_survey import FIRST_START, LAST_END, LAST_START, TIMES, survey_flows
from vedette.schema.flows import CONTACT_COLUMNS, ENDED_COLUMNS, LAST_COUNT, Flows, Known
from vedette.schema.state import PackedArray, decode, encode, pack, unpack
from vedette.windows.contact_table import ContactTable, counts_in, sorting

BINS: Final = 256
_FEW: Final = 64
"""Windows open at once, as flow logs have them that are minutes out of order."""


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


@dataclass(frozen=True, slots=True)
class FlowWindow:
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


class _Waiting(msgspec.Struct, frozen=True, array_like=True):
    """What a `FlowWindower` holds."""

    rows: list[tuple[int, PackedArray]]
    ended: list[tuple[int, PackedArray]]
    histograms: list[tuple[int, PackedArray]]
    known: int
    now: int | None
    closed: int | None
    late: int
    left_out: int


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


class FlowWindower:
    """Cuts flows into windows, and hands out those that no more can come for.

    Args:
        span: Length of a window, microseconds.
        lateness: How much later than event time a flow's start may be, microseconds.
        room: Contacts told apart in a window; in all open windows together twice as many. From three quarters of these
            on, the oldest windows are closed early: what is late for them is counted, but nobody's client is lost.
        own_clock: Whether event time is that of the newest flow; otherwise it is what `advance` says.

    Attributes:
        first, last: When the first of all flows started and the last ended, microseconds; None before the first.
    """

    def __init__(self, span: int, lateness: int, room: int = 262_144, *, own_clock: bool = True) -> None:
        self._own_clock = own_clock
        self.span = span
        self.lateness = lateness
        self.late = 0
        self.left_out = 0
        self.first: int | None = None
        self.last: int | None = None
        self._room = room
        self._tables: dict[int, ContactTable] = {}
        self._contacts = 0
        self._idle: ContactTable | None = None
        self._ended: dict[int, list[NDArray[np.int64]]] = {}
        self._histograms: dict[int, NDArray[np.int64]] = {}
        self._known = Known(-1)
        self._now: int | None = None
        self._closed: int | None = None

    def add(
        self,
        parts: Flows,
        ended: Flows,
        start: int | None,
        histogram: NDArray[np.int64] | None,
        *,
        over: bool = True,
        horizon: NDArray[np.int64] | None = None,
        reached: int | None = None,
    ) -> None:
        """Take rows in.

        Args:
            parts: Parts of flows, or whole ones where only those are known: each counts in the window it starts in.
            ended: Whole flows that ended; each counts in the window that it ended in, or in the first that is open.
            start, histogram: Of a window, what its packets were like. over: Whether the window has ended.
            horizon: int64 (n,), for each part: it is too late for windows that were over then, microseconds.
            reached: Event time once they have come, microseconds, where somebody knows better than the newest flow.
        """
        if len(parts):
            self._known &= parts.known
            seen = self._survey(parts.table)
            if self._own_clock and reached is None:
                self.advance(seen.latest)
            # The first window that each is in time for.
            open_from = None if horizon is None else horizon // self.span
            self._fold(seen, open_from)
            if ended.table is parts.table:
                self._remember(seen, open_from)
        if len(ended) and ended.table is not parts.table:
            self._remember(self._survey(ended.table))
        if histogram is not None and start is not None:
            number = start // self.span
            if self._closed is None or number > self._closed:
                known = self._histograms.get(number)
                self._histograms[number] = histogram if known is None else known + histogram
            if self._own_clock and over and reached is None:
                self.advance(start + self.span)
        if self._own_clock and reached is not None:
            self.advance(reached)

    def advance(self, until: int) -> None:
        """Let event time reach `until`, microseconds; it never goes back."""
        self._now = until if self._now is None else max(self._now, until)

    def begin_after(self, number: int) -> None:
        """Take nothing of a window, or of one before it: they were closed by somebody else."""
        self._closed = number

    @property
    def now(self) -> int | None:
        """Event time, microseconds; None before the first flow."""
        return self._now

    @property
    def closed(self) -> int:
        """End of the newest window that was closed, microseconds; 0 if none was."""
        return 0 if self._closed is None else (self._closed + 1) * self.span

    def to_state(self) -> bytes:
        """What waits, folded, as bytes."""
        joined = {number: np.concatenate(parts) for number, parts in self._ended.items()}
        return encode(
            _Waiting(
                [(number, pack(table.contacts())) for number, table in sorted(self._tables.items())],
                [(number, pack(rows)) for number, rows in sorted(joined.items())],
                [(number, pack(one)) for number, one in sorted(self._histograms.items())],
                int(self._known),
                self._now,
                self._closed,
                self.late,
                self.left_out + sum(table.left_out for table in self._tables.values()),
            )
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        what = "open windows of flows"
        kept = decode(content, _Waiting, what)
        shape = (None, CONTACT_COLUMNS)
        self._tables = {}
        for number, packed in kept.rows:
            rows = np.ascontiguousarray(unpack(packed, np.int64, shape, what))
            table = self._tables.setdefault(number, ContactTable())
            table.add(rows, np.arange(len(rows)), len(rows) + 1, counts_in(rows))
        self._contacts = sum(map(len, self._tables.values()))
        self._ended = {
            number: [unpack(rows, np.int64, (None, ENDED_COLUMNS), what)] for number, rows in kept.ended
        }
        self._histograms = {number: unpack(one, np.int64, (3, BINS), what) for number, one in kept.histograms}
        self._known, self._now, self._closed = Known(kept.known), kept.now, kept.closed
        self.late, self.left_out = kept.late, kept.left_out

    def close(self, *, everything: bool = False) -> Iterator[FlowWindow]:
        """The windows that are over, in order; those without a flow between them are left out."""
        if not everything and self._now is None:
            return
        last = (
            None if everything else max(((self._now or 0) - self.lateness) // self.span - 1, self._crowded())
        )
        if last is not None and self._closed is not None and last <= self._closed:
            return
        empty = np.zeros((3, BINS), dtype=np.int64)
        for one in sorted({n for n in (*self._tables, *self._histograms) if last is None or n <= last}):
            table = self._tables.pop(one, None)
            table = ContactTable() if table is None else table
            contacts = table.contacts()
            self._contacts -= len(table)
            self.left_out += table.left_out
            table.clear()
            self._idle = table
            yield FlowWindow(
                one, one * self.span, (one + 1) * self.span, contacts, self._take_ended(one),
                self._histograms.pop(one, empty), self._known,
            )  # fmt: skip
            self._closed = one if self._closed is None else max(self._closed, one)
        if last is not None:
            self._closed = last if self._closed is None else max(self._closed, last)

    def _crowded(self) -> int:
        """The newest window that has to close for others to have room; the two newest never do."""
        contacts, last = self._contacts, -1
        for number in sorted(self._tables)[:-2]:
            if contacts <= self._room + self._room // 2:
                break
            contacts -= len(self._tables[number])
            last = number
        return last

    def _survey(self, table: NDArray[np.int64]) -> "_Survey":
        """Look at flows, at least one."""
        rows, count = np.ascontiguousarray(table), len(table)
        times, used = np.empty(TIMES, dtype=np.int64), np.zeros(LAST_COUNT + 1, dtype=np.int64)
        started, left = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        ended = np.empty((count, ENDED_COLUMNS), dtype=np.int64)
        survey_flows(rows, self.span, times, used, started, left, ended)
        first, last = int(times[FIRST_START]), int(times[LAST_END])
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)
        return _Survey(rows, np.flatnonzero(used), int(times[LAST_START]), started, left, ended)

    def _remember(self, seen: "_Survey", open_from: NDArray[np.int64] | None = None) -> None:
        """Put flows that ended with the others of the windows that they ended in."""
        left = seen.left if open_from is None else np.maximum(seen.left, open_from)
        for number, pick in _by_window(left):
            place = number if self._closed is None else max(number, self._closed + 1)
            self._ended.setdefault(place, []).append(seen.ended[pick])

    def _fold(self, seen: "_Survey", open_from: NDArray[np.int64] | None) -> None:
        """Take flows into the windows that they begin in."""
        rows, counts = seen.rows, seen.counts
        for one, pick in _by_window(seen.started):
            if open_from is not None and one < int(open_from[pick[-1]]):
                # The horizon never falls: that of the last is the farthest.
                inside = pick[open_from[pick] <= one]
                self.late += len(pick) - len(inside)
                pick = inside
            if self._closed is not None and one <= self._closed:
                self.late += len(pick)
                continue
            table = self._tables.get(one)
            if table is None:
                # Memory that was used before is at hand; new memory has to be cleared by the system first.
                table, self._idle = ContactTable(self._expected()) if self._idle is None else self._idle, None
                self._tables[one] = table
            before = len(table)
            room = min(self._room, max(0, 2 * self._room - self._contacts) + before)
            table.add(rows, pick, room, counts)
            self._contacts += len(table) - before

    def _expected(self) -> int:
        """Contacts that a window will have: as many as another. Of many, no more are promised."""
        return max(map(len, self._tables.values()), default=0) if len(self._tables) < _FEW else 0

    def _take_ended(self, upto: int) -> NDArray[np.int64]:
        """Whole flows that ended in a window, or before it and after the one before."""
        ready = sorted(n for n in self._ended if n <= upto)
        if not ready:
            return _NONE
        return np.concatenate([_NONE, *(own for n in ready for own in self._ended.pop(n))])


_NONE: Final = np.zeros((0, ENDED_COLUMNS), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Survey:
    """What `survey_flows` says of some flows.

    Attributes:
        rows: The flows. counts: Columns of counts that hold anything but zeros.
        latest: When the last of them started, microseconds.
        started, left: int64 (n,), the windows that each started and ended in.
        ended: int64 (n, ENDED_COLUMNS), what is remembered of each.
    """

    rows: NDArray[np.int64]
    counts: NDArray[np.intp]
    latest: int
    started: NDArray[np.int64]
    left: NDArray[np.int64]
    ended: NDArray[np.int64]


def _by_window(number: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Rows by the window that each is in, in order.

    Args:
        number: int64 (n,), the window of each.
    """
    if not len(number):
        return
    least, largest = int(number.min()), int(number.max())
    if least == largest:
        yield least, np.arange(len(number))
        return
    if largest - least < 1 << 16:
        # Of so few, numpy sorts by digits.
        number = (number - least).astype(np.uint16)
    order = np.argsort(number, kind="stable")
    number = number[order]
    starts = np.concatenate([[0], np.flatnonzero(number[1:] != number[:-1]) + 1, [len(number)]]).tolist()
    base = least if number.dtype == np.uint16 else 0
    for start, end in pairwise(starts):
        yield int(number[start]) + base, order[start:end]

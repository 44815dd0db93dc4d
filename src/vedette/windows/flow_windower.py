"""Flows to windows: by the windows that they begin in, until no more can come for one."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.flows import CONTACT_COLUMNS, ENDED_COLUMNS, Flow, Flows, Known
from vedette.schema.state import PackedArray, decode, encode, pack, unpack
from vedette.windows.contact_table import ContactTable, counts_in
from vedette.windows.contacts import BINS, FlowWindow
from vedette.windows.distinct import distinct_values
from vedette.windows.ended_flows import EndedFlows
from vedette.windows.flow_survey import Survey, by_window
from vedette.windows.flow_table import Passed
from vedette.windows.going_on import WAITING_COLUMNS, GoingOn

_FEW: Final = 64
"""Windows open at once, as flow logs have them that are minutes out of order."""
QUIET: Final = 360
"""Windows in a row in which flows go on and none begins; a longer time is a gap in the log."""


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
    going_on: PackedArray | None = None
    """Nothing, and no number behind it, is what an older version wrote."""
    begun: int | None = None
    in_part: int = 0
    lumped: int = 0
    seen: int = 0


class FlowWindower:
    """Cuts flows into windows, and hands out those that no more can come for.

    Args:
        span: Length of a window, microseconds.
        lateness: How much later than event time a flow's start may be, microseconds.
        room: Contacts told apart in a window. Where those of all open windows come to half as many again, the oldest
            are closed early: what is late for them is counted, but nobody's client is lost. It is looked at whenever
            a quarter as many rows have come, so that it depends on their order and not on how they come in batches.
        own_clock: Whether event time is that of the newest flow; otherwise it is what `advance` says.

    Attributes:
        first, last: When the first of all flows started and the last ended, microseconds; None before the first.
        late: Flows that no window has anything of. in_part: Those of which windows that were over have nothing.
        lumped: Flows longer than a window that count where they begin, as too many go on; see `GoingOn`.
    """

    def __init__(self, span: int, lateness: int, room: int = 262_144, *, own_clock: bool = True) -> None:
        self._own_clock = own_clock
        self.span = span
        self.lateness = lateness
        self.late = 0
        self.in_part = 0
        self.lumped = 0
        self.left_out = 0
        self._going_on = GoingOn(span)
        self._begun: int | None = None
        self._seen = 0
        self._step, self._most = max(1, room // 4), room + room // 2
        self.first: int | None = None
        self.last: int | None = None
        self._room = room
        self._tables: dict[int, ContactTable] = {}
        self._contacts = 0
        self._idle: ContactTable | None = None
        self._ended = EndedFlows()
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
        told: bool = False,
    ) -> None:
        """Take rows in.

        Args:
            parts: Parts of flows, each in the window that it starts in; or whole flows where only those are known: one
                that lasts longer than a window is spread over all that it touches.
            ended: Whole flows that ended, the same where those are the parts; each counts in the window that it ended
                in, or in the first that is open.
            start, histogram: Of a window, what its packets were like. over: Whether the window has ended.
            horizon: int64 (n,), for each part: it is too late for windows that were over then, microseconds.
            told: Whether event time is what `advance` says, as somebody knows better than the newest flow.
        """
        if len(parts):
            self._known &= parts.known
            seen = self._survey(parts.table)
            if self._own_clock and not told:
                self.advance(seen.latest)
            # The first window that each is in time for.
            open_from = None if horizon is None else horizon // self.span
            whole = ended.table is parts.table
            self._fold(seen, open_from, spread=whole)
            if whole:
                self._ended.add(seen, open_from, self._closed)
        if len(ended) and ended.table is not parts.table:
            self._ended.add(self._survey(ended.table), None, self._closed)
        if histogram is not None and start is not None:
            number = start // self.span
            if self._closed is None or number > self._closed:
                known = self._histograms.get(number)
                self._histograms[number] = histogram if known is None else known + histogram
            if self._own_clock and over and not told:
                self.advance(start + self.span)

    def portions(self, passed: Passed) -> Iterator[Passed]:
        """What is to be added one after the other, with what is over closed in between.

        All at once, unless a bound may be met on the way: then it is cut wherever event time comes to another window,
        and wherever it is looked at how many contacts there are.
        """
        rows = len(passed.parts)
        full = self._contacts + rows > self._most or len(self._going_on) + rows > self._going_on.most
        if not full or passed.ended.table is not passed.parts.table:
            self._seen += rows
            yield passed
            return
        edges = [0]
        if isinstance(passed.reached, np.ndarray):
            number = passed.reached // self.span
            edges += (np.flatnonzero(number[1:] != number[:-1]) + 1).tolist()
        first = -self._seen % self._step
        for begin, end in pairwise(sorted({*edges, *range(first, rows, self._step), rows})):
            self._seen += end - begin
            yield passed.cut(begin, end)

    def advance(self, until: int) -> None:
        """Let event time reach `until`, microseconds; it never goes back."""
        self._now = until if self._now is None else max(self._now, until)

    def begin_after(self, number: int) -> None:
        """Take nothing of a window, or of one before it: they were closed by somebody else."""
        self._closed = number

    def count_anew(self) -> None:
        """Forget what was counted, when flows were, and what they told; what waits goes on to wait."""
        self.late = self.in_part = self.lumped = self.left_out = 0
        self.first = self.last = None
        self._known = Known(-1)

    @property
    def known(self) -> Known:
        """What all that was read tells; everything before the first flow."""
        return self._known

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
        return encode(
            _Waiting(
                [(number, pack(table.contacts())) for number, table in sorted(self._tables.items())],
                [(number, pack(rows)) for number, rows in self._ended.rows],
                [(number, pack(one)) for number, one in sorted(self._histograms.items())],
                int(self._known),
                self._now,
                self._closed,
                self.late,
                self.left_out + sum(table.left_out for table in self._tables.values()),
                pack(self._going_on.rows) if len(self._going_on) else None,
                self._begun,
                self.in_part,
                self.lumped,
                self._seen,
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
        shape = (None, ENDED_COLUMNS)
        self._ended.restore([(number, unpack(rows, np.int64, shape, what)) for number, rows in kept.ended])
        self._histograms = {number: unpack(one, np.int64, (3, BINS), what) for number, one in kept.histograms}
        self._known, self._now, self._closed = Known(kept.known), kept.now, kept.closed
        self.late, self.left_out = kept.late, kept.left_out
        self._begun, self.in_part, self.lumped, self._seen = kept.begun, kept.in_part, kept.lumped, kept.seen
        if kept.going_on is not None:
            self._going_on.restore(unpack(kept.going_on, np.int64, (None, WAITING_COLUMNS), what))

    def close(self, *, everything: bool = False) -> Iterator[FlowWindow]:
        """The windows that are over, in order; those without a flow between them are left out."""
        if not everything and self._now is None:
            return
        crowded = -1 if self._seen % self._step else self._crowded()
        last = None if everything else max(((self._now or 0) - self.lateness) // self.span - 1, crowded)
        if last is not None and self._closed is not None and last <= self._closed:
            return
        for one in self._due(last):
            yield self._close(one)
            self._closed = one if self._closed is None else max(self._closed, one)
        if last is not None:
            self._closed = last if self._closed is None else max(self._closed, last)

    def _due(self, last: int | None) -> Iterator[int]:
        """The windows to be closed, in order: those in which something begins, and between them where flows go on."""
        begun = sorted({n for n in (*self._tables, *self._histograms) if last is None or n <= last})
        for one in begun:
            yield from self._between(one)
            self._begun = one
            yield one
        if last is not None:
            # After the newest flow of all, nobody looked any more.
            yield from self._between(last + 1)

    def _between(self, end: int) -> Iterator[int]:
        if self._begun is not None and len(self._going_on):
            closed = self._begun if self._closed is None else max(self._begun, self._closed)
            yield from self._going_on.windows(closed + 1, min(end, self._begun + 1 + QUIET))

    def _close(self, one: int) -> FlowWindow:
        if len(self._going_on):
            parts = self._going_on.take(one)
            if len(parts):
                self._add(one, parts, np.arange(len(parts)), counts_in(parts))
        table = self._tables.pop(one, None)
        table = ContactTable() if table is None else table
        contacts = table.contacts()
        self._contacts -= len(table)
        self.left_out += table.left_out
        table.clear()
        self._idle = table
        empty = np.zeros((3, BINS), dtype=np.int64)
        return FlowWindow(
            one, one * self.span, (one + 1) * self.span, contacts, self._ended.take(one),
            self._histograms.pop(one, empty), self._known,
        )  # fmt: skip

    def _crowded(self) -> int:
        """The newest window that has to close for others to have room; the two newest never do."""
        contacts, last = self._contacts, -1
        for number in sorted(self._tables)[:-2]:
            if contacts <= self._most:
                break
            contacts -= len(self._tables[number])
            last = number
        return last

    def _survey(self, table: NDArray[np.int64]) -> Survey:
        """Look at flows, at least one."""
        seen = Survey.of(table, self.span)
        self.first = seen.first if self.first is None else min(self.first, seen.first)
        self.last = seen.last if self.last is None else max(self.last, seen.last)
        return seen

    def _fold(self, seen: Survey, open_from: NDArray[np.int64] | None, *, spread: bool) -> None:
        """Take flows into the windows that they begin in; to `spread` long ones they are kept by themselves."""
        rows, started = seen.rows, seen.started
        if spread and seen.longest > self.span:
            rest = self._spread(rows, started, open_from)
            for one, pick in by_window(started[rest]):
                self._take(seen, one, rest[pick], open_from)
            return
        for one, pick in by_window(started):
            self._take(seen, one, pick, open_from)

    def _spread(
        self, rows: NDArray[np.int64], started: NDArray[np.int64], open_from: NDArray[np.int64] | None
    ) -> NDArray[np.intp]:
        """Keep the flows that are longer than a window; returns the rows that are not, or have no room."""
        is_long = rows[:, Flow.END] - rows[:, Flow.START] > self.span
        long = np.flatnonzero(is_long)
        least = np.zeros(len(long), dtype=np.int64) if open_from is None else open_from[long]
        if self._closed is not None:
            least = np.maximum(least, self._closed + 1)
        inside = rows[long, Flow.END] // self.span >= least
        self.late += int(np.count_nonzero(~inside))
        long, least = long[inside], least[inside]
        taken = self._going_on.add(rows[long], least)
        lumped = long[taken:]
        self.lumped += len(lumped)
        cut = started[long[:taken]] < least[:taken]
        self.in_part += int(np.count_nonzero(cut))
        for number in distinct_values(started[long[:taken][~cut]]).tolist():
            # That flows begin there is known of a window by its table.
            self._table(number)
        is_long[lumped] = False
        return np.flatnonzero(~is_long)

    def _take(
        self, seen: Survey, one: int, pick: NDArray[np.intp], open_from: NDArray[np.int64] | None
    ) -> None:
        """Take flows into a window, unless they are too late for it."""
        if open_from is not None and one < int(open_from[pick[-1]]):
            # The horizon never falls: that of the last is the farthest.
            inside = pick[open_from[pick] <= one]
            self.late += len(pick) - len(inside)
            pick = inside
        if self._closed is not None and one <= self._closed:
            self.late += len(pick)
            return
        if len(pick):
            self._add(one, seen.rows, pick, seen.counts)

    def _add(
        self, one: int, rows: NDArray[np.int64], pick: NDArray[np.intp], counts: NDArray[np.intp]
    ) -> None:
        table = self._table(one)
        before = len(table)
        table.add(rows, pick, self._room, counts)
        self._contacts += len(table) - before

    def _table(self, one: int) -> ContactTable:
        table = self._tables.get(one)
        if table is None:
            # Memory that was used before is at hand; new memory has to be cleared by the system first.
            table, self._idle = ContactTable(self._expected()) if self._idle is None else self._idle, None
            self._tables[one] = table
        return table

    def _expected(self) -> int:
        """Contacts that a window will have: as many as another. Of many, no more are promised."""
        return max(map(len, self._tables.values()), default=0) if len(self._tables) < _FEW else 0

"""Packets to flows: a bounded table, cut at the ends of windows."""

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.packets.flow_ending import end_window, expire_flows, fail_unanswered
from vedette.kernels.packets.flow_layout import (
    COUNTS,
    EVICTED,
    META,
    NOW,
    OLDEST,
    ORPHANS,
    OUT_COLUMNS,
    STATE_COLUMNS,
)
from vedette.kernels.packets.flow_table import track_packets
from vedette.kernels.packets.fragments import FRAGMENT_WIDTH
from vedette.kernels.packets.packet_glances import count_behind
from vedette.kernels.text.hashing import new_secret
from vedette.schema.flows import Flows, Known
from vedette.schema.spans import DAY_US

SEEN: Final = Known.FLAGS | Known.OUTCOME | Known.SEGMENTS | Known.TIMES | Known.CONTENT
"""What packets tell."""
BINS: Final = 256
_ROWS: Final = 16_384
_FRAGMENTS: Final = 4_096
_NEVER: Final = 1 << 62
_ORDERED: Final = 1_000_000
"""Packets of several cores or interfaces overtake each other by less, microseconds."""


class TableSettings(msgspec.Struct, frozen=True):
    """How long flows live.

    Attributes:
        span: Length of a window, microseconds.
        idle: Silence after which a flow has ended; that of an established TCP connection, and of any other.
        active: Age from which a flow is written out although it goes on.
        flows: Most flows at one time.
    """

    span: int = 10_000_000
    idle: tuple[int, int] = (60_000_000, 900_000_000)
    active: int = DAY_US
    flows: int = 131_072


class Passed(msgspec.Struct, frozen=True):
    """What a table hands out: parts of flows, flows that ended, and what single packets were like.

    Attributes:
        start: Where the window begins, microseconds.
        parts, ended: Rows.
        histogram: int64 (3, 256): packet sizes, round-trip and response times of the window; None with rows that
            left before their window ended.
        over: Whether the window was watched to its end, where there is a histogram.
        horizon: int64 (n,), of each part the time by which windows are over that it comes too late for, microseconds;
            None where none is late.
        reached: int64 (n,), event time once each part has come, microseconds, never falling; one number where it is
            the same for all; None where flows do not tell it.
    """

    start: int
    parts: Flows
    ended: Flows
    histogram: NDArray[np.int64] | None
    over: bool = True
    horizon: NDArray[np.int64] | None = None
    reached: NDArray[np.int64] | int | None = None

    def cut(self, begin: int, end: int) -> "Passed":
        """Some rows, of whole flows: each is a part by itself."""
        rows = Flows(self.parts.table[begin:end], self.parts.known)
        horizon = None if self.horizon is None else self.horizon[begin:end]
        reached = self.reached[begin:end] if isinstance(self.reached, np.ndarray) else self.reached
        return Passed(self.start, rows, rows, None, horizon=horizon, reached=reached)


class FlowTable:
    """Flows of one capture.

    Attributes:
        dated_back: Packets that came behind others of more than a second later. A window that is over is not opened
            again: they count in the one that is open.
    """

    def __init__(self, settings: TableSettings | None = None) -> None:
        self.settings = settings or TableSettings()
        self._until: int | None = None
        self._newest = np.full(1, -_NEVER, dtype=np.int64)
        self.dated_back = 0
        size = self.settings.flows
        self._state = np.zeros((size, STATE_COLUMNS), dtype=np.int64)
        self._told = np.zeros((size, COUNTS), dtype=np.int64)
        self._buckets = np.zeros(1 << max(4, (size - 1).bit_length()), dtype=np.int32)
        self._meta = np.zeros(META, dtype=np.int64)
        self._meta[1] = -1
        self._meta[OLDEST : OLDEST + 4] = -1
        self._fragments = np.zeros((_FRAGMENTS, FRAGMENT_WIDTH), dtype=np.int64)
        self._secret = new_secret()
        self._histogram = np.zeros((3, BINS), dtype=np.int64)
        self._parts = np.zeros((_ROWS, OUT_COLUMNS), dtype=np.int64)
        self._ended = np.zeros((_ROWS, OUT_COLUMNS), dtype=np.int64)
        self._written = np.zeros(2, dtype=np.int64)

    @property
    def evicted(self) -> int:
        """Flows that were written out before their time, because the table was full."""
        return int(self._meta[EVICTED])

    @property
    def orphans(self) -> int:
        """Later fragments whose first was not seen: they are in a flow without ports."""
        return int(self._meta[ORPHANS])

    @property
    def newest(self) -> int | None:
        """Time of the newest packet, microseconds; None before the first."""
        newest = int(self._newest[0])
        return newest if newest != -_NEVER else None

    def add(self, rows: NDArray[np.int64]) -> Iterator[Passed]:
        """Take packets in, in the order of the capture; hands out what windows held that ended.

        Args:
            rows: int64 (n, PACKET_COLUMNS).
        """
        span, at = self.settings.span, 0
        self.dated_back += count_behind(rows, _ORDERED, self._newest)
        while at < len(rows):
            if self._until is None:
                good = rows[at:, 16] == 0
                if not good.any():
                    return
                self._until = (int(rows[at + int(good.argmax()), 0]) // span + 1) * span
            at = track_packets(
                rows, at, len(rows), self._until, self._state, self._told, self._buckets, self._meta,
                self._fragments, *self._secret, self._histogram, self._parts, self._ended, self._written,
            )  # fmt: skip
            if at < len(rows):
                if rows[at, 0] >= self._until:
                    yield from self._end(int(rows[at, 0]) // span * span)
                else:
                    yield self._hand_out(None)

    def pass_time(self, now: int) -> Iterator[Passed]:
        """End the window that is open if it is over at `now`, microseconds, although no packet says so."""
        if self._until is not None and now >= self._until:
            yield from self._end(now // self.settings.span * self.settings.span)

    def finish(self) -> Iterator[Passed]:
        """Hand out everything. Connections that wait for an answer are neither answered nor refused."""
        if self._until is None:
            return
        yield from self._drain()
        yield from self._expire(_NEVER, _NEVER, _NEVER)
        yield self._hand_out(self._histogram, over=False)

    def _end(self, following: int) -> Iterator[Passed]:
        """End the window that is open, and open the one that begins at `following`."""
        until = self._until or 0
        fail_unanswered(until, self._state, self._meta)
        yield from self._drain()
        idle, active = self.settings.idle, self.settings.active
        yield from self._expire(following - idle[0], following - idle[1], following - active)
        yield self._hand_out(self._histogram)
        self._histogram = np.zeros((3, BINS), dtype=np.int64)
        self._until = following + self.settings.span
        self._meta[NOW] = max(int(self._meta[NOW]), 0)

    def _drain(self) -> Iterator[Passed]:
        at = 0
        while True:
            at = end_window(at, self._state, self._told, self._meta, self._parts, self._written)
            if at >= self._meta[0]:
                return
            yield self._hand_out(None)

    def _expire(self, short: int, long: int, begun: int) -> Iterator[Passed]:
        while not expire_flows(
            short, long, begun, self._state, self._told, self._meta, self._buckets,
            self._parts, self._ended, self._written,
        ):  # fmt: skip
            yield self._hand_out(None)

    def _hand_out(self, histogram: NDArray[np.int64] | None, *, over: bool = True) -> Passed:
        parts, ended = self._written.tolist()
        self._written[:] = 0
        start = (self._until or 0) - self.settings.span
        return Passed(
            start,
            Flows(self._parts[:parts].copy(), SEEN),
            Flows(self._ended[:ended].copy(), SEEN),
            histogram,
            over,
        )

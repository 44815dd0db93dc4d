"""Event time of several sources: how far all of them are, so that no window closes before its last line has come."""

from collections import deque

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.windows.windows import BEGINNING, mark_late
from vedette.schema.spans import HOUR_US
from vedette.schema.state import check, decode, encode

_LOOKS_BACK = 600_000_000
"""Over how long a source's offset is the best that was seen, microseconds: lines are delayed, never early."""
_OFFSETS = 64
"""Offsets kept of one source, at most: of one that always brings something that is a shorter time."""


class WatermarkSettings(msgspec.Struct, frozen=True):
    """How sources are waited for. All times are microseconds.

    Attributes:
        idle_after: How long nobody waits for a source that is silent, by the caller's clock.
        grace: How far behind the caller's clock event time follows while all sources are silent, at least. Where a
            source is allowed a lateness, it is that and `idle_after` too.
        skew: From which offset a source's clock is called wrong.
        jump: How far ahead a time may be to be believed at once; see `vedette.kernels.windows.windows.mark_late`.
        span: Length of a window.
    """

    idle_after: int = 30_000_000
    grace: int = 60_000_000
    skew: int = 120_000_000
    jump: int = HOUR_US
    span: int = 60_000_000


class WrongClock(msgspec.Struct, frozen=True):
    """A source whose lines are dated too far from when they come.

    Attributes:
        source: Its name. offset: Its newest time minus the caller's clock, microseconds; positive for a clock that is
            fast. A negative one may also be a delay on the way.
    """

    source: str
    offset: int


class _Source(msgspec.Struct):
    lateness: int
    clock: NDArray[np.int64]
    """As of `mark_late`: newest time believed, rows ahead of it, the earliest of those."""
    active: int
    """When it was heard of last, by the caller's clock."""
    since: int | None = None
    """When it first had nothing more to give; not kept over restarts."""
    offsets: deque[tuple[int, int]] = msgspec.field(default_factory=deque)
    """(caller's clock, newest minus that) of late, whenever it had nothing more to give."""

    @property
    def newest(self) -> int:
        return int(self.clock[0])

    @property
    def reached(self) -> int:
        """What will not come any more; one that has brought nothing yet holds up everybody: that may be old."""
        return self.newest - self.lateness if self.newest > BEGINNING else BEGINNING

    @property
    def offset(self) -> int | None:
        """How far its times are from the caller's clock, at the least delay of late."""
        # Copied at one go: who asks how things are may do so while lines come.
        return max((offset for _, offset in tuple(self.offsets)), default=None)


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """A `_Source` as a part of a state."""

    name: str
    lateness: int
    clock: tuple[int, int, int]
    active: int
    offsets: list[tuple[int, int]]


class Watermarks:
    """How far event time is, told by what each source has brought and by the caller's clock.

    Event time is the least, over all sources that are not silent, of the newest time that is believed less the
    lateness allowed to that source. It never goes back. A source that is silent for `idle_after` is not waited for;
    while all are, event time follows the caller's clock, `grace` behind, if the times of one of them do (those of an
    old log that was read to its end do not). A source whose clock is slow by more than
    `skew` although it has caught up is not waited for either, unless all are: it would hold up everybody else, and
    its lines come late instead. A fast one holds up nobody.

    The result depends on what was told and when by the caller's clock, on nothing else.
    """

    def __init__(self, settings: WatermarkSettings | None = None) -> None:
        self.settings = settings or WatermarkSettings()
        self._sources: dict[str, _Source] = {}
        self._time = BEGINNING

    def add(self, source: str, lateness: int, at: int) -> None:
        """Wait for a source from now on; for one that is known, only its lateness is changed.

        Args:
            source: Its name. lateness: How late its lines may come and still count, microseconds.
            at: The caller's clock, microseconds.
        """
        known = self._sources.get(source)
        if known is not None:
            known.lateness, known.active = lateness, max(known.active, at)
            return
        clock = np.array([BEGINNING, 0, 0], dtype=np.int64)
        self._sources[source] = _Source(lateness, clock, at)

    def __len__(self) -> int:
        return len(self._sources)

    def remove(self, source: str) -> None:
        """Wait for a source no longer: it has ended."""
        self._sources.pop(source, None)

    def heard(
        self,
        source: str,
        times: NDArray[np.int64],
        at: int,
        *,
        caught_up: bool = True,
        reached: NDArray[np.int64] | None = None,
        horizon: NDArray[np.int64] | None = None,
    ) -> NDArray[np.uint8]:
        """Take note of lines that came.

        Returns:
            uint8 (n,), 1 for lines that come too late after others of their own source. That depends on the order of
            its lines alone, so that it is the same however they were delivered.

        Args:
            source: One that was added. times: int64 (n,), their times, in the order in which they came.
            at: The caller's clock. caught_up: Whether the source had nothing more to give; one that reads what has
                piled up is behind, which tells nothing about its clock.
            reached: int64 (n,), receives event time as `time` would tell it, had it been asked after each line.
            horizon: int64 (n,), receives by when windows have to end that each line comes too late for.
        """
        known = self._sources[source]
        known.active = max(known.active, at)
        late = np.empty(len(times), dtype=np.uint8)
        if not len(times):
            return late
        settings = self.settings
        if known.newest == BEGINNING and abs(int(times[0]) - at) <= settings.skew:
            # A first time that the clock vouches for needs no others like it.
            known.clock[0] = times[0]
        newest = np.empty(len(times), dtype=np.int64)
        mark_late(
            np.ascontiguousarray(times),
            known.clock,
            known.lateness,
            settings.jump,
            settings.span,
            late,
            newest,
        )
        if horizon is not None:
            horizon[:] = newest - known.lateness
        if reached is not None:
            others = [s for s in self._awaited(at) if s is not known]
            least = min((s.reached for s in others), default=-BEGINNING)
            own = -BEGINNING if others and self._slow(known) else newest - known.lateness
            reached[:] = np.maximum(self._time, np.minimum(own, least))
        if caught_up and known.newest > BEGINNING:
            known.since = at if known.since is None else known.since
            known.offsets.append((at, known.newest - at))
            while known.offsets[0][0] < at - _LOOKS_BACK or len(known.offsets) > _OFFSETS:
                known.offsets.popleft()
        return late

    def waits(self, source: str, at: int) -> None:
        """Take note that a source has more to give, but cannot now: it is waited for.

        Args:
            source: One that was added. at: The caller's clock.
        """
        self._sources[source].active = max(self._sources[source].active, at)

    def time(self, at: int) -> int | None:
        """Event time up to which everything has come; None while nothing is known. It never goes back.

        Args:
            at: The caller's clock, microseconds.
        """
        awaited = self._awaited(at)
        if awaited:
            reached = min(s.reached for s in awaited)
        elif vouching := [s for s in self._sources.values() if s.newest > BEGINNING and not self._slow(s)]:
            # What is late by so much while it comes is so too when it comes after a silence.
            latest = max(s.lateness for s in vouching)
            reached = at - max(self.settings.grace, self.settings.idle_after + latest)
        else:
            # An old log, or nothing yet: the clock says nothing about what will come.
            reached = BEGINNING
        self._time = max(self._time, reached)
        return None if self._time == BEGINNING else self._time

    @property
    def newest(self) -> int | None:
        """The newest time of any source that is believed, microseconds; None before the first."""
        newest = max((s.newest for s in self._sources.values()), default=BEGINNING)
        return None if newest == BEGINNING else newest

    def wrong_clocks(self, at: int) -> list[WrongClock]:
        """Sources whose clock is wrong by more than the skew allowed, in order of name.

        Those that have kept coming for `idle_after`, and still do: an old log that was read to its end has no clock.
        May be asked by any thread.
        """
        wait = self.settings.idle_after
        coming = [
            (name, source)
            for name, source in sorted(self._sources.items())
            if source.since is not None and source.since <= at - wait < source.active
        ]
        return [
            WrongClock(name, offset)
            for name, source in coming
            if (offset := source.offset) is not None and abs(offset) > self.settings.skew
        ]

    def offset(self, source: str) -> int | None:
        """How far the times of a source that was added are ahead of the caller's clock, at the least delay of late.

        Microseconds; None as long as nothing tells it.
        """
        return self._sources[source].offset

    def idle(self, at: int) -> list[str]:
        """Sources that are not waited for because they are silent, in order of name."""
        return sorted(n for n, s in self._sources.items() if at - s.active >= self.settings.idle_after)

    def to_state(self) -> bytes:
        """What is known of all sources, as bytes."""
        kept = []
        for name, source in sorted(self._sources.items()):
            now, ahead, earliest = source.clock.tolist()
            kept.append(
                _Kept(name, source.lateness, (now, ahead, earliest), source.active, list(source.offsets))
            )
        return encode((self._time, kept))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        self._time, kept = decode(content, tuple[int, list[_Kept]], "watermarks")
        check(abs(self._time) <= -BEGINNING, "watermarks")
        for one in kept:
            check(all(abs(number) <= -BEGINNING for number in one.clock), "watermarks")
            check(len(one.offsets) <= _OFFSETS, "watermarks")
            clock = np.array(one.clock, dtype=np.int64)
            self._sources[one.name] = _Source(one.lateness, clock, one.active, offsets=deque(one.offsets))

    def _awaited(self, at: int) -> list[_Source]:
        """Sources that event time waits for."""
        awaited = [s for s in self._sources.values() if at - s.active < self.settings.idle_after]
        return [s for s in awaited if not self._slow(s)] or awaited

    def _slow(self, source: _Source) -> bool:
        offset = source.offset
        return offset is not None and offset < -self.settings.skew

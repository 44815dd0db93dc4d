"""When each log of a scan was written: one that ends while others go on may go on where nobody has read it."""

from collections.abc import Iterator, Sequence
from datetime import UTC

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.windows.windows import BEGINNING, mark_late
from vedette.report.moments import day_and_clock, length
from vedette.schema.spans import HOUR_US, MINUTE_US

_LEAST = 2 * MINUTE_US
"""Shorter silences tell nothing."""
_LONGER = 2
"""How many times as long as any silence before it the one at a log's end must be."""


class Course(msgspec.Struct):
    """When one log, with its rotated files, was written, as far as its times are believed.

    Attributes:
        name: Of the file that was read last.
        first, newest: Where event time began in it, and has come to, microseconds; None before any.
        silence: The longest time in it without a line, microseconds.
    """

    name: str
    first: int | None = None
    newest: int | None = None
    silence: int = 0
    _clock: tuple[int, int, int] = (BEGINNING, 0, 0)

    def follow(self, name: str, time: NDArray[np.int64]) -> None:
        """Take note of lines.

        Args:
            name: Of their file. time: int64 (n,), microseconds.
        """
        self.name = name
        clock = np.array(self._clock, dtype=np.int64)
        reached = np.empty(len(time), dtype=np.int64)
        mark_late(time, clock, HOUR_US, HOUR_US, MINUTE_US, np.empty(len(time), dtype=np.uint8), reached)
        self._clock = clock.item(0), clock.item(1), clock.item(2)
        known = reached[np.searchsorted(reached, BEGINNING, side="right") :]
        if not len(known):
            return
        if self.first is None or self.newest is None:
            self.first = self.newest = known.item(0)
        self.silence = max(self.silence, known.item(0) - self.newest, int(np.diff(known).max(initial=0)))
        self.newest = known.item(-1)


def ended_early(courses: Sequence[Course], until: int | None) -> Iterator[str]:
    """A sentence about each log that ends before others of a scan, the earliest first.

    One after whose end another begins, or not long before, goes on in that: names of daily logs differ.

    Args:
        courses: Of all logs. until: Nobody looks at what came from then on, microseconds; None for no such time.
    """
    known = [
        (course.newest, course.first, course.silence, course.name)
        for course in courses
        if course.newest is not None and course.first is not None
    ]
    known.sort()
    end = max((newest for newest, *_ in known), default=0)
    end = end if until is None else min(end, until)
    followers: set[str] = set()
    for newest, first, silence, name in known:
        silent = end - newest
        if silent < max(_LEAST, _LONGER * silence):
            continue
        begins = range((first + newest) // 2, 2 * newest - first + 1)
        follower = next(
            (o for n, f, _, o in known if n > newest and f in begins and o not in followers), None
        )
        if follower is not None:
            followers.add(follower)
            continue
        yield (
            f"{name} ends {day_and_clock(newest, UTC)} UTC, {length(silent)} before others, and was never "
            "silent for half as long: if it goes on where nobody read it, less traffic from then on is no drop; a "
            "service that is down looks the same"
        )

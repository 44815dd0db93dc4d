"""What several captures and flow logs tell, in one order of event time."""

import heapq
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np

from vedette.schema.flows import Flow
from vedette.windows.flow_table import Passed

UNKNOWN: Final = -(1 << 62)
"""When an input begins of which nothing is known before it is read."""


class Lane(msgspec.Struct):
    """One input.

    Attributes:
        begins: When event time begins in it at the earliest, microseconds: it is not opened before.
        passed: What it tells, with `reached`.
        name: As the report calls it.
        first, reached: Where event time began in it, and has come to. packets: In what it told.
        over: Whether all of it was read.
    """

    begins: int
    passed: Iterator[Passed]
    name: str = ""
    first: int = UNKNOWN
    reached: int = UNKNOWN
    packets: int = 0
    over: bool = False

    def told(self, passed: Passed) -> None:
        """Take note of what it tells."""
        if isinstance(passed.reached, np.ndarray):
            first, last = int(passed.reached[0]), int(passed.reached[-1])
        else:
            first = last = passed.start if passed.reached is None else passed.reached
        self.first = first if self.first == UNKNOWN else self.first
        self.reached = max(self.reached, last)
        self.packets += int(passed.parts.table[:, [Flow.PACKETS_OUT, Flow.PACKETS_IN]].sum())

    @property
    def rate(self) -> float:
        """Packets a microsecond, about."""
        return self.packets / max(1, self.reached - self.first)


class Watchers:
    """Which inputs watch a network side by side: when one has ended and others go on, less is seen of it.

    Args:
        lanes: All inputs.
    """

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._lanes = lanes
        self._missing: list[Lane] = []
        self._taken: set[int] = set()

    def ended(self, lane: Lane) -> None:
        """Take note that an input is over; one that begins about there, or not long after, goes on for it."""
        lane.over = True
        if lane.first == UNKNOWN:
            return
        middle, until = (lane.first + lane.reached) // 2, 2 * lane.reached - lane.first
        for number, other in enumerate(self._lanes):
            begins = other.begins if other.first == UNKNOWN else other.first
            goes_on = not other.over or other.reached > lane.reached
            if other is not lane and number not in self._taken and goes_on and middle <= begins <= until:
                self._taken.add(number)
                return
        self._missing.append(lane)

    def share(self, start: int) -> float:
        """How much of the packets is seen in the window that begins at a time, 0..1, with what has ended by then."""
        missing = sum(lane.rate for lane in self._missing if lane.reached <= start)
        if not missing:
            return 1.0
        here = sum(lane.rate for lane in self._lanes if lane.first <= start and self._watches(lane, start))
        return here / (here + missing)

    def early(self) -> Iterator[tuple[str, int]]:
        """The inputs that ended before others did, and when, microseconds."""
        last = max((lane.reached for lane in self._lanes), default=UNKNOWN)
        yield from ((lane.name, lane.reached) for lane in self._missing if lane.reached < last)

    @staticmethod
    def _watches(lane: Lane, start: int) -> bool:
        return lane.first != UNKNOWN and (not lane.over or start < lane.reached)


def merged(lanes: Sequence[Lane], watchers: Watchers | None = None) -> Iterator[Passed]:
    """What all lanes tell, in the order of the event time of each by itself; at the same time, in the order of lanes.

    That depends on what stands in the inputs, and not on how much of each is read at once. What is handed out is good
    until the next is asked for. `watchers` is told which lanes are over.
    """
    waiting: list[tuple[int, int, Passed | None]] = [
        (lane.begins, number, None) for number, lane in enumerate(lanes)
    ]
    heapq.heapify(waiting)
    while waiting:
        _, number, passed = heapq.heappop(waiting)
        rest = passed
        if passed is not None:
            upto = _before(passed, number, waiting)
            rest = None
            if upto is not None:
                passed, rest = passed.cut(0, upto), passed.cut(upto, len(passed.parts))
            lanes[number].told(passed)
            yield passed
        if rest is None:
            rest = next(lanes[number].passed, None)
        if rest is None and watchers is not None:
            watchers.ended(lanes[number])
        if rest is not None:
            heapq.heappush(waiting, (_begins(rest), number, rest))


def _begins(passed: Passed) -> int:
    reached = passed.reached
    return int(reached[0]) if isinstance(reached, np.ndarray) else UNKNOWN if reached is None else reached


def _before(passed: Passed, number: int, others: Sequence[tuple[int, int, Passed | None]]) -> int | None:
    """How many rows come before anything of other lanes; None if all do."""
    if not others or not isinstance(passed.reached, np.ndarray):
        return None
    time, other, _ = others[0]
    upto = int(np.searchsorted(passed.reached, time, side="right" if number < other else "left"))
    return None if upto == len(passed.reached) else upto

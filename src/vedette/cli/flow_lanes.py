"""What several captures and flow logs tell, in one order of event time."""

import heapq
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np

from vedette.windows.flow_table import Passed

UNKNOWN: Final = -(1 << 62)
"""When an input begins of which nothing is known before it is read."""


class Lane(msgspec.Struct):
    """One input.

    Attributes:
        begins: When event time begins in it at the earliest, microseconds: it is not opened before.
        passed: What it tells, with `reached`.
    """

    begins: int
    passed: Iterator[Passed]


def merged(lanes: Sequence[Lane]) -> Iterator[Passed]:
    """What all lanes tell, in the order of the event time of each by itself; at the same time, in the order of lanes.

    That depends on what stands in the inputs, and not on how much of each is read at once. What is handed out is good
    until the next is asked for.
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
            if upto is None:
                yield passed
            else:
                yield passed.cut(0, upto)
                rest = passed.cut(upto, len(passed.parts))
        if rest is None:
            rest = next(lanes[number].passed, None)
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

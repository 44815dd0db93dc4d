"""Several sources, one order of time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vedette.schema.requests import Requests


class Batches(Protocol):
    """Batches of one source, or of rotated siblings read one after the other, in order of time."""

    def __next__(self) -> Requests: ...


@dataclass(slots=True)
class Piece:
    """Rows to be taken now. `last` tells that nothing else of their buffer will follow."""

    requests: Requests
    last: bool


@dataclass(slots=True)
class _Lane:
    batches: Iterator[Requests]
    current: Requests
    first: int


def merge(lanes: list[Iterator[Requests]], slack: int) -> Iterator[Piece]:
    """Interleave lanes so that no row comes more than `slack` microseconds before one of another lane.

    Each step takes, from the lane that is furthest behind, the rows up to the next lane's time plus the slack; so
    a step moves event time on by the slack at least, and lanes are not cut to pieces.
    """
    waiting: list[_Lane] = []
    for batches in lanes:
        lane = _next(batches)
        if lane is not None:
            waiting.append(lane)
    while waiting:
        lane = min(waiting, key=lambda candidate: candidate.first)
        others = [other.first for other in waiting if other is not lane]
        if others:
            limit = min(others) + slack
            ahead = np.flatnonzero(np.maximum.accumulate(lane.current.time) > limit)
            if len(ahead) and ahead[0] > 0:
                cut = int(ahead[0])
                yield Piece(lane.current.select(slice(0, cut)), last=False)
                lane.current = lane.current.select(slice(cut, None))
                lane.first = int(lane.current.time[0])
                continue
        yield Piece(lane.current, last=True)
        waiting.remove(lane)
        following = _next(lane.batches)
        if following is not None:
            waiting.append(following)


def _next(batches: Iterator[Requests]) -> _Lane | None:
    for batch in batches:
        if len(batch):
            return _Lane(batches, batch, int(batch.time[0]))
    return None

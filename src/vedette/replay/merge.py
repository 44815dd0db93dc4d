"""Several sources, one order of time."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from vedette.schema.requests import NOT_RECORDED, Coded, Requests, Vocabulary


class Piece(msgspec.Struct):
    """Rows to be taken now. `last` tells that nothing else of their buffer will follow."""

    requests: Requests
    last: bool


class _Lane(msgspec.Struct):
    batches: Iterator[Requests]
    current: Requests
    first: int


def merge(lanes: list[Iterator[Requests]], slack: int) -> Iterator[Piece]:
    """Interleave lanes so that no row comes more than `slack` microseconds before one of another lane.

    Each step takes, from the lane that is furthest behind, the rows up to the next lane's time plus the
    slack; so a step moves event time on by the slack at least, and lanes are not cut to pieces.
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
                yield Piece(_slim(lane.current.select(slice(0, cut))), last=False)
                lane.current = lane.current.select(slice(cut, None))
                lane.first = int(lane.current.time[0])
                continue
        yield Piece(lane.current, last=True)
        waiting.remove(lane)
        following = _next(lane.batches)
        if following is not None:
            waiting.append(following)


def _slim(requests: Requests) -> Requests:
    """The same rows without the texts that none of them has: later stages look at every distinct text."""
    slimmed: dict[str, Any] = {
        name: _slimmed(value)
        for name in requests.__struct_fields__
        if isinstance(value := getattr(requests, name), Coded)
    }
    return replace(requests, **slimmed)


def _slimmed(column: Coded) -> Coded:
    vocabulary = column.vocabulary
    used = np.zeros(len(vocabulary) + 1, dtype=bool)
    # Id -1 marks the last place, which stands for no text.
    used[column.ids] = True
    number = np.cumsum(used[:-1], dtype=np.int32) - 1
    ids = np.append(number, NOT_RECORDED).astype(np.int32)[column.ids]
    kept = np.flatnonzero(used[:-1])
    return Coded(ids, Vocabulary(vocabulary.buffer, vocabulary.start[kept], vocabulary.length[kept]))


def _next(batches: Iterator[Requests]) -> _Lane | None:
    for batch in batches:
        if len(batch):
            return _Lane(batches, batch, int(batch.time[0]))
    return None

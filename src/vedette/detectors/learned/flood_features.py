"""What a flood looks like in twenty seconds of one service, held against the service's own past.

Absolute numbers are no features. Fitted to recordings of one system they learn the recordings: on windows of a real
mesh, split by recording, a forest over absolute numbers calls 64 % of the normal windows an attack, one over ratios
some 5 % (docs/explanation/learned.md).
"""

from collections.abc import Callable
from functools import cached_property
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.state import PackedArray, check, pack, unpack

Column = NDArray[np.float64]

MEMORY: Final = 180
"""Slices over which the past is remembered: an hour, of twenty seconds each."""
DOUBTED_EVERY: Final = 20
"""Of slices that look like a flood, one in so many is learned: what goes on for hours is what is usual now."""
LEVELS: Final = 5
"""Levels of a slice: requests, clients, requests of the busiest client, requests of a client, response time."""
_REQUESTS, _CLIENTS, _BUSIEST, _EACH, _TIME = range(LEVELS)
_FEW: Final = 5.0
"""Requests added to counts before logarithms are taken: two instead of one is no doubling."""


class Slices(msgspec.Struct, frozen=True, dict=True):
    """Twenty seconds of n services, or several times of them.

    Attributes:
        requests, clients, busiest: float64 (n,) or (times, n): requests, distinct clients, requests of the busiest of
            them.
        failed: Requests answered 5xx or 429.
        time: Mean response time in seconds; NaN where none is known.
    """

    requests: Column
    clients: Column
    busiest: Column
    failed: Column
    time: Column

    def __len__(self) -> int:
        return len(self.requests)

    def at(self, place: "NDArray[np.intp] | NDArray[np.int64] | int") -> "Slices":
        """Some of the slices, or one time."""
        return Slices(
            self.requests[place],
            self.clients[place],
            self.busiest[place],
            self.failed[place],
            self.time[place],
        )

    @cached_property
    def levels(self) -> NDArray[np.float64]:
        """Logarithms that are compared with the past, float64 (..., LEVELS); NaN where there is nothing to compare."""
        made = np.empty((*self.requests.shape, LEVELS))
        made[..., _REQUESTS] = np.log(self.requests + _FEW)
        made[..., _CLIENTS] = np.log(self.clients + 1.0)
        made[..., _BUSIEST] = np.log(self.busiest + _FEW)
        each = self.requests / np.maximum(self.clients, 1.0)
        made[..., _EACH] = np.where(self.clients > 0, np.log(each + _FEW), np.nan)
        # A millisecond: below that, servers round.
        made[..., _TIME] = np.log(self.time * 1_000.0 + 1.0)
        return made


class Compared(msgspec.Struct, frozen=True):
    """Slices beside their past.

    Attributes:
        slices: n of them. over: float64 (n, LEVELS), levels less those of the past; 0 where one is unknown.
        elsewhere: float64 (n,), mean of the other services' response times over their past, at the same time.
    """

    slices: Slices
    over: NDArray[np.float64]
    elsewhere: Column


class FloodFeature(msgspec.Struct, frozen=True):
    """One number that the model sees."""

    name: str
    unit: str
    doc: str
    column: Callable[[Compared], Column]


def _over(level: int) -> Callable[[Compared], Column]:
    return lambda c: c.over[..., level]


FLOOD_FEATURES: Final = (
    FloodFeature("requests_ratio", "ln", "requests, against the service's past", _over(_REQUESTS)),
    FloodFeature("clients_ratio", "ln", "distinct clients, against the past", _over(_CLIENTS)),
    FloodFeature("busiest_ratio", "ln", "requests of the busiest client, against the past", _over(_BUSIEST)),
    FloodFeature("each_ratio", "ln", "requests of a client on average, against the past", _over(_EACH)),
    FloodFeature("time_ratio", "ln", "mean response time, against the past", _over(_TIME)),
    FloodFeature(
        "failed_share",
        "ratio",
        "requests answered 5xx or 429",
        lambda c: c.slices.failed / (c.slices.requests + _FEW),
    ),
    FloodFeature(
        "busiest_share",
        "ratio",
        "part of the busiest client in all requests",
        lambda c: c.slices.busiest / np.maximum(c.slices.requests, 1.0),
    ),
    FloodFeature(
        "time_elsewhere",
        "ln",
        "mean response time of the other services of this log, against their past",
        lambda c: c.elsewhere,
    ),
)


def matrix(compared: Compared) -> NDArray[np.float32]:
    """Features of slices, float32 (..., features)."""
    return np.stack([f.column(compared) for f in FLOOD_FEATURES], axis=-1).astype(np.float32)


def against(slices: Slices, medians: NDArray[np.float64]) -> Compared:
    """Hold slices against what is usual.

    Args:
        slices: Of n services, or of several times of them, (times, n). medians: float64 (n, LEVELS).
    """
    over = slices.levels - medians
    timed = ~np.isnan(over[..., _TIME])
    over = np.nan_to_num(over, nan=0.0)
    time = over[..., _TIME]
    others = timed.sum(axis=-1, keepdims=True) - timed
    elsewhere = (time.sum(axis=-1, keepdims=True) - time) / np.maximum(others, 1)
    return Compared(slices, over, elsewhere)


class PastsState(msgspec.Struct, frozen=True, array_like=True):
    """What `Pasts` hold."""

    ring: PackedArray
    taught: PackedArray
    doubted: PackedArray


class Pasts:
    """What is usual for each of many services, by number: the median of its last `MEMORY` slices.

    A median, because it stays where it is until half of what it rests on has changed.
    """

    def __init__(self) -> None:
        self.ring = np.zeros((0, MEMORY, LEVELS), dtype=np.float32)
        """float32 (k, MEMORY, LEVELS): levels of each service's slices; NaN where there are none."""
        self.taught = np.zeros(0, dtype=np.int64)
        """int64 (k,): slices that each has learned."""
        self.doubted = np.zeros(0, dtype=np.int64)
        """int64 (k,): slices of each that looked like a flood, of which one in `DOUBTED_EVERY` is learned."""

    def compare(self, number: NDArray[np.int64], slices: Slices) -> Compared:
        """Hold slices of one time against the past of their services.

        Args:
            number: int64 (n,), distinct: whose each slice is.
        """
        return against(slices, self.medians(number))

    def learn(self, number: NDArray[np.int64], slices: Slices, doubted: NDArray[np.bool_]) -> None:
        """Let slices teach: of n services, or of several times of them, (times, n), one after the other.

        Args:
            number: int64 (n,), whose they are: distinct, or where nothing is doubted also one several times, the
                earliest first, with `MEMORY` slices at most.
            doubted: bool, as they are: those that look like a flood.
        """
        self._grow(number)
        levels = slices.levels.reshape(-1, len(number), LEVELS)
        if not doubted.any():
            times = np.arange(len(levels))[:, None] + len(levels) * _turns(number)
            self.ring[number, (self.taught[number] + times) % MEMORY] = levels
            self.taught += len(levels) * np.bincount(number, minlength=len(self.taught))
            return
        for of_time, odd in zip(levels, doubted.reshape(-1, len(number)), strict=True):
            self.doubted[number] += odd
            taken = ~odd | (self.doubted[number] % DOUBTED_EVERY == 0)
            taught = number[taken]
            self.ring[taught, self.taught[taught] % MEMORY] = of_time[taken]
            self.taught[taught] += 1

    def medians(self, number: NDArray[np.int64]) -> NDArray[np.float64]:
        """What is usual for services, float64 (n, LEVELS); NaN where nothing is known."""
        self._grow(number)
        held = int(min(self.taught[number].max(initial=0), MEMORY))
        # NaN is sorted last, so that the median of what is known is in the middle of so many.
        ordered = np.sort(self.ring[number, :held], axis=1)
        known = np.count_nonzero(~np.isnan(ordered), axis=1)
        low, high = np.maximum(known - 1, 0) // 2, np.minimum(known // 2, max(held - 1, 0))
        if not held:
            return np.full((len(number), LEVELS), np.nan)
        pick = np.stack([low, high], axis=1)
        middle = np.take_along_axis(ordered, pick, axis=1).astype(np.float64).mean(axis=1)
        return np.where(known > 0, middle, np.nan)

    def to_state(self) -> PastsState:
        """All of it."""
        return PastsState(pack(self.ring), pack(self.taught), pack(self.doubted))

    def from_state(self, state: PastsState) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        ring = unpack(state.ring, np.float32, (None, MEMORY, LEVELS), "pasts of services")
        self.taught = unpack(state.taught, np.int64, (len(ring),), "pasts of services")
        self.doubted = unpack(state.doubted, np.int64, (len(ring),), "pasts of services")
        check(bool((self.taught >= 0).all() and (self.doubted >= 0).all()), "pasts of services")
        self.ring = ring

    def _grow(self, number: NDArray[np.int64]) -> None:
        missing = int(number.max(initial=-1)) + 1 - len(self.taught)
        if missing > 0:
            fresh = np.full((missing, MEMORY, LEVELS), np.nan, dtype=np.float32)
            self.ring = np.concatenate([self.ring, fresh])
            self.taught = np.append(self.taught, np.zeros(missing, dtype=np.int64))
            self.doubted = np.append(self.doubted, np.zeros(missing, dtype=np.int64))


def _turns(number: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each number came before, int64 (n,)."""
    order = np.argsort(number, kind="stable")
    ordered, place = number[order], np.arange(len(number))
    turns = np.empty(len(number), dtype=np.int64)
    turns[order] = place - np.searchsorted(ordered, ordered)
    return turns

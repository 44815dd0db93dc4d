"""What the client that takes most of a service takes in an hour, and how often it was a stranger."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.statistical.room import with_room
from vedette.schema.anomaly import Formula
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack

HOURS: Final = 7 * 24
READY: Final = 24
"""Hours with traffic that must be known."""
TAIL: Final = 4
"""One hour in so many is the tail; it holds six of the first 24."""
_KNOWN, _NEW, _UNTOLD = range(3)
LEAST_SCALE: Final = 0.1
"""No tail is taken to be lighter: its hours are within a tenth of each other."""


class Tail(NamedTuple):
    """What the largest takers of hours took at most: logarithms of bytes, exponential beyond `start` (Hill 1975).

    The scale is the mean of `rank` hours beyond it, and so uncertain itself: what is predicted from it has a heavier
    tail, of shape 1 / `rank` (the predictive distribution of an exponential law: Lomax).

    Attributes:
        start, scale, rank: See above. middle: The median of all hours. hours: How many there are.
        told: Of how many hours it is known whether a stranger was it. new: In how many he was.
    """

    start: float
    scale: float
    rank: int
    middle: float
    hours: int
    told: int
    new: int

    @property
    def high(self) -> float:
        """Bytes that the largest taker of one hour in four has more than."""
        return math.exp(self.start)

    def formula(self, value: float) -> Formula:
        """The arithmetic of how rare so many bytes are."""
        excess = max(0.0, math.log(value) - self.start) / self.scale
        result = math.log10(self.hours / self.rank) + self.rank * math.log1p(excess / self.rank) / math.log(
            10
        )
        inputs = {
            "value": max(math.log(value), self.start),
            "start": self.start,
            "rate": self.rank / self.hours,
            "scale": self.scale,
            "shape": 1.0 / self.rank,
        }
        return Formula("exceedance", inputs, result)

    def critical(self, surprise: float) -> float:
        """The bytes that are so rare."""
        beyond = max(0.0, surprise - math.log10(self.hours / self.rank)) * math.log(10)
        return math.exp(self.start + self.scale * self.rank * math.expm1(beyond / self.rank))

    @property
    def by_a_stranger(self) -> float:
        """-log10 of how likely it is that a stranger takes most, by Laplace's rule of succession."""
        return -math.log10((self.new + 1) / (self.told + 2))


class HourlyTakers:
    """Remembers the largest takers of each service's hours, of a week of such with traffic."""

    def __init__(self) -> None:
        self._logs: NDArray[np.float64] = np.zeros((0, HOURS))
        self._who: NDArray[np.uint8] = np.zeros((0, HOURS), dtype=np.uint8)
        self._count: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def learn(self, service: int, value: float, new: bool | None) -> None:
        """Take an hour in.

        Args:
            service: Its number. value: What its largest taker took, bytes.
            new: Whether he was a stranger; None where nobody knows.
        """
        self._logs, self._who, self._count = (
            with_room(table, service + 1) for table in (self._logs, self._who, self._count)
        )
        place = int(self._count[service]) % HOURS
        self._logs[service, place] = math.log(max(1.0, value))
        self._who[service, place] = _UNTOLD if new is None else _NEW if new else _KNOWN
        self._count[service] += 1

    def ready(self, services: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Of which services, by number, enough is known, bool (k,)."""
        known = np.zeros(len(services), dtype=np.bool_)
        there = services < len(self._count)
        known[there] = self._count[services[there]] >= READY
        return known

    def tail(self, service: int) -> Tail:
        """What is usual of a service that is ready."""
        hours = int(min(self._count[service], HOURS))
        logs = np.sort(self._logs[service, :hours])
        rank = hours // TAIL
        start = float(logs[-rank - 1])
        scale = max(LEAST_SCALE, float(logs[-rank:].mean()) - start)
        who = self._who[service, :hours]
        told, new = int((who != _UNTOLD).sum()), int((who == _NEW).sum())
        return Tail(start, scale, rank, float(np.median(logs)), hours, told, new)

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode([pack(self._logs), pack(self._who), pack(self._count)])

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        what = "hourly takers"
        logs, who, count = decode(content, tuple[PackedArray, PackedArray, PackedArray], what)
        self._logs = unpack(logs, np.float64, (None, HOURS), what)
        self._who = unpack(who, np.uint8, (len(self._logs), HOURS), what)
        self._count = unpack(count, np.int64, (len(self._logs),), what)
        check(bool(np.isfinite(self._logs).all() and (self._count >= 0).all()), what)

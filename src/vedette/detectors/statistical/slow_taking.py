"""Who carries off in an hour what no minute would show."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.memory import Memory
from vedette.detectors.statistical.familiar import Familiar
from vedette.detectors.statistical.hourly_takers import HourlyTakers, Tail
from vedette.detectors.statistical.peaks import Peaks
from vedette.detectors.statistical.recurrence import NEARLY
from vedette.detectors.statistical.takings import Takings
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import WindowView
from vedette.schema.spans import HOUR_US
from vedette.schema.state import check, decode, encode
from vedette.windows.distinct import distinct_values

OTHERS: Final = 3
"""Where so many clients take about as much, it is the hour that is unusual, and none of them."""


class Taker(msgspec.Struct, frozen=True):
    """A client that has taken far more of a service in an hour than anybody does.

    Attributes:
        service: Number of the service. slot: Its slot. row: The client's row in the window's clients.
        taken: Bytes of the hour. least: From how many it would have been told.
        tail: What is usual. stranger: The service did not know him by the day before.
        surprise, threshold: -log10 p, and where the alarm starts.
    """

    service: int
    slot: int
    row: int
    taken: float
    least: float
    tail: Tail
    stranger: bool
    surprise: float
    threshold: float

    @property
    def too_much(self) -> bool:
        """Whether it is to be told."""
        return self.taken >= self.least


class _Top(msgspec.Struct, frozen=True, array_like=True):
    """The largest taker of this hour so far."""

    taken: float
    high: bytes
    low: bytes


_NOBODY: Final = _Top(0.0, bytes(8), bytes(8))


class _State(msgspec.Struct, frozen=True, array_like=True):
    hour: int
    tops: list[tuple[int, _Top]]


class _ThisHour:
    """The largest taker of each service in this hour of the clock, by number of the service."""

    def __init__(self) -> None:
        self.hour = 0
        self.tops: dict[int, _Top] = {}

    def to_state(self) -> bytes:
        return encode(_State(self.hour, sorted(self.tops.items())))

    def from_state(self, content: bytes) -> None:
        state = decode(content, _State, "takers of this hour")
        fit = all(
            service >= 0 and top.taken >= 0 and len(top.high) == len(top.low) == 8
            for service, top in state.tops
        )
        check(fit and state.hour >= 0, "takers of this hour")
        self.hour, self.tops = state.hour, dict(state.tops)


class SlowTaking:
    """Holds what clients have taken in the last hour against what the largest taker of an hour takes.

    A hundred kilobytes a second are nothing in a minute, and a customer list in an hour. The largest taker of each hour
    of a week says how far it goes (`HourlyTakers`), by the tail of these hours, and how often a stranger was it. Whom
    the service did not know by the day before (`Familiar`) needs the less: that a stranger takes most has nothing to do
    with how much that is while all is well, so that their surprises add up.
    """

    def __init__(
        self, name: str, thresholds: Thresholds, familiar: Familiar, *, times: float, min_bytes: float
    ) -> None:
        """Say what is much.

        Args:
            name: Of the detector, for the budget. thresholds: It. familiar: Knows clients.
            times: Of what one hour in four has more than, and of what `OTHERS` beside him took.
            min_bytes: Less is not told.
        """
        self.name, self.times, self.min_bytes = name, times, min_bytes
        self._thresholds = thresholds
        self._takings, self._takers, self._familiar = Takings(), HourlyTakers(), familiar
        self._now = _ThisHour()
        self._peaks = Peaks()

    @property
    def left_out(self) -> int:
        """Clients whose sums were let go for want of room."""
        return self._takings.left_out

    @property
    def memories(self) -> Sequence[Memory]:
        """What is remembered from window to window."""
        return self._takings, self._takers, self._familiar, self._now, *self._peaks.memories

    def look(self, view: WindowView) -> list[Taker]:
        """Learn a window, and say who has taken too much, or nearly. Of a sample of the requests nothing is learned."""
        if view.weight > 1:
            return []
        clients = view.clients
        counted, sums = self._takings.add(view.start, clients)
        self._turn(view)
        for service in distinct_values(clients.service).tolist():
            # An hour of which nobody took anything is known, too: devices are answered without a byte.
            self._now.tops.setdefault(service, _NOBODY)
        found: list[Taker] = []
        services, largest = _largest(clients.service[counted], sums)
        rows, taken = counted[largest], sums[largest]
        for service, row, much in zip(services.tolist(), rows.tolist(), taken.tolist(), strict=True):
            if much > self._now.tops[service].taken:
                key = int(clients.high[row]).to_bytes(8), int(clients.low[row]).to_bytes(8)
                self._now.tops[service] = _Top(much, *key)
        ready = self._takers.ready(services)
        services, rows, taken = services[ready], rows[ready], taken[ready]
        if not len(services):
            # Who tests nothing takes no share of the budget.
            return []
        slots = np.array(
            [view.book.find(view.services[n], None) or 0 for n in services.tolist()], dtype=np.int32
        )
        surprise = np.zeros(len(services))
        for place in np.flatnonzero(taken >= self.min_bytes).tolist():
            taker = self._judge(
                view, int(services[place]), int(slots[place]), int(rows[place]), float(taken[place])
            )
            surprise[place] = taker.surprise
            if taker.surprise >= NEARLY * taker.threshold:
                found.append(taker)
        tested = surprise
        if self._peaks.matter(surprise):
            tested = self._peaks.tests(slots, slots, surprise, view.start)
        self._thresholds.observe(self.name, tested, slots)
        return found

    def _judge(self, view: WindowView, service: int, slot: int, row: int, taken: float) -> Taker:
        tail = self._takers.tail(service)
        clients = view.clients
        key = int(clients.high[row]), int(clients.low[row])
        stranger = self._is_new(service, *key, view.start) is True
        threshold = self._thresholds.threshold(self.name, owner=slot)
        if stranger:
            threshold = max(0.0, threshold - tail.by_a_stranger)
        beside = self._takings.largest(service, OTHERS)
        of_others = float(beside[OTHERS - 1]) if len(beside) == OTHERS else 0.0
        usual = self.times * max(tail.high, of_others)
        least = max(tail.critical(threshold), usual, self.min_bytes)
        return Taker(service, slot, row, taken, least, tail, stranger, tail.formula(taken).result, threshold)

    def _turn(self, view: WindowView) -> None:
        """Learn the hour that is over, and the clients of this window."""
        hour = view.start // HOUR_US
        if hour > self._now.hour:
            for service, top in sorted(self._now.tops.items()):
                self._learn(service, top)
            self._now.hour, self._now.tops = hour, {}
        self._familiar.learn(view.start, view.clients)

    def _learn(self, service: int, top: _Top) -> None:
        taken = top.taken
        if self._takers.ready(np.array([service], dtype=np.int32))[0]:
            # What is told teaches no more than what just would not be.
            taken = min(taken, self.times * self._takers.tail(service).high)
        new = None
        if top.taken > 0.0:
            key = int.from_bytes(top.high), int.from_bytes(top.low)
            new = self._is_new(service, *key, self._now.hour * HOUR_US)
        self._takers.learn(service, taken, new)

    def _is_new(self, service: int, high: int, low: int, start: int) -> bool | None:
        """Whether a service did not know a client by the day before; None where that cannot be told."""
        if not self._familiar.tells(service, start):
            return None
        return not self._familiar.knows(service, high, low, start)


def _largest(
    service: NDArray[np.int32], taken: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Of sorted services (k,) the distinct ones, and the row of the largest of each; of equals the first."""
    order = np.lexsort((-taken, service))
    services = service[order]
    first = np.ones(len(order), dtype=np.bool_)
    np.not_equal(services[1:], services[:-1], out=first[1:])
    return services[first], order[first]

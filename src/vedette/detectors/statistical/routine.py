"""What single clients come to do again and again, at whatever minute: an import, a backup, a nightly job."""

from collections import deque
from typing import Final, NamedTuple

from vedette.detectors.statistical.recurrence import ALIKE, APART, TIMES
from vedette.schema.spans import DAY_US, HOUR_US, WEEK_US
from vedette.schema.state import check, decode, encode

AROUND: Final = 3 * HOUR_US
"""How far from its time on another day something may begin. A quarter of all hours is that near: it is the client, what
it asks for and how much of it that make this an acquaintance, and not the hour."""
REMEMBERED: Final = 8
"""Bursts of a client: a week's of every night, and this one."""
MOST: Final = 1_024
"""Clients, of each service; for a further one, that whose last burst is longest ago is forgotten."""


class _Burst(NamedTuple):
    """A time in which a client was much of what a service had to do.

    Attributes:
        begin, last: Start of its first and last window, microseconds.
        amount: All that it asked for. most: The largest part of that in a window.
        routes: What it asked for, a bitmap.
    """

    begin: int
    last: int
    amount: float
    most: float
    routes: int

    def allows(self, other: "_Burst") -> bool:
        """Whether another is no more than this, or than twice this, and of the same."""
        as_much = self.amount >= ALIKE * other.amount and self.most >= ALIKE * other.most
        return as_much and not other.routes & ~self.routes


class Routine:
    """Remembers what each client's bursts were, by service and client.

    `Recurrence` knows bursts by the clock, whoever's they are; a job that begins when another is done, or when somebody
    has gone home, does not come by it. Whose burst it is, what is asked for and how much of it say more than the minute
    does. One is expected if an earlier one of the last week, on another day, began within `AROUND` of its time, or if
    there were `TIMES` at whatever times, that asked for the same routes, for at least half as much in all, and for half
    as much in a window. So one that goes on for longer than twice the longest is no routine any more.
    """

    def __init__(self) -> None:
        self._bursts: dict[tuple[int, str], deque[_Burst]] = {}

    def expects(self, slot: int, who: str, time: int, amount: float, routes: int) -> bool:
        """Say whether a burst is what its client does, so far, and remember it.

        Args:
            slot: The service. who: The client.
            time: Start of the window, microseconds; windows come in order.
            amount: What it asked for in the window. routes: A bitmap of what.
        """
        key = slot, who
        # At the end: the first is the one that was met longest ago.
        bursts = self._bursts.pop(key, None) or deque(maxlen=REMEMBERED)
        self._bursts[key] = bursts
        if len(self._bursts) > MOST:
            del self._bursts[next(iter(self._bursts))]
        # Whole numbers would be other bytes in a state before than after it was taken over.
        amount = float(amount)
        now = _Burst(time, time, amount, amount, routes)
        if bursts and time - bursts[-1].last < APART:
            begun = bursts.pop()
            now = _Burst(
                begun.begin, time, begun.amount + amount, max(begun.most, amount), begun.routes | routes
            )
        alike = [e for e in bursts if e.last >= now.begin - WEEK_US and e.allows(now)]
        bursts.append(now)
        return len(alike) >= TIMES or any(_on_another_day(e.begin, now.begin) for e in alike)

    def has_met(self, slot: int, who: str) -> bool:
        """Whether a client had a burst before its latest."""
        return len(self._bursts.get((slot, who), ())) > 1

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode(
            [
                (slot, who, [(*e[:4], e.routes.to_bytes(8)) for e in bursts])
                for (slot, who), bursts in self._bursts.items()
            ]
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        shape = list[tuple[int, str, list[tuple[int, int, float, float, bytes]]]]
        kept = decode(content, shape, "routine")
        check(len(kept) <= MOST and all(0 < len(bursts) <= REMEMBERED for _, _, bursts in kept), "routine")
        self._bursts = {
            (slot, who): deque((_Burst(*e[:4], int.from_bytes(e[4])) for e in bursts), maxlen=REMEMBERED)
            for slot, who, bursts in kept
        }


def _on_another_day(before: int, now: int) -> bool:
    days = round((now - before) / DAY_US)
    return days >= 1 and abs(now - before - days * DAY_US) <= AROUND

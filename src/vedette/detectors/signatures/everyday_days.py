"""What was asked like attacks, and served, day by day: counts that do not depend on the order of a day's requests.

A day is one of event time, UTC. While it is open its requests are counted; when it closes, what was everyday on it is
kept, and the rest forgotten.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.state import PackedArray, check, pack, unpack
from vedette.windows.distinct import distinct_values

WITHIN: Final = 14
"""Days that are looked back on."""
CLIENTS_A_DAY: Final = 2
"""Clients of a day on which something is everyday, at least."""
SHARE: Final = 0.05
"""Of the requests of the route that were served on that day, at least."""
DAYS: Final = 5
"""Such days that are enough, if there were `CLIENTS` on them in all."""
CLIENTS: Final = 5
MANY_DAYS: Final = 3
"""Such days that are enough, if there were `MANY_CLIENTS` on each."""
MANY_CLIENTS: Final = 20

SENDERS: Final = 32
"""Clients that are told apart for each rule, route and day: those with the least hashes."""
MOST_ROUTES: Final = 16_384
"""Routes whose requests are counted on a day."""
MOST_KEYS: Final = 2_048
"""Rules on routes that are counted on a day, and that are remembered of all days."""
_WAITING: Final = 3 * SENDERS
"""Hashes from which the least are looked for: at each request it would take as long."""
_HOSTILE_BITS: Final = 20
"""Clients that attack otherwise are marked by so many bits of a hash: 128 KB a day."""


class Key(NamedTuple):
    """A rule on a route of a service."""

    service: str
    route: str
    rule: int


class Served(NamedTuple):
    """A day on which requests that a rule matched were everyday.

    Attributes:
        day: Since the epoch. requests: That the rule matched, served. of: All requests of the route that were served.
        senders: Hashes of clients that sent them, and nothing worse, 8 bytes each; no more than `SENDERS`.
    """

    day: int
    requests: int
    of: int
    senders: bytes

    @property
    def clients(self) -> int:
        """How many those are."""
        return len(self.senders) // 8


class Standing(NamedTuple):
    """What makes requests that a rule matches everyday on a route.

    Attributes:
        days: On which they were. clients: That made them, of those that are told apart. share: Of the requests of the
            route on those days.
    """

    days: int
    clients: int
    share: float


class Seen(msgspec.Struct):
    """One day's requests that a rule matched on a route: how many, and the least hashes of their clients."""

    requests: int = 0
    _clients: list[int] = msgspec.field(default_factory=list)
    _bound: int = 1 << 64
    """No hash from here on is among the least."""

    def add(self, requests: int, clients: Sequence[int]) -> None:
        """Take more requests in, and the hashes of who sent them, in order and each once."""
        self.requests += requests
        # Once as many as are told apart are known, hardly any is less than these.
        if clients and clients[0] < self._bound:
            self._clients += clients[:SENDERS]
            if len(self._clients) > _WAITING:
                self.least()

    def least(self) -> list[int]:
        """The least hashes of clients, in order, each once; at most `SENDERS`."""
        self._clients = sorted(set(self._clients))[:SENDERS]
        if len(self._clients) == SENDERS:
            self._bound = self._clients[-1]
        return self._clients


class KeptDay(msgspec.Struct, frozen=True, array_like=True):
    """An `OpenDay` as a part of a state; rules by their ids."""

    day: int
    served: list[tuple[str, str, int]]
    seen: list[tuple[str, str, str, int, PackedArray]]
    hostile: PackedArray | None


class OpenDay(msgspec.Struct):
    """Counts of a day that may still get requests.

    Attributes:
        served: Requests that were served, by service and route. seen: Those that looked like attacks.
    """

    served: dict[tuple[str, str], int] = msgspec.field(default_factory=dict)
    seen: dict[Key, Seen] = msgspec.field(default_factory=dict)
    _hostile: NDArray[np.bool_] | None = None

    def serve(self, service: str, route: str, requests: int) -> int:
        """Count requests of a route that were served; returns how many found no room."""
        place = service, route
        known = self.served.get(place)
        if known is not None:
            self.served[place] = known + requests
        elif len(self.served) < MOST_ROUTES:
            self.served[place] = requests
        else:
            return requests
        return 0

    def see(self, key: Key, requests: int, clients: Sequence[int], *, known: bool) -> int:
        """Count requests of it that a rule matched; what is known of other days finds room in any case.

        Returns:
            How many found no room.
        """
        seen = self.seen.get(key)
        if seen is None:
            if not known and len(self.seen) >= MOST_KEYS:
                return requests
            seen = self.seen[key] = Seen()
        seen.add(requests, clients)
        return 0

    def accuse(self, clients: NDArray[np.uint64]) -> None:
        """Mark clients, by their hashes, as attackers by what is never everyday."""
        if not len(clients):
            return
        if self._hostile is None:
            self._hostile = np.zeros(1 << _HOSTILE_BITS, dtype=bool)
        self._hostile[_bit(clients)] = True

    def everyday(self, day: int) -> Iterator[tuple[Key, Served]]:
        """What was everyday, in order."""
        for key, seen in sorted(self.seen.items()):
            of = self.served.get((key.service, key.route), 0)
            clients = np.array(seen.least(), dtype=np.uint64)
            clear = clients if self._hostile is None else clients[~self._hostile[_bit(clients)]]
            most = 2 * len(clear) > len(clients)
            if most and len(clear) >= CLIENTS_A_DAY and of and seen.requests >= SHARE * of:
                yield key, Served(day, seen.requests, of, clear.astype("<u8").tobytes())

    def kept(self, day: int, rules: Sequence[str]) -> KeptDay:
        """As a part of a state; `rules` are the ids by number."""
        return KeptDay(
            day,
            [(*place, requests) for place, requests in sorted(self.served.items())],
            [
                (
                    key.service,
                    key.route,
                    rules[key.rule],
                    seen.requests,
                    pack(np.array(seen.least(), dtype=np.uint64)),
                )
                for key, seen in sorted(self.seen.items())
            ],
            None if self._hostile is None else pack(np.packbits(self._hostile)),
        )

    @classmethod
    def of(cls, kept: KeptDay, rules: dict[str, int]) -> "OpenDay":
        """Of a part of a state, without what rules said that are none any more.

        Raises:
            StateError: Damaged.
        """
        what = "everyday requests"
        opened = cls({(service, route): requests for service, route, requests in kept.served})
        check(all(requests > 0 for requests in opened.served.values()), what)
        for service, route, rule, requests, packed in kept.seen:
            clients = unpack(packed, np.uint64, (None,), what)
            check(requests > 0 and len(clients) <= SENDERS, what)
            if rule in rules:
                opened.seen[Key(service, route, rules[rule])] = Seen(requests, clients.tolist())
        if kept.hostile is not None:
            bits = unpack(kept.hostile, np.uint8, (1 << _HOSTILE_BITS - 3,), what)
            opened._hostile = np.unpackbits(bits).astype(bool)
        return opened


def standing(days: Sequence[Served]) -> Standing | None:
    """What days on which something was everyday make of it; None if they are not enough."""
    many = sum(day.clients >= MANY_CLIENTS for day in days) >= MANY_DAYS
    if not many and len(days) < DAYS:
        return None
    clients = len(distinct_values(np.frombuffer(b"".join(day.senders for day in days), dtype="<u8")))
    if not many and clients < CLIENTS:
        return None
    return Standing(len(days), clients, sum(day.requests for day in days) / sum(day.of for day in days))


def _bit(clients: NDArray[np.uint64]) -> NDArray[np.uint64]:
    # The least hashes are kept, whose high bits are alike.
    return clients & np.uint64((1 << _HOSTILE_BITS) - 1)

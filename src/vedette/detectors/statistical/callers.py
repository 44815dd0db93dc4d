"""Who is refused on a route, and answered elsewhere."""

from typing import Final

import numpy as np

from vedette.detectors.view import WindowView
from vedette.schema.state import check, decode, encode
from vedette.windows.layout import Client

REMEMBERED: Final = 8
"""Clients of a route: more than enough of them to say that it is not one's doing."""
MOST: Final = 256
"""Routes; for a further one, that whose client was met longest ago is forgotten."""
REACH: Final = 20
"""Windows that a client counts for."""

FEW: Final = 3
MOSTLY: Final = 0.5
"""A client with more than so many refusals, and more than this part of all of a window, is refused by himself."""


class Callers:
    """Remembers, of routes that refuse too much, the clients that are refused and answered elsewhere.

    Who looks for holes is refused nearly everywhere; a person whom a release has broken a form for has just loaded the
    page that it is on.
    """

    def __init__(self) -> None:
        self._met: dict[int, dict[tuple[int, int], int]] = {}

    def refused(self, view: WindowView, slot: int) -> int:
        """Take note of a window's clients of a route, and say how many there were of late; none where one has most.

        A client counts if it was refused something, asked for the route, and was answered at least as often elsewhere;
        routes are told by a bitmap, in which two may share a bit.
        """
        clients = view.clients_of(view.book[slot].service)
        sums = clients.sums
        here = (sums[:, Client.ROUTES] & view.route_bits(slot)) != 0
        refused = sums[:, Client.STATUS_4XX]
        if refused[here].max(initial=0) > max(FEW, MOSTLY * int(refused[here].sum())):
            # Who is refused now and then beside somebody who asks for trouble says nothing.
            return 0
        met = self._met.pop(slot, {})
        for row in np.flatnonzero(here & (refused > 0) & (2 * refused <= sums[:, Client.REQUESTS])).tolist():
            key = int(clients.high[row]), int(clients.low[row])
            met.pop(key, None)
            met[key] = view.number
        lately = [(key, number) for key, number in met.items() if view.number - number < REACH]
        met = dict(lately[-REMEMBERED:])
        if met:
            if len(self._met) >= MOST:
                del self._met[next(iter(self._met))]
            self._met[slot] = met
        return len(met)

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode(
            [
                (slot, [(high.to_bytes(8), low.to_bytes(8), number) for (high, low), number in met.items()])
                for slot, met in self._met.items()
            ]
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        kept = decode(content, list[tuple[int, list[tuple[bytes, bytes, int]]]], "callers")
        check(len(kept) <= MOST and all(len(met) <= REMEMBERED for _, met in kept), "callers")
        self._met = {
            slot: {(int.from_bytes(high), int.from_bytes(low)): number for high, low, number in met}
            for slot, met in kept
        }

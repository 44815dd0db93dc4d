"""Routes that refuse their visitors with 401: nobody guesses there, the service knows nobody any more."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from vedette.detectors.view import Metric, WindowView
from vedette.schema.state import check, decode, encode
from vedette.windows.layout import BITMAP_BITS, Group

MOST: Final = 256
"""Services; for a further one, that which refused longest ago is forgotten."""
OF_ALL: Final = 0.25
"""Share of a route's answers from which a lack of the others shows: of fewer it is lost in how many come anyway."""
ON_TOP: Final = 0.5
"""Share of the refused that would come beside what usually comes, if they were guesses."""

_Kept = dict[str, list[tuple[int, int]]]


class Refusing:
    """Remembers which routes of a service refused those who usually come.

    Guesses come on top of what a route is usually asked. Where a good part is refused, and there are no more requests
    than usual, it is the usual visitors who are refused: keys were changed, signatures are not believed any more. Of
    routes that take credentials this is not said: who is refused there failed to log in, whoever it is.
    """

    def __init__(self) -> None:
        self._bits: _Kept = {}

    def learn(self, view: WindowView) -> dict[str, int]:
        """Take note of a window; returns how many requests such routes refused, by service."""
        refused: dict[str, int] = {}
        first = view.number - max(1, round(view.recent_minutes / view.minutes))
        for service, slot, count in self._routes(view):
            refused[service] = refused.get(service, 0) + count
            kept = [one for one in self._bits.pop(service, []) if one[0] > first]
            if len(self._bits) >= MOST:
                del self._bits[next(iter(self._bits))]
            now = kept.pop()[1] if kept and kept[-1][0] == view.number else 0
            self._bits[service] = [*kept, (view.number, now | view.route_bits(slot))]
        return refused

    def lately(self, view: WindowView, service: str) -> int:
        """Bits of the routes of a service that did so in the recent past, as in clients' bitmaps of routes."""
        first = view.number - max(1, round(view.recent_minutes / view.minutes))
        bits = 0
        for number, of_window in self._bits.get(service, ()):
            bits |= of_window if number > first else 0
        return bits

    @staticmethod
    def _routes(view: WindowView) -> Iterator[tuple[str, int, int]]:
        """Service, slot and number of refused requests of each such route."""
        sums, requests = view.groups.sums, view.judged[Metric.REQUESTS]
        asked = sums[:, Group.STATUS_401]
        worth = (asked > 0) & (asked >= OF_ALL * sums[:, Group.REQUESTS]) & (sums[:, Group.LOGIN_POSTS] == 0)
        for row in np.flatnonzero(worth & ~view.own).tolist():
            slot, count = int(view.groups.key[row]), int(asked[row])
            found = requests.find(slot)
            if found is None or not requests.ready[found]:
                continue
            usual = float(requests.expected_mid[found])
            if int(sums[row, Group.REQUESTS]) - usual < ON_TOP * count:
                yield view.book[slot].service, slot, count

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode(list(self._bits.items()))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        kept = decode(content, list[tuple[str, list[tuple[int, int]]]], "refusing routes")
        check(len(kept) <= MOST, "refusing routes")
        check(all(0 <= bits < 1 << BITMAP_BITS for _, one in kept for _, bits in one), "refusing routes")
        self._bits = dict(kept)

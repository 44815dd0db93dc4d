"""Whose doing it is that a service has more to do than usual, and whether he has done so before."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Final

import numpy as np

from vedette.detectors.memory import Memory
from vedette.detectors.statistical.familiar import Familiar
from vedette.detectors.statistical.routine import Routine
from vedette.detectors.view import Burst, Judged, WindowView
from vedette.schema.networks import PRIVATE_NETWORKS
from vedette.windows.layout import Client

RISEN: Final = 2.0
LEAST: Final = 50
"""How many times the expected requests of a window, and how many more, are a burst: less is never told as a spike."""
MOSTLY: Final = 0.7
"""Share of what is beyond the expected that one client must have made for it to be his doing."""


class Bursts:
    """Finds the clients that a service's bursts are the doing of, and remembers them."""

    def __init__(self, familiar: Familiar) -> None:
        self._routine = Routine()
        self._familiar = familiar

    @property
    def memories(self) -> Sequence[Memory]:
        """What is remembered from window to window."""
        return self._routine, self._familiar

    def look(self, view: WindowView, requests: Judged) -> None:
        """Tell a window's bursts in `view.bursts`, and learn its clients."""
        risen = (requests.value >= RISEN * requests.expected_mid) & (
            requests.value - requests.expected_mid >= LEAST
        )
        for row in np.flatnonzero(risen & view.book.is_service(requests.slot)).tolist():
            slot = int(requests.slot[row])
            self._of(view, slot, float(requests.value[row] - requests.expected_mid[row]))
        self._familiar.learn(view.start, view.clients)

    def _of(self, view: WindowView, slot: int, excess: float) -> None:
        service = view.book[slot].service
        clients = view.clients_of(service)
        if not len(clients):
            return
        top = int(np.argmax(clients.sums[:, Client.REQUESTS]))
        amount = int(clients.sums[top, Client.REQUESTS])
        if amount < MOSTLY * excess:
            return
        high, low = int(clients.high[top]), int(clients.low[top])
        name = view.client_name(high, low)
        routes = int(clients.sums[top, Client.ROUTES])
        usual = self._routine.expects(slot, name, view.start, amount, routes)
        # Who has had bursts before, and now has another or a larger one, is known for less than this.
        known = usual or (
            not self._routine.has_met(slot, name)
            and (is_internal(name) or self._familiar.knows(int(clients.service[top]), high, low, view.start))
        )
        view.bursts[service] = Burst(name, usual, known)


_OWN: Final = tuple(map(ip_network, PRIVATE_NETWORKS))


def is_internal(client: str) -> bool:
    """Whether a client's name is an address of a private network."""
    try:
        address = ip_address(client.removesuffix("/64"))
    except ValueError:
        return False
    return any(address in network for network in _OWN)

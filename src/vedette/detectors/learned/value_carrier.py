"""Whose requests got values that are not usual on a route."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.values import STATUS
from vedette.detectors.view import Metric, WindowView
from vedette.schema.anomaly import Contribution
from vedette.windows.layout import Client, Group

MOSTLY: Final = 0.5
"""Part of the values outside from which a client is named for them."""
ALONE: Final = 0.9
"""From this part on nobody else is concerned, unless somebody always makes as much of all requests: a proxy does."""
_OF_CLIENTS: Final = {
    Group.STATUS_401: Client.STATUS_401,
    Group.STATUS_403: Client.STATUS_403,
    Group.STATUS_404: Client.STATUS_404,
    Group.STATUS_429: Client.STATUS_429,
    Group.STATUS_5XX: Client.STATUS_5XX,
}

CountedAs = Callable[[int], Client]
"""The column of a client that tells most of who got a value."""


class Carrier(msgspec.Struct, frozen=True):
    """The client that got most of the values outside.

    Attributes:
        name: The client. share: Its part of them, 0..1.
        alone: Whether the others of the service hardly got any.
    """

    name: str
    share: float
    alone: bool

    @property
    def contribution(self) -> Contribution:
        """As an anomaly tells it."""
        return Contribution("client", self.name, self.share)


def of_status(place: int) -> Client:
    """See `CountedAs`; of the others clients' windows tell only the requests."""
    return _OF_CLIENTS.get(STATUS[place][1], Client.REQUESTS)


def of_time(_: int) -> Client:
    """See `CountedAs`."""
    return Client.REQUESTS


def value_carrier(
    view: WindowView, slot: int, beyond: NDArray[np.int64], counted_as: CountedAs
) -> Carrier | None:
    """The client that got most of the values outside, as far as is known.

    What a client got is summed over the service, and so its part on one route is estimated: as if the routes that it
    asked for had got equal parts of it. A client's share is its part of what all who asked for the route got there, and
    no more than it got anywhere.

    Args:
        view: The window.
        slot: The route, or the service.
        beyond: int64 (values,), how often each value came that is not usual.
        counted_as: Of a value.

    Returns:
        The one with `MOSTLY` of them; None if nobody has so many.
    """
    entry = view.book[slot]
    clients = view.clients_of(entry.service)
    if not len(clients):
        return None
    asked = np.ones(len(clients))
    if entry.route is not None:
        routes = clients.sums[:, Client.ROUTES]
        asked = np.bitwise_count(routes & view.route_bits(slot)) / np.maximum(1, np.bitwise_count(routes))
    shares = np.zeros(len(clients))
    for column, outside in _by_column(beyond, counted_as).items():
        got = clients.sums[:, column].astype(np.float64)
        parts = got * asked
        shares += outside * np.minimum(parts / max(1.0, float(parts.sum())), got / outside)
    shares /= max(1, int(beyond.sum()))
    first = int(shares.argmax())
    share = min(1.0, float(shares[first]))
    if share < MOSTLY:
        return None
    name = view.client_name(int(clients.high[first]), int(clients.low[first]))
    return Carrier(name, share, share >= ALONE and _usual_share(view, entry.service) < ALONE)


def _usual_share(view: WindowView, service: str) -> float:
    """The part of a service's requests that its busiest client usually makes; 1 where that is not known yet."""
    slot = view.book.find(service, None)
    busiest, whole = view.judged[Metric.TOP_CLIENT_REQUESTS], view.judged[Metric.REQUESTS]
    rows = [None if slot is None else judged.find(slot) for judged in (busiest, whole)]
    if rows[0] is None or rows[1] is None or not (busiest.ready[rows[0]] and whole.ready[rows[1]]):
        return 1.0
    return float(busiest.expected_mid[rows[0]]) / max(1.0, float(whole.expected_mid[rows[1]]))


def _by_column(beyond: NDArray[np.int64], counted_as: CountedAs) -> Mapping[Client, int]:
    """How many values outside each column of clients tells of."""
    told: dict[Client, int] = {}
    for place in np.flatnonzero(beyond).tolist():
        column = counted_as(place)
        told[column] = told.get(column, 0) + int(beyond[place])
    return told

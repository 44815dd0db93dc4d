"""What a learned member of the ensemble is to the engine."""

from collections.abc import Collection, Mapping
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.card import Model
from vedette.detectors.learned.training import Refused
from vedette.detectors.view import RouteNumbers, WindowDetector
from vedette.schema.learned import MemberStatus
from vedette.windows.layout import Client
from vedette.windows.summary import ClientRows


class ServiceLesson(msgspec.Struct, frozen=True):
    """A window of one service.

    Attributes:
        clients: All that the log names. ill: bool (k,), those that signatures, baselines or open incidents call bad.
        trusted: False where something was wrong with the service: nothing is learned of it.
        requests: To the service, of all clients. rows: Where its clients are among those of the lesson.
    """

    service: str
    number: int
    rows: slice
    clients: ClientRows
    ill: NDArray[np.bool_]
    trusted: bool
    requests: int


class Lesson(msgspec.Struct, frozen=True):
    """A window that was judged, for members to learn from.

    Attributes:
        number: Of the window. services: Names by number. clients: All that the log names, sorted by service.
        requests: By service. distrusted: Services in which something was wrong: nothing is learned of them.
        bad: bool (k,), clients that baselines, other detectors or open incidents call bad.
        routes: Names of its routes by number.
    """

    number: int
    services: list[str]
    clients: ClientRows
    requests: Mapping[str, int]
    distrusted: Collection[str]
    bad: NDArray[np.bool_]
    routes: RouteNumbers

    def by_service(self) -> list[ServiceLesson]:
        """Of each service that has clients in it, in order of name.

        By name: who finds room must not depend on how batches numbered the services.
        """
        found = []
        for name, first, past in spans(self.services, self.clients):
            rows = slice(first, past)
            clients = self.clients.select(rows)
            ill = self.bad[rows] | (clients.sums[:, Client.ATTACKS] > 0)
            trusted, requests = name not in self.distrusted, self.requests.get(name, 0)
            found.append(ServiceLesson(name, self.number, rows, clients, ill, trusted, requests))
        return sorted(found, key=lambda part: part.service)


def of_services(services: list[str], clients: ClientRows) -> list[tuple[str, ClientRows]]:
    """Clients by the name of their service; they are sorted by its number."""
    return [(name, clients.select(slice(first, past))) for name, first, past in spans(services, clients)]


def spans(services: list[str], clients: ClientRows) -> list[tuple[str, int, int]]:
    """Where the clients of each service, by its name, begin and end; they are sorted by its number."""
    service = clients.service
    if not len(service):
        return []
    first, past = [0], [len(service)]
    if service[0] != service[-1]:
        edges = (np.flatnonzero(service[1:] != service[:-1]) + 1).tolist()
        first, past = first + edges, edges + past
    return [
        (services[number], start, end)
        for number, start, end in zip(service[first].tolist(), first, past, strict=True)
    ]


class Member(WindowDetector, Protocol):
    """A detector that judges by models. It looks at each window first, and is taught it then."""

    @property
    def collects(self) -> bool:
        """Whether it wants to be taught: a sample is being collected, or may be for a service that is new."""
        ...

    def learn(self, lesson: Lesson) -> None:
        """Take a window in that was judged."""
        ...

    def statuses(self) -> list[MemberStatus]:
        """How far each service has come, by name."""
        ...

    def models(self) -> Mapping[str, Model]:
        """Those at work, by service."""
        ...

    def train_now(self) -> Mapping[str, Model | Refused]:
        """Fit a model to what each service's sample holds, whatever its warm-up takes; none is put to work."""
        ...

    def capped(self) -> dict[str, int]:
        """What found no room, by the name of its table."""
        ...

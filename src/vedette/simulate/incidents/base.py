"""What every incident is: it changes ordinary traffic, or adds to it, and says what it did."""

from typing import ClassVar

import msgspec
import numpy as np

from vedette.schema.anomaly import AnomalyType, Entity, EntityKind
from vedette.simulate import people, site
from vedette.simulate.draws import Draws, Ints
from vedette.simulate.rhythm import even_arrivals
from vedette.simulate.rows import SECOND, TEXT, Rows, empty_rows
from vedette.simulate.serving import serve
from vedette.simulate.traffic import Block, Traffic
from vedette.simulate.world import World

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]

BASE_ROUTE_COUNT = len(site.ROUTES)


class Scene(msgspec.Struct, frozen=True):
    """Where and when an incident happens.

    Attributes:
        number: The incident's number in this run, from 0; rows it touches carry it as their label.
        start, end: Microseconds, `end` exclusive.
        route: The route asked for, folded, or None.
        routes: Numbers of the routes asked for, empty where none is.
        service: Number of the service asked for, or None.
        actor: Number of the client behind it, where there is one.
    """

    world: World
    traffic: Traffic
    number: int
    start: int
    end: int
    intensity: float
    route: str | None
    routes: tuple[int, ...]
    service: int | None
    actor: int

    @property
    def tenant(self) -> int:
        """The copy of the site that is hit."""
        if self.service is None:
            return 0
        return int(np.argmax((self.world.service_of == self.service).any(axis=1)))

    def route_or(self, *templates: tuple[str, int]) -> int:
        """The route that extra requests go to: the one asked for, else the first of these in the service."""
        wanted = [site.find(template, method) for template, method in templates]
        if self.routes:
            # A path may take several methods: that of the extra requests, if it can be.
            method = site.ROUTES[wanted[0]].method
            return next((r for r in self.routes if site.ROUTES[r].method == method), self.routes[0])
        if self.service is not None:
            served = [
                r for r in range(BASE_ROUTE_COUNT) if self.world.service_of[self.tenant, r] == self.service
            ]
            return next((r for r in wanted if r in served), served[0])
        return wanted[0]

    def covers(self, rows: Rows) -> Mask:
        """Rows that begin during the incident, on its service and routes."""
        mask = (rows["start"] >= self.start) & (rows["start"] < self.end)
        if self.routes:
            mask &= np.isin(rows["route"], self.routes)
        if self.service is not None:
            mask &= self.world.service_of[rows["tenant"], rows["route"]] == self.service
        return np.asarray(mask)

    def arrivals(self, block: Block, draws: Draws, rate: float) -> Ints:
        """Poisson arrivals of `rate` per second within both the incident and the block."""
        return even_arrivals(draws, max(self.start, block.start), min(self.end, block.end), rate)

    def lone_client(self) -> int:
        """The one client behind the incident."""
        return people.lone_address(self.actor, self.world.seed)

    def seconds(self) -> float:
        """How long it lasts."""
        return (self.end - self.start) / SECOND

    def requests(self, times: Ints, route: int, draws: Draws) -> Rows:
        """Answered, labelled requests for one route; the caller adds a client and a user agent."""
        rows = empty_rows(len(times))
        rows["start"] = times
        rows["route"] = rows["via"] = route
        rows["method"] = site.ROUTES[route].method
        rows["tenant"] = self.tenant
        rows["label"] = self.number
        rows["arg"] = draws.below(len(times), 1 << 40)
        rows["from_arg"] = 0
        serve(self.world, rows, draws)
        return rows


def as_text(rows: Rows, chosen: "Mask | slice", numbers: Ints) -> None:
    """Make targets of chosen rows texts of the pool; the row's route goes on answering them."""
    rows["via"][chosen] = rows["route"][chosen]
    rows["route"][chosen] = TEXT
    rows["arg"][chosen] = numbers


class Incident:
    """One incident of a run. Subclasses say in their docstring what a log shows of them."""

    type: ClassVar[AnomalyType | None]
    """What a detector should call it; None where it should stay silent."""
    lasts: ClassVar[int] = 300
    """Seconds, unless the injection says otherwise."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def change(self, rows: Rows, draws: Draws) -> Rows:  # noqa: ARG002 - most incidents only add
        """Change ordinary traffic; returns what is left of it."""
        return rows

    def add(self, block: Block, draws: Draws) -> Rows:  # noqa: ARG002 - some incidents only change
        """Requests that the incident adds within a block."""
        return empty_rows(0)

    def route(self) -> str | None:
        """The folded route that is hit, where it is one."""
        return self.scene.route

    def service(self) -> str | None:
        """The service that is hit, where it is one."""
        scene, services = self.scene, self.scene.world.services
        if scene.service is not None:
            return services[scene.service]
        known = [i for i, r in enumerate(site.ROUTES) if r.pattern == self.route()]
        served = np.unique(scene.world.service_of[:, known]) if known else np.arange(len(services))
        return services[int(served[0])] if len(served) == 1 else None

    def entity(self) -> Entity:
        """What an anomaly should be about."""
        route, service = self.route(), self.service()
        if route is not None:
            return Entity(EntityKind.ROUTE, route)
        return Entity(EntityKind.ALL, "") if service is None else Entity(EntityKind.SERVICE, service)


class LoneClient(Incident):
    """An incident with one client behind it."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.client = scene.lone_client()

    def entity(self) -> Entity:
        """The client."""
        return Entity(EntityKind.CLIENT, people.address_text(self.client).decode())

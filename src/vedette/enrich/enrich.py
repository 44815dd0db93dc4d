"""Enrichment of a batch: client, route, service and user agent kind of each request."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.enrich.client import ClientResolver, Network
from vedette.enrich.route import RouteFolder
from vedette.enrich.service import ServiceNamer, ServicePattern
from vedette.enrich.user_agent import UserAgents
from vedette.schema.requests import Requests


class Enriched(msgspec.Struct, frozen=True):
    """A batch of n requests whose `client` and `route` are set, and what has no column there.

    Attributes:
        requests: The batch itself, not a copy.
        service: int32 (n,), numbers into `services`.
        services: Service names by number; grows from batch to batch, and never changes otherwise.
        agent_kind: uint8, `AgentKind` of each text in `requests.user_agent.vocabulary`.
    """

    requests: Requests
    service: NDArray[np.int32]
    services: list[str]
    agent_kind: NDArray[np.uint8]


class Enricher:
    """Enriches the batches of one run, in order.

    Args:
        trusted: Proxies to walk past, or None for `vedette.enrich.client.DEFAULT_TRUSTED`.
        services: Configured services.
        service_limit: Most services that are told apart by logged host.
        templates: Routes of the site's own, `/users/{}/orders`.
        renamed: What services named by their file are called instead.
    """

    def __init__(
        self,
        trusted: Sequence[Network] | None = None,
        services: Sequence[ServicePattern] = (),
        service_limit: int = 1024,
        templates: Sequence[str] = (),
        renamed: Mapping[str, str] | None = None,
    ) -> None:
        self.clients = ClientResolver(trusted)
        self.routes = RouteFolder(templates)
        self.namer = ServiceNamer(services, service_limit, renamed)
        self.agents = UserAgents()

    def to_state(self) -> bytes:
        """What shapes later answers, as bytes: the numbers of services. Everything else it keeps is a cache."""
        return self.namer.to_state()

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` of one with the same configured services gave.

        Raises:
            StateError: Damaged, or of another configuration; see `vedette.schema.state`.
        """
        self.namer.from_state(content)

    def apply(self, requests: Requests) -> Enriched:
        """Set `client`, `route` and `RequestFlag.INTERNAL`; say service and user agent kinds."""
        requests.client = self.clients.resolve(requests)
        requests.route = self.routes.fold(requests)
        return Enriched(
            requests,
            self.namer.assign(requests),
            self.namer.names,
            self.agents.kinds(requests.user_agent.vocabulary),
        )

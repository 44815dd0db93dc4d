"""How a detector makes a statement: ids, scores and client lists, the same for all."""

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vedette.schema.anomaly import (
    Anomaly,
    AnomalyType,
    Band,
    Contribution,
    Entity,
    EntityKind,
    Evidence,
    Formula,
    Severity,
)
from vedette.windows.layout import Client
from vedette.windows.summary import ClientRows

if TYPE_CHECKING:
    from vedette.detectors.view import WindowView

CLIENTS_NAMED = 10
CARRIES = 0.2
"""Share of a route's excess from which a client is named for it."""
CARRIED = 2.0
"""Requests from which a client is told to carry some of a count: of five, anybody's one is a fifth."""


def anomaly_id(*parts: object) -> str:
    """A stable id: the same statement about the same thing at the same time gets the same one."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode("utf-8", "surrogateescape"), digest_size=8)
    return "a" + digest.hexdigest()


def surprise_score(surprise: float, threshold: float) -> float:
    """Map a surprise (-log10 p) to 0..1: one half at the threshold, ordered however far above it."""
    return surprise / (surprise + threshold)


def excess_score(observed: float, threshold: float) -> float:
    """Map an observed number against a rule's threshold to 0..1: one half at the threshold."""
    return observed / (observed + threshold) if observed + threshold > 0 else 0.0


def surprise_severity(surprise: float, threshold: float) -> Severity:
    """Grade by how far beyond the threshold: each threshold's worth again is a grade."""
    if surprise >= 4 * threshold:
        return Severity.HIGH
    return Severity.MEDIUM if surprise >= 2 * threshold else Severity.LOW


def state(
    view: "WindowView",
    *,
    type: AnomalyType,  # noqa: A002 - the field's name, here and in the JSON
    detector: str,
    service: str,
    route: str | None,
    entity: Entity,
    severity: Severity,
    score: float,
    observed: float,
    expected: Band,
    threshold: float,
    sample_count: int,
    unit: str,
    formula: Formula,
    contributions: tuple[Contribution, ...] = (),
    evidence: tuple[Evidence, ...] = (),
    evidence_total: int = 0,
    clients: tuple[str, ...] = (),
    details: dict[str, Any] | None = None,
    counterfactual: str = "",
    start: int | None = None,
) -> Anomaly:
    """Make an anomaly about a window. Its sentence is written later, from its fields alone."""
    begin = view.start if start is None else start
    return Anomaly(
        id=anomaly_id(detector, type, service, route, entity.kind, entity.value, view.start),
        type=type,
        severity=severity,
        score=score,
        start=begin,
        end=view.end,
        service=service,
        route=route,
        entity=entity,
        detector=detector,
        observed=observed,
        expected=expected,
        threshold=threshold,
        sample_count=sample_count,
        unit=unit,
        formula=formula,
        description="",
        contributions=contributions,
        evidence=evidence,
        evidence_total=evidence_total,
        counterfactual=counterfactual,
        clients=clients,
        details=details or {},
    )


def slot_entity(service: str, route: str | None) -> Entity:
    """The entity of a service or of one of its routes."""
    if route is None:
        return Entity(EntityKind.SERVICE, service)
    return Entity(EntityKind.ROUTE, f"{service} {route}")


def route_carriers(
    view: "WindowView", slot: int, column: Client, excess: float
) -> tuple[tuple[str, ...], tuple[Contribution, ...]]:
    """The clients that carry much of a route's sum, as far as is known.

    What a client did is summed over the service. Its part on one route is estimated: as if the routes that it asked
    for had got equal parts.

    Args:
        view: The window.
        slot: The route.
        column: The sum.
        excess: What their parts are shares of; shares above 1 are cut to 1.

    Returns:
        Up to `CLIENTS_NAMED` names with at least `CARRIES` of the excess, heaviest first, and their contributions.
    """
    clients = view.clients_of(view.book[slot].service)
    routes = clients.sums[:, Client.ROUTES]
    here = np.bitwise_count(routes & view.route_bits(slot))
    parts = clients.sums[:, column] * (here / np.maximum(1, np.bitwise_count(routes)))
    order = np.argsort(-parts, kind="stable")[:CLIENTS_NAMED]
    order = order[parts[order] >= max(CARRIES * excess, 1.0)]
    names = tuple(view.client_name(int(clients.high[i]), int(clients.low[i])) for i in order.tolist())
    return names, tuple(
        Contribution("client", name, min(1.0, float(parts[i]) / excess))
        for name, i in zip(names, order.tolist(), strict=True)
    )


def heaviest_clients(
    view: "WindowView", clients: ClientRows, column: Client, excess: float
) -> tuple[tuple[str, ...], tuple[Contribution, ...]]:
    """The clients that carry most of a sum.

    Args:
        view: The window.
        clients: Clients to choose from.
        column: The sum.
        excess: What their parts are shares of; shares above 1 are cut to 1.

    Returns:
        Up to `CLIENTS_NAMED` names, heaviest first, and the contributions of those that carry at least 5 %.
    """
    values: NDArray[np.int64] = clients.sums[:, column]
    order = np.argsort(-values, kind="stable")[:CLIENTS_NAMED]
    order = order[values[order] > 0]
    names = tuple(view.client_name(int(clients.high[i]), int(clients.low[i])) for i in order.tolist())
    shares = [min(1.0, float(values[i]) / excess) if excess > 0 else 0.0 for i in order.tolist()]
    contributions = tuple(
        Contribution("client", name, share)
        for name, share in zip(names, shares, strict=True)
        if share >= 0.05
    )
    return names, contributions[:5]

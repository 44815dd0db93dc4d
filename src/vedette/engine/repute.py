"""Whom models must not learn from."""

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.sample import LEAST_REQUESTS
from vedette.enrich.client import clients_called
from vedette.schema.anomaly import Anomaly, EntityKind
from vedette.windows.layout import Client
from vedette.windows.summary import ClientRows


def accused(found: Iterable[Anomaly], of_incidents: Iterable[Iterable[str]]) -> set[str]:
    """Clients by name that a window's anomalies name, or open incidents are about."""
    names: set[str] = set()
    for anomaly in found:
        if anomaly.entity.kind is EntityKind.CLIENT:
            names.add(anomaly.entity.value)
        names.update(anomaly.clients)
    for clients in of_incidents:
        names.update(clients)
    return names


def disturbed(found: Iterable[Anomaly]) -> set[str]:
    """Services of which something is wrong that is not one client's doing."""
    return {a.service for a in found if a.entity.kind in (EntityKind.SERVICE, EntityKind.ROUTE)}


def named_among(clients: ClientRows, wanted: Collection[str], names: dict[int, str]) -> NDArray[np.bool_]:
    """Which clients are called one of these names, bool (k,); those that no model would look at are not asked.

    Args:
        wanted: The names. names: Of clients that have no address (`format_client`).
    """
    found = np.zeros(len(clients), dtype=np.bool_)
    if wanted:
        rows = np.flatnonzero(clients.sums[:, Client.REQUESTS] >= LEAST_REQUESTS)
        found[rows] = clients_called(wanted, clients.high[rows], clients.low[rows], names)
    return found

"""What detectors that judge single clients share."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.view import WindowView
from vedette.windows.layout import Client

MOST_PER_WINDOW = 20
"""Clients stated one by one per service and window; those beyond are counted, see `FewStated`."""


class Suspect(msgspec.Struct, frozen=True):
    """A noteworthy client of the window.

    Attributes:
        row: Row in `view.recent`. service: Its service. name: The client, printable.
        key: What evidence is kept under.
    """

    row: int
    service: str
    name: str
    key: tuple[int, int, int]


def suspects(view: WindowView, rows: NDArray[np.intp]) -> dict[str, list[Suspect]]:
    """Group rows (k,) of `view.recent` by the name of their service, the busiest clients first."""
    recent = view.recent
    grouped: dict[str, list[Suspect]] = {}
    order = rows[np.argsort(-recent.sums[rows, Client.REQUESTS], kind="stable")]
    for row in order.tolist():
        number = int(recent.service[row])
        high, low = int(recent.high[row]), int(recent.low[row])
        service = view.services[number]
        suspect = Suspect(row, service, view.client_name(high, low), (number, high, low))
        grouped.setdefault(service, []).append(suspect)
    return grouped

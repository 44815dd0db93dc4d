"""Which routes of a closed window are routes of the site, and which only somebody's guesses."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vedette.enrich.slugs import SlugLearner
from vedette.windows.entities import NOT_FOUND_ROUTE, EntityBook
from vedette.windows.layout import Group
from vedette.windows.registry import RouteRegistry
from vedette.windows.summary import ClosedWindow, Groups


@dataclass(slots=True)
class PlacedWindow:
    """A window's summaries by slot.

    Attributes:
        groups: Keyed and sorted by slot. services: bool, which rows are services.
        numbers: Registry numbers merged into each slot; a service's slot lists those of all its routes.
        fresh: Slots taken in this window.
    """

    groups: Groups
    services: NDArray[np.bool_]
    numbers: dict[int, list[int]]
    fresh: list[int]


def place(
    window: ClosedWindow, registry: RouteRegistry, services: list[str], slugs: SlugLearner, book: EntityBook
) -> PlacedWindow:
    """Merge a window's groups by their final routes.

    A route that has only ever answered 404 or 400 is nobody's route: it counts as the service's `(not found)`.
    Places in paths that take many values are folded as learned from the windows before and this one.
    """
    found = [registry[number] for number in window.groups.key.tolist()]
    sums = window.groups.sums
    missing = sums[:, Group.STATUS_404] == sums[:, Group.REQUESTS]
    real: dict[tuple[str, str], int] = {}
    for entry, lost, count in zip(found, missing.tolist(), sums[:, Group.REQUESTS].tolist(), strict=True):
        if entry.route is not None:
            name = (services[entry.service], entry.route)
            if not lost or name in book:
                real[name] = real.get(name, 0) + count
    ordered = sorted(real)
    slugs.observe(ordered, [real[name] for name in ordered])
    names: list[tuple[str, str | None]] = []
    for entry, lost in zip(found, missing.tolist(), strict=True):
        service = services[entry.service]
        if entry.route is None:
            names.append((service, None))
            continue
        lost = lost and (service, entry.route) not in book
        names.append((service, NOT_FOUND_ROUTE if lost else slugs.final(service, entry.route)))
    before = len(book)
    # Slots are taken in the order of names, not of arrival.
    slot_of = {name: book.slot(*name) for name in sorted(set(names), key=lambda n: (n[0], n[1] or ""))}
    labels = np.array([slot_of[name] for name in names], dtype=np.int64)
    numbers: dict[int, list[int]] = {}
    for number, (service, route), slot in zip(
        window.groups.key.tolist(), names, labels.tolist(), strict=True
    ):
        if route is not None:
            numbers.setdefault(slot, []).append(number)
            numbers.setdefault(book.slot(service, None), []).append(number)
    groups = window.groups.merged(labels)
    is_service = np.array([book[slot].route is None for slot in groups.key.tolist()], dtype=bool)
    return PlacedWindow(groups, is_service, numbers, list(range(before, len(book))))

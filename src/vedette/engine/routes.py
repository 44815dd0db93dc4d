"""Which routes of a closed window are routes of the site, and which only somebody's guesses."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vedette.enrich.slugs import SlugLearner
from vedette.windows.entities import NOT_FOUND_ROUTE, EntityBook
from vedette.windows.layout import Group
from vedette.windows.registry import RouteRegistry
from vedette.windows.summary import ClosedWindow, Groups

_NO_ROWS = np.zeros(0, dtype=np.bool_)
_NO_SLOTS = np.zeros(0, dtype=np.int64)


class RouteNumbers:
    """Which registry numbers of a window were merged into each slot; a service's slot holds those of its routes.

    Told for the few slots that somebody asks about.
    """

    def __init__(self, numbers: NDArray[np.int64], slots: NDArray[np.int64], book: EntityBook) -> None:
        self._numbers = numbers
        self._slots = slots
        self._book = book

    def __getitem__(self, slot: int) -> list[int]:
        own = self._slots == slot
        if self._book[slot].route is None:
            own = self._book.parents[self._slots] == slot
        found: list[int] = self._numbers[own].tolist()
        return found


@dataclass(slots=True)
class PlacedWindow:
    """A window's summaries by slot.

    Attributes:
        groups: Keyed and sorted by slot. services: bool, which rows are services.
        numbers: Registry numbers merged into each slot.
        fresh: Slots taken in this window.
    """

    groups: Groups
    services: NDArray[np.bool_]
    numbers: RouteNumbers
    fresh: range


def place(
    window: ClosedWindow, registry: RouteRegistry, services: list[str], slugs: SlugLearner, book: EntityBook
) -> PlacedWindow:
    """Merge a window's groups by their final routes.

    A route that has only ever answered 404 or 400 is nobody's route: it counts as the service's `(not found)`.
    Places in paths that take many values are folded as learned from the windows before and this one.
    """
    before = len(book)
    if not len(window.groups.key):
        return PlacedWindow(window.groups, _NO_ROWS, RouteNumbers(_NO_SLOTS, _NO_SLOTS, book), range(0))
    sums = window.groups.sums
    missing = (sums[:, Group.STATUS_404] == sums[:, Group.REQUESTS]).tolist()
    names: list[tuple[str, str | None]] = []
    real: list[tuple[str, str]] = []
    weights: list[int] = []
    for number, lost, count in zip(
        window.groups.key.tolist(), missing, sums[:, Group.REQUESTS].tolist(), strict=True
    ):
        entry = registry[number]
        service, route = services[entry.service], entry.route
        if route is not None:
            if lost and (service, route) not in book:
                route = NOT_FOUND_ROUTE
            else:
                real.append((service, route))
                weights.append(count)
        names.append((service, route))
    slugs.observe(real, weights)
    final = slugs.final
    names = [(service, route if route is None else final(service, route)) for service, route in names]
    slots = [book.find(service, route) for service, route in names]
    if None in slots:
        # New slots are taken in the order of names, not of arrival.
        ordered = sorted(set(names), key=lambda n: (n[0], n[1] or ""))
        slot_of = {name: book.slot(*name) for name in ordered}
        slots = [slot_of[name] for name in names]
    labels = np.array(slots, dtype=np.int64)
    groups = window.groups.merged(labels)
    return PlacedWindow(
        groups,
        book.is_service(groups.key),
        RouteNumbers(window.groups.key, labels, book),
        range(before, len(book)),
    )

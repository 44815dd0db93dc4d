"""Which routes of a closed window are routes of the site, and which only somebody's guesses."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.enrich.slugs import SlugLearner, Way
from vedette.windows.entities import NOT_FOUND_ROUTE, EntityBook
from vedette.windows.layout import Group
from vedette.windows.registry import OTHER_ROUTE, RouteEntry, RouteRegistry
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

    def names(self, numbers: NDArray[np.int64]) -> list[str]:
        """The routes that registry numbers (n,) were merged into; `(other)` for those without windows of their own."""
        if not len(self._numbers):
            return [OTHER_ROUTE] * len(numbers)
        order = np.argsort(self._numbers, kind="stable")
        at = np.minimum(np.searchsorted(self._numbers, numbers, sorter=order), len(order) - 1)
        place = order[at]
        slots = np.where(self._numbers[place] == numbers, self._slots[place], -1).tolist()
        return [(self._book[slot].route if slot >= 0 else None) or OTHER_ROUTE for slot in slots]


class PlacedWindow(msgspec.Struct):
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


class _Known(msgspec.Struct, frozen=True):
    """What a registry number stood for when it was last met, and where its windows went.

    Attributes:
        way: None for services. final: Whether the route is a slot's own, as it stands.
    """

    entry: RouteEntry
    way: Way | None
    slot: int
    final: bool


class Placer:
    """Merges the groups of windows by their final routes.

    A route that has only ever answered 404 or 400 is nobody's route: it counts as the service's `(not found)`.
    Places in paths that take many values are folded as learned from the windows before and this one.
    """

    def __init__(self, registry: RouteRegistry, slugs: SlugLearner, book: EntityBook) -> None:
        self._registry = registry
        self._slugs = slugs
        self._book = book
        # A cache only: nearly all routes of a window are those of the window before.
        self._known: dict[int, _Known] = {}
        self._generation = slugs.generation

    def place(self, window: ClosedWindow, services: list[str]) -> PlacedWindow:
        """A window's summaries by slot; `services` are named by number."""
        book, slugs = self._book, self._slugs
        before = len(book)
        if not len(window.groups.key):
            return PlacedWindow(window.groups, _NO_ROWS, RouteNumbers(_NO_SLOTS, _NO_SLOTS, book), range(0))
        if self._generation != slugs.generation or len(self._known) > self._registry.cap:
            self._forget()
        sums = window.groups.sums
        numbers: list[int] = window.groups.key.tolist()
        counts: list[int] = sums[:, Group.REQUESTS].tolist()
        missing = (sums[:, Group.STATUS_404] == sums[:, Group.REQUESTS]).tolist()
        slots: list[int | None] = []
        unknown: list[int] = []
        entries, known = self._registry.entries, self._known
        for row, (number, count, lost) in enumerate(zip(numbers, counts, missing, strict=True)):
            found = known.get(number)
            if found is None or found.entry is not entries[number] or (lost and not found.final):
                slots.append(None)
                unknown.append(row)
                continue
            slots.append(found.slot)
            if found.way is not None:
                slugs.count(found.way, count)
        if unknown:
            self._look_up(unknown, numbers, counts, missing, services, slots)
        labels = np.array(slots, dtype=np.int64)
        groups = window.groups.merged(labels)
        return PlacedWindow(
            groups,
            book.is_service(groups.key),
            RouteNumbers(window.groups.key, labels, book),
            range(before, len(book)),
        )

    def _look_up(
        self,
        rows: list[int],
        numbers: list[int],
        counts: list[int],
        missing: list[bool],
        services: list[str],
        slots: list[int | None],
    ) -> None:
        """Find the slots of the rows of a window that have none yet, once the routes among them are learned."""
        book, slugs, registry = self._book, self._slugs, self._registry
        names: list[tuple[str, str | None]] = []
        real: list[tuple[str, str]] = []
        weights: list[int] = []
        for row in rows:
            entry = registry[numbers[row]]
            service, route = services[entry.service], entry.route
            if route is not None:
                if missing[row] and (service, route) not in book:
                    route = NOT_FOUND_ROUTE
                else:
                    real.append((service, route))
                    weights.append(counts[row])
            names.append((service, route))
        slugs.observe(real, weights)
        if self._generation != slugs.generation:
            # A place has folded: no way is as it was.
            self._forget()
            others = [row for row, slot in enumerate(slots) if slot is not None]
            rows = [*rows, *others]
            entries = [registry[numbers[row]] for row in others]
            names += [(services[entry.service], entry.route) for entry in entries]
        names = [
            (service, route if route is None else slugs.final(service, route)) for service, route in names
        ]
        found = [book.find(service, route) for service, route in names]
        if None in found:
            # New slots are taken in the order of names, not of arrival.
            ordered = sorted(set(names), key=lambda n: (n[0], n[1] or ""))
            slot_of = {name: book.slot(*name) for name in ordered}
            found = [slot_of[name] for name in names]
        for row, (service, route), slot in zip(rows, names, found, strict=True):
            slots[row] = slot
            self._remember(numbers[row], service, route, slot)

    def _remember(self, number: int, service: str, final: str | None, slot: int | None) -> None:
        entry = self._registry[number]
        if slot is None or self._book.find(service, final) != slot or final == NOT_FOUND_ROUTE:
            return
        way = None if entry.route is None else self._slugs.way(service, entry.route)
        if way is None and entry.route is not None and entry.route.startswith("/"):
            return
        self._known[number] = _Known(entry, way, slot, final == entry.route)

    def _forget(self) -> None:
        self._known.clear()
        self._generation = self._slugs.generation

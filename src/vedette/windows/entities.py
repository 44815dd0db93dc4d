"""Services and routes that have baselines, numbered."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.state import check, decode, encode
from vedette.windows.registry import OTHER_ROUTE

NOT_FOUND_ROUTE = "(not found)"
"""Of requests to what has only ever answered 404."""
NOBODYS_ROUTES = frozenset({NOT_FOUND_ROUTE, OTHER_ROUTE, "(not http)", "(no path)"})
"""Routes that no site serves as such: their volume is the senders' doing."""
ALL_SLOT = 0
"""The parent of all services."""


class BookEntry(msgspec.Struct, frozen=True):
    """A service's name and one of its routes, or None for the service itself."""

    service: str
    route: str | None


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What an `EntityBook` holds: service and route of each slot but the first."""

    entries: list[tuple[str, str | None]]
    overflowed: int


class EntityBook:
    """Slots for services and routes, never reused; each knows its parent (route -> service -> all).

    Routes beyond `cap` share their service's `(other)` slot; `overflowed` counts the windows that did.
    """

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.overflowed = 0
        self.entries: list[BookEntry] = [BookEntry("(all)", None)]
        self.services: list[int] = []
        """Slots of the services."""
        self._slots: dict[tuple[str, str | None], int] = {}
        self._parents: list[int] = [ALL_SLOT]
        self._parents_array = self._owners = np.zeros(0, dtype=np.int32)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, key: tuple[str, str | None]) -> bool:
        return key in self._slots

    def __getitem__(self, slot: int) -> BookEntry:
        return self.entries[slot]

    def slot(self, service: str, route: str | None) -> int:
        """The slot of a service or route, taking a new one if there is room."""
        known = self._slots.get((service, route))
        if known is not None:
            return known
        parent = ALL_SLOT
        if route is not None:
            if route != OTHER_ROUTE and len(self.entries) >= self.cap:
                self.overflowed += 1
                return self.slot(service, OTHER_ROUTE)
            parent = self.slot(service, None)
        slot = len(self.entries)
        self.entries.append(BookEntry(service, route))
        self._parents.append(parent)
        self._slots[service, route] = slot
        if route is None:
            self.services.append(slot)
        return slot

    @property
    def parents(self) -> NDArray[np.int32]:
        """int32 (len,): each slot's parent. Not to be changed."""
        if len(self._parents_array) != len(self._parents):
            self._parents_array = np.array(self._parents, dtype=np.int32)
        return self._parents_array

    @property
    def owners(self) -> NDArray[np.int32]:
        """int32 (len,): the service's slot of each slot, a service's own for itself. Not to be changed."""
        if len(self._owners) != len(self._parents):
            itself = np.arange(len(self._parents), dtype=np.int32)
            self._owners = np.where(self.parents == ALL_SLOT, itself, self.parents)
        return self._owners

    def is_service(self, slots: NDArray[np.int64] | NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which of the slots (k,) are services themselves, none of them that of all services."""
        services: NDArray[np.bool_] = self.parents[slots] == ALL_SLOT
        return services

    def find(self, service: str, route: str | None) -> int | None:
        """The slot of a service or route, or None if it has none yet."""
        return self._slots.get((service, route))

    def to_state(self) -> bytes:
        """All slots, as bytes."""
        return encode(_State([(e.service, e.route) for e in self.entries[1:]], self.overflowed))

    def from_state(self, content: bytes) -> None:
        """Take the slots of a `to_state` into an empty book.

        Raises:
            StateError: Damaged, or more slots than this book's cap; see `vedette.schema.state`.
        """
        state = decode(content, _State, "book of entities")
        # Services and their "(other)" find room beyond the cap.
        named = sum(route not in (None, OTHER_ROUTE) for _, route in state.entries)
        check(named < self.cap and state.overflowed >= 0, "book of entities")
        for number, (service, route) in enumerate(state.entries, start=1):
            known = route is None or (service, None) in self._slots
            check(known and (service, route) not in self._slots, "book of entities")
            parent = ALL_SLOT if route is None else self._slots[service, None]
            self.entries.append(BookEntry(service, route))
            self._parents.append(parent)
            self._slots[service, route] = number
            if route is None:
                self.services.append(number)
        self.overflowed = state.overflowed

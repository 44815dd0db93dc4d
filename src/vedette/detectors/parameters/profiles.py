"""What each service, route and parameter has always been, in bounded arrays that the kernels read.

A slot is one thing that is counted: a service (its requests, which reveal new routes), a route (its requests, which
reveal new methods), a route's queries (which reveal new parameters), or a parameter (its values, which reveal new
classes of bytes, new lengths and new shapes). Each keeps how often something new came, and when, in counts of its
own requests: how likely something new is now follows from the more recent part of them alone.
"""

from enum import IntEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.requests.parameter_text import byte_classes
from vedette.kernels.requests.parameters import SHAPES, UNKNOWN, hash_of, insert_slot, key_of
from vedette.kernels.text.hashing import new_secret
from vedette.schema.state import PackedArray, StateError, check, decode, encode, pack, unpack, within

NAMES_PER_ROUTE = 64
"""Parameters of one route; a route that takes more has no fixed ones."""
COMMON = 200
"""Values of a parameter on one route from which its name is no news on another route of the service."""
LEAP = 2
"""Steps of length beyond the longest value seen from which a length is new: at least half as long again, mostly twice.

The longest of n values is beaten by the next one in one case of n whatever the parameter is; a leap is not.
"""
VERSION: Final = 1

TRACKING: Final = (
    b"utm_source", b"utm_medium", b"utm_campaign", b"utm_term", b"utm_content", b"utm_id", b"fbclid", b"gclid",
    b"gclsrc", b"dclid", b"gbraid", b"wbraid", b"msclkid", b"yclid", b"ysclid", b"twclid", b"ttclid", b"li_fat_id",
    b"igshid", b"igsh", b"mc_cid", b"mc_eid", b"_ga", b"_gl", b"_hsenc", b"_hsmi", b"srsltid", b"epik", b"ref_src",
)  # fmt: skip
"""Parameters that advertisers and mailers hang on any address: they say nothing about a route.

Named by Google Analytics' and Ads', Meta's, Microsoft's, Yandex's, X's, TikTok's, LinkedIn's, Pinterest's, Mailchimp's
and HubSpot's documentation of campaign links.
"""


class SlotKind(IntEnum):
    """What a slot counts."""

    SERVICE = 0
    ROUTE = 1
    QUERY = 2
    PARAMETER = 3


_OWNERS: Final = {
    SlotKind.SERVICE: None,
    SlotKind.ROUTE: SlotKind.SERVICE,
    SlotKind.QUERY: SlotKind.ROUTE,
    SlotKind.PARAMETER: SlotKind.ROUTE,
}
"""What a slot belongs to."""


class Feature(IntEnum):
    """What may be new: a column of the counts. Slots other than parameters have one only."""

    MEMBER = 0
    """A route of a service, a method of a route, a parameter of a query."""
    CLASSES = 0
    LENGTH = 1
    SHAPE = 2


class Chance(msgspec.Struct, frozen=True):
    """How likely something new is: the rule of succession over the trials that count.

    Attributes:
        new: How often something new came in them. trials: How many they are.
    """

    new: int
    trials: int

    @property
    def probability(self) -> float:
        """Laplace's estimate, (new + 1) / (trials + 2)."""
        return (self.new + 1) / (self.trials + 2)


class _State(msgspec.Struct, frozen=True):
    """All that `Profiles` knows, by slot."""

    version: int
    kinds: list[SlotKind]
    owners: list[int]
    names: list[bytes]
    trials: PackedArray
    new: PackedArray
    bits: PackedArray
    high: PackedArray
    full: PackedArray
    vouched: PackedArray
    shapes: list[tuple[int, list[bytes]]]
    overflowed: int


class Profiles:
    """Slots by what they are, bounded.

    Args:
        routes, parameters, services: Most of each at once: about 450 bytes each, and what their names take.

    Attributes:
        overflowed: How often something found no room.
        full: uint8, by slot: routes whose parameters are not told apart any more.
        vouched: uint8, by slot: whether a person has called its past normal.
        bits: int64, by slot: classes of bytes that a parameter's values held, or methods that a route was asked by.
        high: int32, by slot: the highest step of length of a parameter's values.
        shape_count: int32, by slot. shapes: int64, flat, `SHAPES` hashes by slot.
        keys, slots: Index of the parameters by the hash of their name and route.
    """

    def __init__(self, routes: int = 4_096, parameters: int = 16_384, services: int = 256) -> None:
        self._most_routes = routes
        self.capacity = services + 2 * routes + parameters
        self.secret = new_secret()
        self.classes = byte_classes()
        self._clear()

    def _clear(self) -> None:
        size = self.capacity
        self.used = 0
        self.overflowed = 0
        self._routes = 0
        self.trials = np.zeros((size, 3), dtype=np.int64)
        self.new = np.zeros((size, 3, 3), dtype=np.int64)
        self.bits = np.zeros(size, dtype=np.int64)
        self.high = np.full(size, -1, dtype=np.int32)
        self.full = np.zeros(size, dtype=np.uint8)
        self.vouched = np.zeros(size, dtype=np.uint8)
        self.shape_count = np.zeros(size, dtype=np.int32)
        self.shapes = np.zeros(size * SHAPES, dtype=np.int64)
        index = 1 << (2 * size - 1).bit_length()
        self.keys = np.zeros(index, dtype=np.int64)
        self.slots = np.zeros(index, dtype=np.int32)
        self.names: list[bytes] = []
        self.kinds: list[SlotKind] = []
        self.owners: list[int] = []
        self._places: dict[tuple[SlotKind, int, bytes], int] = {}
        self._shape_texts: dict[int, list[bytes]] = {}
        self._parameters: dict[int, int] = {}
        self._namesakes: dict[tuple[int, bytes], list[int]] = {}
        for name in TRACKING:
            # Any slot but none will do: the kernels only ask whether there is one.
            insert_slot(self.keys, self.slots, self._key(name, -1), 0)

    def find(self, kind: SlotKind, owner: int, name: bytes) -> int:
        """The slot of something, or `UNKNOWN`."""
        return self._places.get((kind, owner, name), UNKNOWN)

    def service_slot(self, name: bytes) -> int:
        """The slot of a service, or `UNKNOWN`."""
        return self.find(SlotKind.SERVICE, -1, name)

    def service(self, name: bytes) -> int:
        """The slot of a service, taking one if there is room."""
        found = self.find(SlotKind.SERVICE, -1, name)
        return found if found >= 0 else self._take(SlotKind.SERVICE, -1, name)

    def route(self, service: int, name: str) -> int:
        """The slot of a service's route, or `UNKNOWN`; that of its queries follows it."""
        return self.find(SlotKind.ROUTE, service, name.encode("utf-8", "surrogateescape"))

    def parameter(self, route: int, name: bytes) -> int:
        """The slot of a route's parameter, or `UNKNOWN`."""
        return self.find(SlotKind.PARAMETER, route, name)

    def add_route(self, service: int, name: bytes) -> int:
        """Take the two slots of a new route, its own and that of its queries; the first, or `UNKNOWN`."""
        if self.crowded:
            self.overflowed += 1
            return UNKNOWN
        self._routes += 1
        slot = self._take(SlotKind.ROUTE, service, name)
        self._take(SlotKind.QUERY, slot, name)
        return slot

    def add_parameter(self, route: int, name: bytes) -> int:
        """Take the slot of a route's new parameter; `UNKNOWN` if the route has too many."""
        if self.full[route]:
            return UNKNOWN
        if self._parameters.get(route, 0) >= NAMES_PER_ROUTE or self.used >= self.capacity:
            self.full[route] = 1
            self.overflowed += 1
            return UNKNOWN
        slot = self._take(SlotKind.PARAMETER, route, name)
        self._index(route, name, slot)
        return slot

    def is_tracking(self, name: bytes) -> bool:
        """Whether a parameter says nothing about a route."""
        return name in TRACKING

    def stands_anywhere(self, route: int, name: bytes) -> bool:
        """Whether a parameter of that name is common on some route of the same service."""
        namesakes = self._namesakes.get((self.owners[route], name), ())
        return any(self.trials[slot, 0] >= COMMON for slot in namesakes)

    @property
    def crowded(self) -> bool:
        """Whether there is no room for a route."""
        return self._routes >= self._most_routes or self.used + 2 > self.capacity

    def seen(self, slot: int) -> int:
        """Trials of a slot."""
        return int(self.trials[slot, 0])

    def chance(self, slot: int, feature: Feature) -> Chance:
        """How likely something new of a slot is."""
        trials, new = self.trials[slot], self.new[slot, feature]
        return Chance(int(new[0] - new[2]), int(trials[0] - trials[2]))

    def has_shape(self, slot: int, shape: bytes) -> bool:
        """Whether a parameter had values of a shape, or of too many shapes to tell."""
        kept = self._shape_texts.get(slot, [])
        return len(kept) >= SHAPES or shape in kept

    def shapes_of(self, slot: int) -> list[bytes]:
        """The shapes of a parameter's values, in the order in which they came."""
        return list(self._shape_texts.get(slot, ()))

    def learn_member(self, slot: int) -> None:
        """Count a new route, method or parameter of a slot."""
        self.new[slot, Feature.MEMBER, 0] += 1

    def learn_method(self, route: int, code: int) -> None:
        """Learn that a route is asked by a method."""
        if not self.bits[route] >> code & 1:
            self.new[route, Feature.MEMBER, 0] += 1
            self.bits[route] |= 1 << code

    def learn_classes(self, slot: int, bits: int) -> None:
        """Learn classes of bytes of a parameter; each new one counts."""
        fresh = bits & ~int(self.bits[slot])
        if fresh:
            self.new[slot, Feature.CLASSES, 0] += fresh.bit_count()
            self.bits[slot] |= fresh

    def learn_length(self, slot: int, step: int) -> None:
        """Learn a length; only a leap counts as new (`LEAP`)."""
        high = int(self.high[slot])
        if step >= high + LEAP and high >= 0:
            self.new[slot, Feature.LENGTH, 0] += 1
        self.high[slot] = max(high, step)

    def learn_shape(self, slot: int, shape: bytes) -> None:
        """Learn a shape."""
        if shape and not self.has_shape(slot, shape):
            self.new[slot, Feature.SHAPE, 0] += 1
            self._keep_shape(slot, shape)

    def advance(self, slots: NDArray[np.int32], counts: NDArray[np.int64]) -> None:
        """Count trials of distinct slots, after what was new in them.

        Whenever a slot's trials have doubled since it was last marked, the mark moves up and the mark before it
        becomes the beginning of what counts: always the latest half to three quarters of the trials.
        """
        self.trials[slots, 0] += counts
        due = slots[self.trials[slots, 0] >= 2 * self.trials[slots, 1]]
        if len(due):
            for column in (self.trials, self.new.swapaxes(1, 2)):
                column[due, 2] = column[due, 1]
                column[due, 1] = column[due, 0]

    def vouch(self) -> None:
        """Take all that is known for what a person has called normal."""
        self.vouched[: self.used] = 1

    def to_state(self) -> bytes:
        """All that is known, as bytes."""
        used = self.used
        return encode(
            _State(
                version=VERSION,
                kinds=self.kinds,
                owners=self.owners,
                names=self.names,
                trials=pack(self.trials[:used]),
                new=pack(self.new[:used]),
                bits=pack(self.bits[:used]),
                high=pack(self.high[:used]),
                full=pack(self.full[:used]),
                vouched=pack(self.vouched[:used]),
                shapes=list(self._shape_texts.items()),
                overflowed=self.overflowed,
            )
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged, of another version, or larger than this object's capacity; see
                `vedette.schema.state`.
        """
        what = "profiles"
        state = decode(content, _State, what)
        used = len(state.names)
        if state.version != VERSION:
            raise StateError(f"profiles have version {state.version}: this program reads version {VERSION}")
        if used > self.capacity:
            raise StateError(f"profiles of {used} slots: at most {self.capacity} fit")
        check(len(state.kinds) == len(state.owners) == used, what)
        for slot, (kind, owner) in enumerate(zip(state.kinds, state.owners, strict=True)):
            owned_by = _OWNERS[kind]
            check(
                owner == -1 if owned_by is None else 0 <= owner < slot and state.kinds[owner] is owned_by,
                what,
            )
        within([slot for slot, _ in state.shapes], 0, used, what)
        check(all(len(texts) <= SHAPES for _, texts in state.shapes), what)
        self._clear()
        for kind, owner, name in zip(state.kinds, state.owners, state.names, strict=True):
            slot = self._take(kind, owner, name)
            self._routes += kind is SlotKind.ROUTE
            if kind is SlotKind.PARAMETER:
                self._index(owner, name, slot)
        self.trials[:used] = unpack(state.trials, np.int64, (used, 3), what)
        self.new[:used] = unpack(state.new, np.int64, (used, 3, 3), what)
        self.bits[:used] = unpack(state.bits, np.int64, (used,), what)
        self.high[:used] = unpack(state.high, np.int32, (used,), what)
        self.full[:used] = unpack(state.full, np.uint8, (used,), what)
        self.vouched[:used] = unpack(state.vouched, np.uint8, (used,), what)
        for slot, texts in state.shapes:
            for text in texts:
                self._keep_shape(slot, text)
        self.overflowed = state.overflowed

    def _take(self, kind: SlotKind, owner: int, name: bytes) -> int:
        if self.used >= self.capacity:
            self.overflowed += 1
            return UNKNOWN
        slot = self.used
        self.used += 1
        self.names.append(name)
        self.kinds.append(kind)
        self.owners.append(owner)
        self._places[kind, owner, name] = slot
        return slot

    def _index(self, route: int, name: bytes, slot: int) -> None:
        self._parameters[route] = self._parameters.get(route, 0) + 1
        insert_slot(self.keys, self.slots, self._key(name, route), slot)
        self._namesakes.setdefault((self.owners[route], name), []).append(slot)

    def _keep_shape(self, slot: int, shape: bytes) -> None:
        texts = self._shape_texts.setdefault(slot, [])
        padded = np.frombuffer(shape + bytes(8), dtype=np.uint8)
        self.shapes[slot * SHAPES + len(texts)] = hash_of(padded, *self.secret)
        texts.append(shape)
        self.shape_count[slot] = len(texts)

    def _key(self, name: bytes, owner: int) -> int:
        scratch = np.frombuffer(bytearray(name + bytes(12)), dtype=np.uint8)
        return key_of(scratch[: len(name) + 4], owner, *self.secret)

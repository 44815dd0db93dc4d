"""Path segments that vary: told by how many values stand in one place, where their bytes do not tell it.

`/blog/why-we-moved` and `/blog/hello-world` look like pages of their own; the sixtieth such neighbour shows
that they are one route, `/blog/{}`. Each service has a tree of path segments; when one place has held more
than `values` distinct literals, it folds to `{}`, from then on and for good. Two things keep this from
swallowing the site's real pages: a literal with a fair share of its place's requests stays, and callers show
only routes that exist, so that a scanner's guesses teach nothing.
"""

from collections.abc import Iterable
from itertools import repeat
from typing import Final

import msgspec

from vedette.schema.state import check, decode, encode

OTHER_ROUTE = "(other)"
"""Routes that were never shown to exist, or found no room."""
FOLDED = "{}"

KEEP_SHARE = 32
"""When a place folds, a literal with at least one in so many of its requests stays."""
SERVICE_ENTRIES = 4_096
TOTAL_ENTRIES = 65_536
"""Tree entries of one service, and of all: about 200 bytes each."""

_FILE_KINDS = frozenset(
    """
    7z asp aspx avif bin bmp bz2 cfg cgi css csv deb dmg doc docx eot exe gif gz htm html ico iso jar jpeg jpg
    js json jsp jsx log map md mjs mov mp3 mp4 odt ogg otf pdf php pl png ppt pptx ps rar rpm rss svg swf tar
    tgz tiff ts ttf txt wasm wav webm webp woff woff2 xhtml xls xlsx xml xz yaml yml zip zst
    """.split()  # noqa: SIM905 - a list of eighty one-word lines is no easier to read
)


class Place(msgspec.Struct):
    """One node of a service's tree: what has stood after a path prefix.

    Attributes:
        requests: Requests that came through here.
        leaves: Last segments of routes, with their requests.
        branches: Segments that others follow.
        leaves_folded, branches_folded: Whether new literals are folded.
    """

    requests: int = 0
    leaves: dict[str, int] = {}
    branches: dict[str, "Place"] = {}
    leaves_folded: bool = False
    branches_folded: bool = False


class Way(msgspec.Struct):
    """A route's way down the tree: the places it passes, its last segment there, and the route as folded.

    Attributes:
        waiting: Requests that its places have not been told of yet.
    """

    places: tuple[Place, ...]
    leaf: str
    route: str
    waiting: int = 0

    def tell(self) -> None:
        """Tell its places of the requests that wait."""
        for place in self.places:
            place.requests += self.waiting
        leaves = self.places[-1].leaves
        leaves[self.leaf] = leaves.get(self.leaf, 0) + self.waiting
        self.waiting = 0


_ROOT: Final = -1


class _KeptPlace(msgspec.Struct, frozen=True, array_like=True):
    """A `Place` as a part of a state: its parent's number or `_ROOT`, and the service or segment that it stands for."""

    parent: int
    name: bytes
    requests: int
    leaves: list[tuple[bytes, int]]
    leaves_folded: bool
    branches_folded: bool


class _State(msgspec.Struct, frozen=True, array_like=True):
    """All that a `SlugLearner` knows: its places, each after its parent."""

    places: list[_KeptPlace]
    overflowed: int


class SlugLearner:
    """Learns which places of a service's paths vary, and folds routes accordingly.

    A pure function of the windows shown, in their order; the order inside one window makes no difference.

    Args:
        values: Distinct literals in one place beyond which it folds.
    """

    def __init__(self, values: int = 64) -> None:
        self._values = values
        self.overflowed = 0
        """How often a route found no room."""
        self._services: dict[str, Place] = {}
        self._sizes: dict[str, int] = {}
        self._total = 0
        # A cache only: the ways of routes that have a place, until one of the places folds.
        self._ways: dict[tuple[str, str], Way] = {}
        # Places are only looked at when a route is new: what comes before that waits.
        self._waiting: list[Way] = []
        self.generation = 0
        """Changes when ways that were handed out are no longer good."""

    def observe(self, routes: Iterable[tuple[str, str]], requests: Iterable[int] | None = None) -> None:
        """Learn from one closed window: the (service, route) of everything that exists.

        A route exists if anything but "no such thing" (404, 405, 410, a malformed request) was ever answered.

        Args:
            routes: Repeats add up.
            requests: Requests of each route in this window; without, each counts as one.
        """
        window: dict[tuple[str, str], int] = {}
        weights = repeat(1) if requests is None else requests
        for key, weight in zip(routes, weights, strict=False):
            way = self.way(*key)
            if way is not None:
                self.count(way, weight)
            elif key[1].startswith("/"):
                window[key] = window.get(key, 0) + weight
        if window:
            self._tell()
        touched: dict[str, dict[tuple[str, ...], Place]] = {}
        # The busiest first, so that where room runs out it is the rare ones that find none.
        for (service, route), weight in sorted(window.items(), key=lambda item: (-item[1], item[0])):
            self._insert(service, route, weight, touched.setdefault(service, {}))
        for service in sorted(touched):
            # The deepest places first: a place folds over children that have settled.
            places = sorted(touched[service].items(), key=lambda item: (-len(item[0]), item[0]))
            # Summed, not any(): every place must settle.
            if sum(self._settle(place) for _, place in places):
                self._resize(service, _entries(self._services[service]))
                self._forget_ways()

    def count(self, way: Way, requests: int) -> None:
        """Learn of requests on a way that is still good, of a window that `observe` is told the rest of."""
        if not way.waiting:
            self._waiting.append(way)
        way.waiting += requests

    def final(self, service: str, route: str) -> str:
        """The route as learned so far; `(other)` if it was never observed. Texts that are no path stay."""
        if not route.startswith("/"):
            return route
        way = self.way(service, route)
        return OTHER_ROUTE if way is None else way.route

    def to_state(self) -> bytes:
        """All that was learned, as bytes."""
        self._tell()
        kept: list[_KeptPlace] = []
        # Not recursive: paths are as deep as strangers like.
        waiting = [(_ROOT, name, place) for name, place in reversed(self._services.items())]
        while waiting:
            parent, name, place = waiting.pop()
            number = len(kept)
            leaves = [(_bytes(leaf), requests) for leaf, requests in place.leaves.items()]
            kept.append(
                _KeptPlace(
                    parent, _bytes(name), place.requests, leaves, place.leaves_folded, place.branches_folded
                )
            )
            waiting.extend((number, segment, child) for segment, child in reversed(place.branches.items()))
        return encode(_State(kept, self.overflowed))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged, or more than there is room for; see `vedette.schema.state`.
        """
        what = "learned routes"
        state = decode(content, _State, what)
        check(len(state.places) + sum(len(kept.leaves) for kept in state.places) <= 2 * TOTAL_ENTRIES, what)
        services: dict[str, Place] = {}
        places: list[Place] = []
        for number, kept in enumerate(state.places):
            check(_ROOT <= kept.parent < number, what)
            siblings = services if kept.parent == _ROOT else places[kept.parent].branches
            place = Place(
                kept.requests,
                {_text(leaf): requests for leaf, requests in kept.leaves},
                {},
                kept.leaves_folded,
                kept.branches_folded,
            )
            check(_text(kept.name) not in siblings, what)
            siblings[_text(kept.name)] = place
            places.append(place)
        self._services, self.overflowed = services, state.overflowed
        self._waiting.clear()
        self._forget_ways()
        self._sizes = {service: _entries(place) for service, place in services.items()}
        self._total = sum(self._sizes.values())

    def way(self, service: str, route: str) -> Way | None:
        """Where a route's requests are counted; None if it has no place yet, or is no path."""
        way = self._ways.get((service, route))
        if way is None and route.startswith("/"):
            place = self._services.get(service)
            folded, leaf, missing = _follow(place, route)
            if place is not None and not missing:
                places = [place]
                for segment in folded:
                    places.append(places[-1].branches[segment])
                way = Way(tuple(places), leaf, "/" + "/".join([*folded, leaf]))
                if len(self._ways) >= TOTAL_ENTRIES:
                    self._forget_ways()
                self._ways[service, route] = way
        return way

    def _tell(self) -> None:
        """Tell places of all that waits."""
        for way in self._waiting:
            way.tell()
        self._waiting.clear()

    def _forget_ways(self) -> None:
        self._tell()
        self._ways.clear()
        self.generation += 1

    def _insert(self, service: str, route: str, requests: int, touched: dict[tuple[str, ...], Place]) -> None:
        folded, leaf, missing = _follow(self._services.get(service), route)
        if not self._take_room(service, missing):
            return
        place = self._services.setdefault(service, Place())
        for depth, segment in enumerate(folded):
            place.requests += requests
            touched[tuple(folded[:depth])] = place
            place = place.branches.setdefault(segment, Place())
        place.requests += requests
        touched[tuple(folded)] = place
        place.leaves[leaf] = place.leaves.get(leaf, 0) + requests

    def _take_room(self, service: str, entries: int) -> bool:
        size = self._sizes.get(service, 0)
        if size + entries > SERVICE_ENTRIES or self._total + entries > TOTAL_ENTRIES:
            self.overflowed += 1
            return False
        self._resize(service, size + entries)
        return True

    def _resize(self, service: str, entries: int) -> None:
        self._total += entries - self._sizes.get(service, 0)
        self._sizes[service] = entries

    def _settle(self, place: Place) -> bool:
        """Fold a place if it holds too many literals; returns whether it did."""
        did = False
        if not place.leaves_folded and sum(not _is_folded(s) for s in place.leaves) > self._values:
            place.leaves_folded = did = True
            self._fold_leaves(place)
        if not place.branches_folded and len(place.branches) - (FOLDED in place.branches) > self._values:
            place.branches_folded = did = True
            self._fold_branches(place)
        return did

    def _fold_leaves(self, place: Place) -> None:
        total = sum(place.leaves.values())
        kept: dict[str, int] = {}
        for segment, requests in place.leaves.items():
            if requests * KEEP_SHARE < total:
                segment = _fold_leaf(segment)
            kept[segment] = kept.get(segment, 0) + requests
        place.leaves = kept

    def _fold_branches(self, place: Place) -> None:
        total = sum(child.requests for child in place.branches.values())
        folded = place.branches.get(FOLDED) or Place()
        kept: dict[str, Place] = {}
        for segment, child in sorted(place.branches.items()):
            if segment == FOLDED:
                continue
            if child.requests * KEEP_SHARE >= total:
                kept[segment] = child
            else:
                self._merge(folded, child)
        place.branches = {**kept, FOLDED: folded}

    def _merge(self, into: Place, other: Place) -> None:
        into.requests += other.requests
        for segment, requests in other.leaves.items():
            into.leaves[segment] = into.leaves.get(segment, 0) + requests
        for segment, child in other.branches.items():
            known = into.branches.get(segment)
            if known is None:
                into.branches[segment] = child
            else:
                self._merge(known, child)
        # What one of the two had folded is folded in both.
        if into.leaves_folded or other.leaves_folded:
            into.leaves_folded = True
            self._fold_leaves(into)
        if into.branches_folded or other.branches_folded:
            into.branches_folded = True
            self._fold_branches(into)
        self._settle(into)


def _follow(place: Place | None, route: str) -> tuple[list[str], str, int]:
    """Fold a route's segments where their places are folded, and count the entries it would add."""
    *branches, leaf = route[1:].split("/")
    folded = []
    missing = int(place is None)
    for segment in branches:
        if place is not None:
            if segment not in place.branches and place.branches_folded:
                segment = FOLDED
            place = place.branches.get(segment)
        missing += place is None
        folded.append(segment)
    if place is not None and leaf not in place.leaves and place.leaves_folded:
        leaf = _fold_leaf(leaf)
        # The literal may be the first of its kind of file: it is known all the same.
        return folded, leaf, 0
    missing += place is None or leaf not in place.leaves
    return folded, leaf, missing


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _is_folded(segment: str) -> bool:
    return segment == FOLDED or (segment.startswith("{}.") and segment[3:].lower() in _FILE_KINDS)


def _fold_leaf(segment: str) -> str:
    """`{}`, with the ending of a usual kind of file."""
    _, point, ending = segment.rpartition(".")
    return f"{FOLDED}.{ending}" if point and ending.lower() in _FILE_KINDS else FOLDED


def _entries(place: Place) -> int:
    entries = 0
    waiting = [place]
    while waiting:
        place = waiting.pop()
        entries += 1 + len(place.leaves)
        waiting.extend(place.branches.values())
    return entries

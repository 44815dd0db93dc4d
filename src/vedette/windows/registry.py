"""Numbers for services and their routes, bounded."""

import hashlib
import re
from collections.abc import Collection
from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.state import check, decode, encode
from vedette.windows.layout import BITMAP_BITS

OTHER_ROUTE = "(other)"

_ASSET = re.compile(
    r"\.(?:css|js|mjs|map|png|jpe?g|gif|svg|webp|avif|ico|bmp"
    r"|woff2?|ttf|otf|eot|mp4|webm|mp3"
    # What a player fetches on and on: segments, their lists, and what is said in them.
    r"|ts|m4[asv]|m2ts|cmf[atv]|aac|ogg|oga|ogv|opus|m3u8|mpd|vtt)$",
    re.IGNORECASE,
)
_LOGIN = re.compile(
    r"(?:^|[/._-])(?:log[_-]?in|log[_-]?on|sign[_-]?in|auth|authenticate|oauth2?|token|session|sessions|wp-login\.php"
    r"|xmlrpc\.php|j_security_check|passwd|password|2fa|otp|mfa)(?:$|[/._-])",
    re.IGNORECASE,
)


@lru_cache(maxsize=1 << 12)  # the same routes are asked about in each window
def is_asset(route: str) -> bool:
    """Whether a route serves static files."""
    return _ASSET.search(route) is not None


def is_login(route: str) -> bool:
    """Whether a route, by its name, takes credentials."""
    return _LOGIN.search(route) is not None


class RouteEntry(msgspec.Struct, frozen=True):
    """A service (`route` None) or one of its routes."""

    service: int
    route: str | None


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What a `RouteRegistry` holds: service number and route of each number, None of free ones."""

    entries: list[tuple[int, str | None] | None]
    free: list[int]
    overflowed: int


class RouteRegistry:
    """Stable numbers for (service, route); a service itself is the pair (service, None).

    At most `cap` numbers live at once. When half are taken, those that no open window uses are freed;
    when that does not help, further routes count as the service's `(other)`, and `overflowed` counts them.
    """

    def __init__(self, cap: int, login_routes: Collection[str] = ()) -> None:
        """Open an empty registry.

        Args:
            cap: Most numbers at once.
            login_routes: Routes that take credentials though their names do not say so.
        """
        self.cap = cap
        self._login_routes = frozenset(login_routes)
        self.overflowed = 0
        self.entries: list[RouteEntry | None] = []
        self._numbers: dict[tuple[int, str | None], int] = {}
        self._free: list[int] = []
        self.asset = np.zeros(64, dtype=np.uint8)
        self.login = np.zeros(64, dtype=np.uint8)
        self.bit = np.zeros(64, dtype=np.uint8)

    def number(self, service: int, route: str | None) -> int:
        """The number of a service's route, taking a new one if there is room."""
        known = self._numbers.get((service, route))
        if known is not None:
            return known
        # The services and their "(other)" always find room: their number is bounded where services are named.
        if route is not None and route != OTHER_ROUTE and len(self._numbers) >= self.cap:
            self.overflowed += 1
            return self.number(service, OTHER_ROUTE)
        number = self._free.pop() if self._free else len(self.entries)
        if number == len(self.entries):
            self.entries.append(None)
        self._describe(number, RouteEntry(service, route))
        return number

    def _describe(self, number: int, entry: RouteEntry) -> None:
        """Give a number to a route."""
        while number >= len(self.asset):
            for name in ("asset", "login", "bit"):
                old: NDArray[np.uint8] = getattr(self, name)
                setattr(self, name, np.concatenate([old, np.zeros_like(old)]))
        route = entry.route
        self.entries[number] = entry
        self._numbers[entry.service, route] = number
        text = route or ""
        self.asset[number] = is_asset(text)
        self.login[number] = is_login(text) or text in self._login_routes
        # Not keyed: the same log must give the same counts in every process.
        digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=4).digest()
        self.bit[number] = int.from_bytes(digest, "little") % BITMAP_BITS

    def __getitem__(self, number: int) -> RouteEntry:
        entry = self.entries[number]
        if entry is None:
            raise KeyError(f"route number {number} has been freed")
        return entry

    @property
    def crowded(self) -> bool:
        """Whether it is time to free numbers."""
        return len(self._numbers) > self.cap // 2

    def keep_only(self, in_use: set[int]) -> None:
        """Free the numbers of routes that no open window uses."""
        for (service, route), number in list(self._numbers.items()):
            if route is not None and number not in in_use:
                del self._numbers[service, route]
                self.entries[number] = None
                self._free.append(number)
        # Freed numbers are handed out in a fixed order, so that a replay numbers alike.
        self._free.sort(reverse=True)

    def to_state(self) -> bytes:
        """All numbers, as bytes."""
        entries = [None if e is None else (e.service, e.route) for e in self.entries]
        return encode(_State(entries, self._free, self.overflowed))

    def from_state(self, content: bytes, services: int) -> None:
        """Take the numbers of a `to_state` into an empty registry.

        Args:
            content: From `to_state`. services: How many services there are.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        state = decode(content, _State, "registry of routes")
        free = {number for number, entry in enumerate(state.entries) if entry is None}
        check(sorted(free) == sorted(state.free) and state.overflowed >= 0, "registry of routes")
        self.entries = [None] * len(state.entries)
        for number, entry in enumerate(state.entries):
            if entry is not None:
                check(0 <= entry[0] < services and entry not in self._numbers, "registry of routes")
                self._describe(number, RouteEntry(*entry))
        self._free, self.overflowed = state.free, state.overflowed

"""What a route is: how its targets look, and how it answers."""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Final

import msgspec
import numpy as np

from vedette.simulate import words
from vedette.simulate.draws import Ints, mix
from vedette.simulate.rows import GET

Parameter = Callable[[Ints], list[bytes]]
"""Turns the `arg` of each request into the text of one parameter."""

ITEM_BITS: Final = 16
"""The low bits of `arg` number the popular thing asked for; the others are chance."""


def item(args: Ints) -> Ints:
    """Which of the route's things each request asks for; 0 is the most popular."""
    return args & ((1 << ITEM_BITS) - 1)


def chance(args: Ints) -> Ints:
    """The part of `arg` that differs between requests for the same thing."""
    return args >> ITEM_BITS


def number(args: Ints) -> list[bytes]:
    """A numeric id."""
    return [b"%d" % n for n in ((item(args) * 7919 + 1003) % 89_989 + 1000).tolist()]


def user_number(args: Ints) -> list[bytes]:
    """A numeric id out of many, one per person."""
    return [b"%d" % n for n in (chance(args) % 400_000 + 100_000).tolist()]


def uuid(args: Ints) -> list[bytes]:
    """A random (version 4) UUID."""
    high, low = mix(args, 11).tolist(), mix(args, 12).tolist()
    return [
        b"%08x-%04x-4%03x-%04x-%012x"
        % (h >> 32, h >> 16 & 0xFFFF, h & 0xFFF, low >> 48 & 0x3FFF | 0x8000, low & 0xFFFF_FFFF_FFFF)
        for h, low in zip(high, low, strict=True)
    ]


def content_hash(args: Ints) -> list[bytes]:
    """The hash that a build puts into a static file's name."""
    return [b"%08x" % (h >> 32) for h in mix(item(args), 13).tolist()]


def one_of(texts: Sequence[str | bytes], *, popular: bool = True) -> Parameter:
    """A text out of a list, by the thing asked for or by chance."""
    choices = [t if isinstance(t, bytes) else t.encode() for t in texts]

    def parameter(args: Ints) -> list[bytes]:
        index = (item(args) if popular else chance(args)) % len(choices)
        return [choices[i] for i in index.tolist()]

    return parameter


def product_slug(args: Ints) -> list[bytes]:
    """A product's words and number: `blue-wool-scarf-1042`."""
    things, colours, materials = len(words.THINGS), len(words.COLOURS), len(words.MATERIALS)
    spread = mix(item(args), 14)
    names = [
        "-".join(
            (
                words.COLOURS[n % colours],
                words.MATERIALS[n // 16 % materials],
                words.THINGS[n // 256 % things],
            )
        ).encode()
        for n in spread.tolist()
    ]
    return [b"%b-%d" % pair for pair in zip(names, (item(args) + 1001).tolist(), strict=True)]


def page_number(args: Ints) -> list[bytes]:
    """1, and sometimes a little more."""
    texts = (b"1", b"1", b"1", b"1", b"2", b"2", b"3", b"4")
    return [texts[i] for i in (chance(args) >> 8 & 7).tolist()]


class Kind(IntEnum):
    """What a route serves, as far as traffic is concerned."""

    PAGE = 0
    """HTML that brings assets with it."""
    ACTION = 1
    """A form's target; answers with a redirect."""
    CALL = 2
    """An API call."""
    ASSET = 3
    PROBE = 4
    MISSING = 5
    """Something browsers and old links ask for that was never there."""


Mix = tuple[tuple[int, float], ...]
"""Status codes and their weights."""

_PAGE: Final[Mix] = ((200, 97.3), (301, 0.6), (304, 0.7), (404, 1.2), (500, 0.12), (503, 0.08))
_ASSET: Final[Mix] = ((200, 99.3), (304, 0.3), (404, 0.35), (500, 0.02), (503, 0.03))
_CALL: Final[Mix] = ((200, 96.3), (400, 0.9), (401, 0.7), (404, 1.7), (500, 0.25), (503, 0.15))
STATUSES: Final[dict[Kind, Mix]] = {
    Kind.PAGE: _PAGE,
    Kind.ACTION: ((302, 97.0), (422, 2.7), (500, 0.2), (503, 0.1)),
    Kind.CALL: _CALL,
    Kind.ASSET: _ASSET,
    Kind.PROBE: ((200, 1.0),),
    Kind.MISSING: ((404, 1.0),),
}


class Route(msgspec.Struct, frozen=True):
    """One route of the simulated site.

    Attributes:
        pattern: The path with its variable parts folded, as labels name it.
        template: The target, `%b` for each parameter.
        parameters: One per `%b`.
        group: Which service of a split site answers it.
        latency: Median seconds when nothing is busy; `latency_spread` is the lognormal's sigma.
        size: Median response bytes; `size_spread` is the lognormal's sigma, mostly between things, little
            between two requests for the same thing.
        things: How many things there are to ask for; their popularity is Zipf's.
    """

    pattern: str
    template: bytes
    group: str
    kind: Kind
    latency: float
    size: int
    parameters: tuple[Parameter, ...] = ()
    method: int = GET
    latency_spread: float = 0.5
    size_spread: float = 0.3
    things: int = 1
    statuses: Mix | None = None
    bytes_in: int = 0

    def targets(self, args: Ints) -> list[bytes]:
        """Path and query of each request."""
        if not self.parameters:
            return [self.template] * len(args)
        texts = [p(args) for p in self.parameters]
        if len(texts) == 1:
            return [self.template % text for text in texts[0]]
        return list(map(self.template.__mod__, zip(*texts, strict=True)))

    def answer_mix(self) -> Mix:
        """Status codes and their weights."""
        return STATUSES[self.kind] if self.statuses is None else self.statuses


def table(
    routes: Sequence[Route], field: Callable[[Route], float]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """One number of every route, to be indexed by route number."""
    return np.array([field(r) for r in routes], dtype=np.float64)

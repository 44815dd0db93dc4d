"""What is known about any fitted model, and what one must be able to do."""

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from vedette.schema.errors import VedetteError

LARGE: Final = 1e100
"""No number of a card is further from 0: what is computed with those that are not stays finite."""
_MOST: Final = 2**62
"""Microseconds and counts, which are kept as 64 bits."""
_SHORTEST: Final = 1e-6
_LONGEST: Final = 60 * 24 * 366.0
"""Minutes of a window."""


class ModelError(VedetteError):
    """Bytes that are no model, or not one that this program can use."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What every model's card tells; each member's own tells more.

    Attributes:
        service: Whose clients. minutes: Length of a window.
        start, end: Event time of the rows it was fitted to, microseconds UTC. rows, sessions: How many.
        seed: Of the fit. versions: Of the libraries that fitted it.
    """

    service: str
    minutes: float
    start: int
    end: int
    rows: int
    sessions: int
    seed: int
    versions: dict[str, str]

    def refuse(self) -> None:
        """Refuse what no model's card can say; each member's own adds what it must not.

        Raises:
            ModelError: With the first such thing.
        """
        within("minutes", self.minutes, _SHORTEST, _LONGEST)
        for name in ("rows", "sessions", "seed"):
            within(name, getattr(self, name), 0, _MOST)
        within("start", self.start, -_MOST, self.end)
        within("end", self.end, self.start, _MOST)


def within(name: str, value: float, low: float, high: float) -> None:
    """Refuse a number of a card that is not from `low` to `high`; NaN is not. Raises `ModelError`."""
    if not low <= value <= high:
        raise ModelError(f"its card has {name} = {value:.6g}: must be from {low:.6g} to {high:.6g}")


def finite(name: str, values: Sequence[float]) -> None:
    """Refuse numbers of a card that are not finite, or beyond all that is computed with. Raises `ModelError`."""
    for number, value in enumerate(values):
        within(f"{name}[{number}]", value, -LARGE, LARGE)


class Model(Protocol):
    """A fitted model of one service."""

    @property
    def card(self) -> Card:
        """What it rests on."""
        ...

    def to_bytes(self) -> bytes:
        """As its member's `read` takes it: data, never code. Equal models give equal bytes."""
        ...

    def summary(self) -> str:
        """What it rests on and how its own check went, in half a sentence."""
        ...

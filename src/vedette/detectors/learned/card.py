"""What is known about any fitted model, and what one must be able to do."""

from typing import Protocol

import msgspec

from vedette.schema.errors import VedetteError


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

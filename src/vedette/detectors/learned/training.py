"""What training takes and gives, whatever the model."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from vedette.detectors.learned.card import Model
from vedette.detectors.learned.own_feature import OwnFeature


class Job(msgspec.Struct, frozen=True):
    """What a model is to be fitted to.

    Attributes:
        member: Which model; see `vedette.detectors.learned.kinds`. service: Whose.
        sample: What it is fitted to, in the member's own form. span: Length of a window, microseconds.
        features: That a user added, for models that look at features of clients.
        running: The model at work, as bytes, beside which the new one is to be held; None if there is none.
    """

    member: str
    service: str
    sample: bytes
    span: int
    seed: int
    running: bytes | None = None
    features: tuple[OwnFeature, ...] = ()


class Refused(msgspec.Struct, frozen=True):
    """Why there is no model."""

    reason: str


class Training(Protocol):
    """A model being fitted."""

    def result(self) -> Model | Refused:
        """The model; waits for it."""
        ...


Trainer = Callable[[Job], Training]


class Done(msgspec.Struct, frozen=True):
    """A training that has ended."""

    outcome: Model | Refused

    def result(self) -> Model | Refused:
        """What came of it."""
        return self.outcome

"""How the models of one member come to be: fitted on the way, given, or as a record tells."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from vedette.detectors.learned.card import Model
from vedette.detectors.learned.own_feature import OwnFeature
from vedette.detectors.learned.training import Trainer
from vedette.schema.learned import ModelUse

Keep = Callable[[str, str, bytes], None]
"""Told of a model that is put to work: member, service, and its bytes."""


def keep_nothing(member: str, service: str, content: bytes) -> None:
    """Where models are not kept."""


class Recorded(msgspec.Struct, frozen=True):
    """A model that was at work once.

    Attributes:
        use: From when. model: None if it is no longer kept.
    """

    use: ModelUse
    model: Model | None


class Plan(msgspec.Struct, frozen=True):
    """How models come to be.

    Attributes:
        span: Length of a window, microseconds. trainer: Fits. warmup: Requests; None by traffic.
        retrain: Windows after which a model is fitted anew; None for never, whatever changes.
        features: That a user added, for members that look at features of clients.
        keep: Told of models that are put to work.
        given: By service, to judge by from the beginning; after a restart, if they have not been at work before.
        asked: By service, to go back to; one that is at work already stays.
        record: By service, what was at work from when. None where models are fitted; else none is.
    """

    span: int
    trainer: Trainer
    warmup: int | None = None
    retrain: int | None = None
    features: tuple[OwnFeature, ...] = ()
    keep: Keep = keep_nothing
    given: Mapping[str, Model] = msgspec.field(default_factory=dict)
    asked: Mapping[str, Model] = msgspec.field(default_factory=dict)
    record: Mapping[str, Sequence[Recorded]] | None = None

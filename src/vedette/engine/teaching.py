"""Who fits the models of an engine, where they are kept, and what was at work before."""

from collections.abc import Callable, Mapping

import msgspec

from vedette.detectors.learned.card import Model
from vedette.detectors.learned.kinds import train_here
from vedette.detectors.learned.plan import Keep, keep_nothing
from vedette.detectors.learned.training import Trainer
from vedette.engine.model_record import Record


def _nothing_asked(member: str, span_us: int) -> Mapping[str, Model]:  # noqa: ARG001 - the shape of those that ask
    return {}


class Teaching(msgspec.Struct, frozen=True):
    """How an engine comes to its models.

    Attributes:
        trainer: Fits; in this process unless told otherwise. keep: Told of models that are put to work.
        asked: A member's models by service that somebody went back to; takes the length of a window, microseconds.
        record: What was at work from when, to be followed instead of fitting.
    """

    trainer: Trainer = train_here
    keep: Keep = keep_nothing
    asked: Callable[[str, int], Mapping[str, Model]] = _nothing_asked
    record: Record | None = None

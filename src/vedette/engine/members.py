"""The learned members of the ensemble, as configured. All of them are listed here."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from vedette.config.learned import MemberName
from vedette.config.tree import Config
from vedette.detectors.learned.card import Model
from vedette.detectors.learned.clients import ClientBehaviour
from vedette.detectors.learned.ddos import LearnedFloods
from vedette.detectors.learned.flood_model import EVERY_SERVICE, FloodModel, shipped_model
from vedette.detectors.learned.member import Member
from vedette.detectors.learned.model import ClientModel
from vedette.detectors.learned.training import Trainer
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.engine.model_files import load_models

M = TypeVar("M", bound=Model)
_Made = Callable[[Config, Thresholds, Trainer, Mapping[str, Model]], Member]


def learned_members(config: Config, thresholds: Thresholds, trainer: Trainer) -> list[Member]:
    """The members that the configuration names, in the order of `MEMBERS`.

    Raises:
        ModelFileError: A model that is to be put to work is damaged, or does not fit.
    """
    learned = config.learned
    if not learned.enabled:
        return []
    span = config.windows.span_s * 1_000_000
    directory = Path(learned.models) if learned.models else None
    found = []
    for name, make in MEMBERS.items():
        if name in learned.members:
            given = load_models(directory, name.value, span) if directory is not None else {}
            found.append(make(config, thresholds, trainer, given))
    return found


def _forest(
    config: Config, thresholds: Thresholds, trainer: Trainer, given: Mapping[str, Model]
) -> ClientBehaviour:
    return ClientBehaviour(
        thresholds,
        trainer,
        span=config.windows.span_s * 1_000_000,
        warmup=_warmup(config),
        retrain=_retrain(config),
        models=_of(ClientModel, given),
    )


def _ddos(
    config: Config,  # noqa: ARG001 - nothing of it matters
    thresholds: Thresholds,
    trainer: Trainer,  # noqa: ARG001 - labelled windows are needed
    given: Mapping[str, Model],
) -> LearnedFloods:
    own = _of(FloodModel, given).get(EVERY_SERVICE)
    return LearnedFloods(thresholds, shipped_model() if own is None else own)


def _of(type_: type[M], given: Mapping[str, Model]) -> dict[str, M]:
    """Models of one type; those of a member's directory are all of its own."""
    return {service: model for service, model in given.items() if isinstance(model, type_)}


def _warmup(config: Config) -> int | None:
    """Requests of a warm-up; None by traffic."""
    return None if isinstance(config.learned.warmup, str) else config.learned.warmup


def _retrain(config: Config) -> int | None:
    """Windows after which models are fitted anew; None for never."""
    days = config.learned.retrain_days
    return None if days == 0 else days * 86_400 // config.windows.span_s


MEMBERS: Final[Mapping[MemberName, _Made]] = {MemberName.FOREST: _forest, MemberName.DDOS: _ddos}
"""How each is made, in the order in which they look."""

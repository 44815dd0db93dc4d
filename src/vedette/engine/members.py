"""The learned members of the ensemble, as configured. All of them are listed here."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeVar

from vedette.config.learned import MemberName
from vedette.config.tree import Config
from vedette.detectors.learned.absent import Absent
from vedette.detectors.learned.card import Model
from vedette.detectors.learned.clients import ClientBehaviour
from vedette.detectors.learned.ddos import LearnedFloods
from vedette.detectors.learned.flood_model import EVERY_SERVICE, FloodModel, shipped_model
from vedette.detectors.learned.member import Member
from vedette.detectors.learned.model import ClientModel
from vedette.detectors.learned.sequence_model import SequenceModel
from vedette.detectors.learned.sequences import ClientSequences
from vedette.detectors.learned.trails import Trails
from vedette.detectors.learned.training import Trainer
from vedette.detectors.learned.unusual_values import RESPONSE_TIMES, STATUSES, UnusualValues, ValueKind
from vedette.detectors.learned.value_model import ValueModel
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.engine.model_files import load_models

M = TypeVar("M", bound=Model)
_Made = Callable[[Config, Thresholds, Trainer, "Trails | None", Mapping[str, Model]], Member]


def learned_members(
    config: Config, thresholds: Thresholds, trainer: Trainer, trails: Trails | None
) -> list[Member]:
    """The members that the configuration names, in the order of `MEMBERS`.

    Raises:
        ModelFileError: A model that is to be put to work is damaged, or does not fit.
    """
    learned = config.learned
    if not learned.enabled:
        return []
    span = config.windows.span_s * 1_000_000
    directory = Path(learned.models) if learned.models else None
    found: list[Member] = []
    for name, make in MEMBERS.items():
        if name in learned.members:
            missing = missing_libraries(name)
            if missing:
                found.append(Absent(name.value, missing))
                continue
            given = load_models(directory, name.value, span) if directory is not None else {}
            found.append(make(config, thresholds, trainer, trails, given))
    return found


def request_trails(config: Config) -> Trails | None:
    """What remembers clients' requests, if a member looks at them."""
    wanted = config.learned.enabled and MemberName.TRANSFORMER in config.learned.members
    return Trails() if wanted and not missing_libraries(MemberName.TRANSFORMER) else None


def missing_libraries(name: MemberName) -> tuple[str, ...]:
    """Libraries that a member needs and that are not installed."""
    return tuple(library for library in _NEEDED.get(name, ()) if find_spec(library) is None)


def _forest(
    config: Config,
    thresholds: Thresholds,
    trainer: Trainer,
    trails: Trails | None,  # noqa: ARG001 - windows tell it enough
    given: Mapping[str, Model],
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
    trails: Trails | None,  # noqa: ARG001 - windows tell it enough
    given: Mapping[str, Model],
) -> LearnedFloods:
    own = _of(FloodModel, given).get(EVERY_SERVICE)
    return LearnedFloods(thresholds, shipped_model() if own is None else own)


def _transformer(
    config: Config,
    thresholds: Thresholds,
    trainer: Trainer,
    trails: Trails | None,
    given: Mapping[str, Model],
) -> ClientSequences:
    return ClientSequences(
        thresholds,
        trainer,
        # An engine that follows another one which remembers nothing has nothing to look at.
        trails or Trails(),
        span=config.windows.span_s * 1_000_000,
        warmup=_warmup(config),
        retrain=_retrain(config),
        models=_of(SequenceModel, given),
    )


def _values(kind: ValueKind) -> _Made:
    def made(
        config: Config,
        thresholds: Thresholds,
        trainer: Trainer,
        trails: Trails | None,  # noqa: ARG001 - windows tell it enough
        given: Mapping[str, Model],
    ) -> UnusualValues:
        return UnusualValues(
            kind,
            thresholds,
            trainer,
            span=config.windows.span_s * 1_000_000,
            warmup=_warmup(config),
            retrain=_retrain(config),
            models=_of(ValueModel, given),
        )

    return made


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


MEMBERS: Final[Mapping[MemberName, _Made]] = {
    MemberName.FOREST: _forest,
    MemberName.DDOS: _ddos,
    MemberName.TRANSFORMER: _transformer,
    MemberName.RESPONSE_TIME: _values(RESPONSE_TIMES),
    MemberName.STATUS_CODE: _values(STATUSES),
}
"""How each is made, in the order in which they look."""
_NEEDED: Final[Mapping[MemberName, tuple[str, ...]]] = {
    MemberName.TRANSFORMER: ("torch", "onnx", "onnxruntime")
}
"""Libraries beyond those that Vedette always has, by their module."""

"""The learned members of the ensemble, as configured. All of them are listed here."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vedette.config.learned import MemberName
from vedette.config.tree import Config
from vedette.detectors.learned.absent import Absent
from vedette.detectors.learned.clients import ClientBehaviour
from vedette.detectors.learned.ddos import LearnedFloods
from vedette.detectors.learned.features import FeatureError
from vedette.detectors.learned.flood_model import EVERY_SERVICE, FloodModel, shipped_model
from vedette.detectors.learned.member import Member
from vedette.detectors.learned.member_names import FOREST, OUTLIERS
from vedette.detectors.learned.own_feature import OwnFeature
from vedette.detectors.learned.own_features import all_features
from vedette.detectors.learned.plan import Plan
from vedette.detectors.learned.trails import Trails
from vedette.detectors.learned.unusual_values import RESPONSE_TIMES, STATUSES, UnusualValues, ValueKind
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.engine.model_files import load_models
from vedette.engine.teaching import Teaching

# Members that are off unless asked for are imported when they are.
if TYPE_CHECKING:
    from vedette.detectors.learned.order_model import OrderModel
    from vedette.detectors.learned.sequences import ClientSequences

_Made = Callable[[Thresholds, Plan, "Trails | None"], Member]


def learned_members(
    config: Config, thresholds: Thresholds, teaching: Teaching, trails: Trails | None
) -> list[Member]:
    """The members that the configuration names, in the order of `MEMBERS`; then those of PyOD.

    Raises:
        ModelFileError: A model that is to be put to work is damaged, or does not fit.
    """
    if not config.learned.enabled:
        return []
    found: list[Member] = []
    for name, make in MEMBERS.items():
        if name in config.learned.members:
            missing = missing_libraries(name)
            if missing:
                found.append(Absent(name.value, missing, name.value))
                continue
            found.append(make(thresholds, _plan(config, teaching, name.value), trails))
    for extra in dict.fromkeys(config.learned.extra):
        from vedette.detectors.learned.outlier_model import LIBRARY, OutlierModel

        if find_spec(LIBRARY) is None:
            found.append(Absent(extra.value, (LIBRARY,), LIBRARY))
        else:
            plan = _plan(config, teaching, extra.value)
            found.append(ClientBehaviour(thresholds, plan, extra.value, OutlierModel))
    return found


def _plan(config: Config, teaching: Teaching, member: str) -> Plan:
    """How a member's models come to be."""
    learned, span = config.learned, config.windows.span_s * 1_000_000
    return Plan(
        span=span,
        trainer=teaching.trainer,
        warmup=None if isinstance(learned.warmup, str) else learned.warmup,
        retrain=_retrain(config),
        features=_features(config) if member == FOREST or member in OUTLIERS else (),
        keep=teaching.keep,
        given=load_models(Path(learned.models), member, span) if learned.models else {},
        asked=teaching.asked(member, span),
        record=None if teaching.record is None else teaching.record.of(member, span),
    )


def request_trails(config: Config) -> Trails | None:
    """What remembers clients' requests, if a member looks at them."""
    wanted = [name for name in _BY_ORDER if config.learned.enabled and name in config.learned.members]
    return Trails() if any(not missing_libraries(name) for name in wanted) else None


def missing_libraries(name: MemberName) -> tuple[str, ...]:
    """Libraries that a member needs and that are not installed."""
    return tuple(library for library in _NEEDED.get(name, ()) if find_spec(library) is None)


def _features(config: Config) -> tuple[OwnFeature, ...]:
    own = tuple(OwnFeature(f.name, f.unit.value, f.doc, f.expression) for f in config.learned.features)
    try:
        all_features(own)
    except FeatureError as error:
        raise FeatureError(f"learned.features: {error}") from None
    return own


def _forest(
    thresholds: Thresholds,
    plan: Plan,
    trails: Trails | None,  # noqa: ARG001 - windows tell it enough
) -> ClientBehaviour:
    return ClientBehaviour(thresholds, plan)


def _ddos(
    thresholds: Thresholds,
    plan: Plan,
    trails: Trails | None,  # noqa: ARG001 - windows tell it enough
) -> LearnedFloods:
    own = plan.given.get(EVERY_SERVICE)
    return LearnedFloods(thresholds, own if isinstance(own, FloodModel) else shipped_model())


def _pair_model() -> type["OrderModel"]:
    from vedette.detectors.learned.pair_model import PairModel

    return PairModel


def _sequence_model() -> type["OrderModel"]:
    from vedette.detectors.learned.sequence_model import SequenceModel

    return SequenceModel


def _by_order(name: MemberName, model: Callable[[], type["OrderModel"]]) -> _Made:
    def made(thresholds: Thresholds, plan: Plan, trails: Trails | None) -> "ClientSequences":
        from vedette.detectors.learned.sequences import ClientSequences

        # An engine that follows another one which remembers nothing has nothing to look at.
        return ClientSequences(thresholds, plan, trails or Trails(), name.value, model())

    return made


def _values(kind: ValueKind) -> _Made:
    def made(
        thresholds: Thresholds,
        plan: Plan,
        trails: Trails | None,  # noqa: ARG001 - windows tell it enough
    ) -> UnusualValues:
        return UnusualValues(kind, thresholds, plan)

    return made


def _retrain(config: Config) -> int | None:
    """Windows after which models are fitted anew; None for never."""
    days = config.learned.retrain_days
    return None if days == 0 else days * 86_400 // config.windows.span_s


_BY_ORDER: Final[Mapping[MemberName, Callable[[], type["OrderModel"]]]] = {
    MemberName.MARKOV: _pair_model,
    MemberName.TRANSFORMER: _sequence_model,
}
MEMBERS: Final[Mapping[MemberName, _Made]] = {
    MemberName.FOREST: _forest,
    MemberName.DDOS: _ddos,
    **{name: _by_order(name, model) for name, model in _BY_ORDER.items()},
    MemberName.RESPONSE_TIME: _values(RESPONSE_TIMES),
    MemberName.STATUS_CODE: _values(STATUSES),
}
"""How each is made, in the order in which they look."""
_NEEDED: Final[Mapping[MemberName, tuple[str, ...]]] = {
    MemberName.TRANSFORMER: ("torch", "onnx", "onnxruntime")
}
"""Libraries beyond those that Vedette always has, by their module."""

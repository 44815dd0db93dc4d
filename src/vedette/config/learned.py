"""Keys of the learned detectors."""

import re
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, model_validator

from vedette.config.options import Section, option

_LEAST = 1_000
MOST_WARMUP = 10_000_000


class MemberName(StrEnum):
    """The models that there are."""

    FOREST = "forest"
    """How clients behave in a minute: behavioral_anomaly."""
    DDOS = "ddos"
    """Whether a service looks flooded, in thirds of a minute: ddos_attack."""
    MARKOV = "markov"
    """In which order they ask for things, by what follows what: sequence_anomaly."""
    TRANSFORMER = "transformer"
    """The same, by all that was asked for before."""
    RESPONSE_TIME = "response_time"
    """Which response times are usual on each route: response_time_anomaly."""
    STATUS_CODE = "status_code"
    """Which classes of status are usual on each route: status_code_anomaly."""


class ExtraName(StrEnum):
    """Detectors of PyOD that may join."""

    ECOD = "ECOD"
    COPOD = "COPOD"
    HBOS = "HBOS"
    KNN = "KNN"
    LOF = "LOF"
    GMM = "GMM"
    OCSVM = "OCSVM"


def _warmup(value: Any) -> Any:
    if value == "auto" or (
        isinstance(value, int) and not isinstance(value, bool) and _LEAST <= value <= MOST_WARMUP
    ):
        return value
    raise ValueError(f"must be auto, or a number of requests from {_LEAST:,} to {MOST_WARMUP:,}")


Warmup = Annotated[int | str, BeforeValidator(_warmup)]


class FeatureUnit(StrEnum):
    """What a feature's expression may measure."""

    NUMBER = "number"
    RATIO = "ratio"
    BYTES = "bytes"
    SECONDS = "seconds"
    PER_SECOND = "per_second"
    BYTES_PER_SECOND = "bytes_per_second"


_FEATURE = re.compile(r"[a-z][a-z0-9_]*")
MOST_FEATURES = 20


def _feature_name(name: str) -> str:
    if not _FEATURE.fullmatch(name):
        raise ValueError("must be lower-case letters, digits and _, like bytes_per_page")
    return name


def _expression(text: str) -> str:
    # Few configurations have an expression, and what reads them is not imported for the others.
    from vedette.expression.client_measures import CLIENT_MEASURES
    from vedette.expression.errors import ExpressionError
    from vedette.expression.grammar import parse_number

    try:
        parse_number(text, CLIENT_MEASURES)
    except ExpressionError as error:
        raise ValueError(str(error)) from None
    return text


def _distinct(features: tuple["FeatureSection", ...]) -> tuple["FeatureSection", ...]:
    seen: set[str] = set()
    for feature in features:
        if feature.name in seen:
            raise ValueError(
                f"two features are named {feature.name!r}: explanations name them, so give another"
            )
        seen.add(feature.name)
    if len(features) > MOST_FEATURES:
        raise ValueError(f"{len(features)} features: must be at most {MOST_FEATURES}")
    return features


class FeatureSection(Section):
    """A number of your own that models of clients look at."""

    name: Annotated[str, AfterValidator(_feature_name)] = option(
        ...,
        "Name, in lower-case letters, digits and `_`, as explanations show it.",
        min_length=1,
        max_length=40,
    )
    expression: Annotated[str, AfterValidator(_expression)] = option(
        ...,
        "What it is, of one client in one window: `bytes_out / (requests - static_files)`. 0 where that is not known.",
        min_length=1,
    )
    unit: FeatureUnit = option(..., "What the expression measures; a count is a `number`.")
    doc: str = option(..., "What it tells, for who reads an explanation.", min_length=1, max_length=200)

    @model_validator(mode="after")
    def _of_the_unit(self) -> Self:
        from vedette.expression.client_measures import CLIENT_MEASURES
        from vedette.expression.grammar import parse_number
        from vedette.expression.quantities import units

        _, _, measured = parse_number(self.expression, CLIENT_MEASURES)
        if self.unit not in (fitting := units(measured)):
            raise ValueError(
                f"`{self.expression}` is {measured}, and its unit {self.unit.value}: must be {' or '.join(fitting)}"
            )
        return self


class Learned(Section):
    """Models that learn how a site's own clients behave."""

    enabled: bool = option(True, "Whether models are trained, and judge.")
    members: tuple[MemberName, ...] = option(
        (MemberName.FOREST, MemberName.DDOS, MemberName.RESPONSE_TIME, MemberName.STATUS_CODE),
        "Which models there are: `forest` (behavioral_anomaly), `ddos` (ddos_attack), `response_time` "
        "(response_time_anomaly), `status_code` (status_code_anomaly), `markov` and `transformer` (sequence_anomaly; "
        "the latter needs `pip install 'vedette[transformer]'`, and some seconds of one core to train for each "
        "service).",
    )
    extra: tuple[ExtraName, ...] = option(
        (),
        "Detectors of PyOD that judge how clients behave beside `forest` (behavioral_anomaly), like `[ECOD, KNN]`; "
        "needs `pip install 'vedette[pyod]'`.",
    )
    features: Annotated[tuple[FeatureSection, ...], AfterValidator(_distinct)] = option(
        (),
        "Numbers of your own, besides those that there are, that `forest` and `extra` look at. Where they are changed, "
        "models are fitted anew.",
    )
    warmup: Warmup = option(
        "auto",
        "Requests to a service from which its model is trained; `auto` takes 1,000 below 1,000 requests a day, 10,000 "
        "up to 100,000 a day, 50,000 above.",
        unit="requests",
    )
    retrain_days: int = option(
        7,
        "Days of event time after which a model is fitted anew, to what came since; sooner when clients have changed. "
        "0 for never.",
        unit="days",
        ge=0,
        le=365,
    )
    keep: int = option(
        5,
        "Models of each service and member that `vedette serve` keeps in `models` of its directory (`live.directory`), "
        "for `vedette models rollback` and `vedette scan --models-from`.",
        unit="models",
        ge=1,
        le=100,
    )
    models: str | None = option(
        None,
        "Directory of trained models, as `vedette train` writes it; services found there are judged from the start.",
        min_length=1,
    )

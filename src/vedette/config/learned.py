"""Keys of the learned detectors."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator

from vedette.config.options import Section, option

_LEAST = 1_000
MOST_WARMUP = 10_000_000


class MemberName(StrEnum):
    """The models that there are."""

    FOREST = "forest"
    """How clients behave in a minute: behavioral_anomaly."""
    DDOS = "ddos"
    """Whether a service looks flooded, in thirds of a minute: ddos_attack."""
    TRANSFORMER = "transformer"
    """In which order they ask for things: sequence_anomaly."""
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


class Learned(Section):
    """Models that learn how a site's own clients behave."""

    enabled: bool = option(True, "Whether models are trained, and judge.")
    members: tuple[MemberName, ...] = option(
        (MemberName.FOREST, MemberName.DDOS, MemberName.RESPONSE_TIME, MemberName.STATUS_CODE),
        "Which models there are: `forest` (behavioral_anomaly), `ddos` (ddos_attack), `response_time` "
        "(response_time_anomaly), `status_code` (status_code_anomaly), `transformer` (sequence_anomaly; "
        "needs `pip install 'vedette[transformer]'`, and a minute of one core to train for each service).",
    )
    extra: tuple[ExtraName, ...] = option(
        (),
        "Detectors of PyOD that judge how clients behave beside `forest` (behavioral_anomaly), like `[ECOD, KNN]`; "
        "needs `pip install 'vedette[pyod]'`.",
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

"""The kinds of model there are: how each is fitted to a sample, and read from bytes. All of them are listed here."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from vedette.detectors.learned.card import Model, ModelError
from vedette.detectors.learned.client_training import client_drift, fit_client_model
from vedette.detectors.learned.flood_model import read_flood_model
from vedette.detectors.learned.model import BehaviourModel, read_client_model
from vedette.detectors.learned.outlier_model import LIBRARY, OUTLIERS, fit_outliers, read_outliers
from vedette.detectors.learned.own_features import OwnFeature
from vedette.detectors.learned.sequence_model import read_sequence_model
from vedette.detectors.learned.sequence_training import fit_sequence_model, sequence_drift
from vedette.detectors.learned.training import Done, Job, Refused, Training
from vedette.detectors.learned.value_model import (
    fit_response_times,
    fit_statuses,
    read_response_times,
    read_statuses,
    value_drift,
)
from vedette.detectors.network.manner_model import fit_manner_model, read_manner_model

ADDRESS: Final = "address"
FOREST: Final = "forest"
DDOS: Final = "ddos"
TRANSFORMER: Final = "transformer"
RESPONSE_TIME: Final = "response_time"
STATUS_CODE: Final = "status_code"
_TORCH: Final = "torch"


def _no_features(model: Any) -> tuple[OwnFeature, ...]:  # noqa: ARG001 - the shape is that of those that have some
    return ()


def _own_features(model: BehaviourModel) -> tuple[OwnFeature, ...]:
    return model.card.own


def _never(model: Any, sample: Any, span: int) -> str:  # noqa: ARG001 - the shape is that of those that can tell
    return ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of model.

    Attributes:
        member: Name of the member that judges by it.
        fit: Fits, checks and calibrates; the same job gives the same model.
        drift: In what a sample is unlike what a model was fitted to; empty if in nothing. Takes the length of a window,
            microseconds.
        features: That a user added, of those that a model looks at.
        read: A model from what its `to_bytes` gave; raises `ModelError`.
        library: That fits it, and takes seconds to import. None where kernels do, in milliseconds.
    """

    member: str
    fit: Callable[[Job], Model | Refused]
    read: Callable[[bytes], Model]
    drift: Callable[[Any, Any, int], str] = _never
    features: Callable[[Any], tuple[OwnFeature, ...]] = _no_features
    library: str | None = None


def _needs_labels(job: Job) -> Refused:  # noqa: ARG001 - the shape is that of models that learn by themselves
    return Refused("labelled windows are needed: vedette train ddos WINDOWS.csv")


KINDS: Final = (
    Kind(FOREST, fit_client_model, read_client_model, client_drift, _own_features),
    Kind(DDOS, _needs_labels, read_flood_model),
    Kind(TRANSFORMER, fit_sequence_model, read_sequence_model, sequence_drift, library=_TORCH),
    Kind(RESPONSE_TIME, fit_response_times, read_response_times, value_drift),
    Kind(STATUS_CODE, fit_statuses, read_statuses, value_drift),
    *(
        Kind(
            name,
            partial(fit_outliers, name),
            partial(read_outliers, name),
            client_drift,
            _own_features,
            LIBRARY,
        )
        for name in OUTLIERS
    ),
    Kind(ADDRESS, fit_manner_model, read_manner_model),
)


def kind_of(member: str) -> Kind:
    """The kind of model that a member judges by.

    Raises:
        ModelError: There is no such member.
    """
    for kind in KINDS:
        if kind.member == member:
            return kind
    raise ModelError(f"{member[:40]!r}: no such model: must be one of {', '.join(k.member for k in KINDS)}")


def read_model(member: str, content: bytes) -> Model:
    """A member's model from bytes. Raises `ModelError`."""
    return kind_of(member).read(content)


def train(job: Job) -> Model | Refused:
    """Fit, check and calibrate. The same job gives the same model."""
    return kind_of(job.member).fit(job)


def train_here(job: Job) -> Training:
    """Fit in this process, at once."""
    return Done(train(job))

"""The kinds of model there are: how each is fitted to a sample, and read from bytes. All of them are listed here."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from vedette.detectors.learned.card import Model, ModelError
from vedette.detectors.learned.member_names import (
    ADDRESS,
    DDOS,
    FOREST,
    MARKOV,
    OUTLIERS,
    RESPONSE_TIME,
    STATUS_CODE,
    TRANSFORMER,
)
from vedette.detectors.learned.own_feature import OwnFeature
from vedette.detectors.learned.training import Done, Job, Refused, Training

if TYPE_CHECKING:
    from vedette.detectors.learned.model import BehaviourModel

_TORCH: Final = "torch"


def _no_features(model: Any) -> tuple[OwnFeature, ...]:  # noqa: ARG001 - the shape is that of those that have some
    return ()


def _own_features(model: "BehaviourModel") -> tuple[OwnFeature, ...]:
    return model.card.own


def _never(model: Any, sample: Any, span: int) -> str:  # noqa: ARG001 - the shape is that of those that can tell
    return ""


class Kind(msgspec.Struct, frozen=True):
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


def _forest() -> Kind:
    from vedette.detectors.learned.client_training import client_drift, fit_client_model
    from vedette.detectors.learned.model import read_client_model

    return Kind(FOREST, fit_client_model, read_client_model, client_drift, _own_features)


def _ddos() -> Kind:
    from vedette.detectors.learned.flood_model import read_flood_model

    return Kind(DDOS, _needs_labels, read_flood_model)


def _transformer() -> Kind:
    from vedette.detectors.learned.order_training import order_drift
    from vedette.detectors.learned.sequence_model import read_sequence_model
    from vedette.detectors.learned.sequence_training import fit_sequence_model

    return Kind(TRANSFORMER, fit_sequence_model, read_sequence_model, order_drift, library=_TORCH)


def _markov() -> Kind:
    from vedette.detectors.learned.order_training import order_drift
    from vedette.detectors.learned.pair_model import read_pair_model
    from vedette.detectors.learned.pair_training import fit_pair_model

    return Kind(MARKOV, fit_pair_model, read_pair_model, order_drift)


def _response_time() -> Kind:
    from vedette.detectors.learned.value_model import fit_response_times, read_response_times, value_drift

    return Kind(RESPONSE_TIME, fit_response_times, read_response_times, value_drift)


def _status_code() -> Kind:
    from vedette.detectors.learned.value_model import fit_statuses, read_statuses, value_drift

    return Kind(STATUS_CODE, fit_statuses, read_statuses, value_drift)


def _outliers(name: str) -> Kind:
    from vedette.detectors.learned.client_training import client_drift
    from vedette.detectors.learned.outlier_model import LIBRARY, fit_outliers, read_outliers

    fit, read = partial(fit_outliers, name), partial(read_outliers, name)
    return Kind(name, fit, read, client_drift, _own_features, LIBRARY)


def _address() -> Kind:
    from vedette.detectors.network.manner_model import fit_manner_model, read_manner_model

    return Kind(ADDRESS, fit_manner_model, read_manner_model)


KINDS: Final[Mapping[str, Callable[[], Kind]]] = {
    FOREST: _forest,
    DDOS: _ddos,
    MARKOV: _markov,
    TRANSFORMER: _transformer,
    RESPONSE_TIME: _response_time,
    STATUS_CODE: _status_code,
    **{name: partial(_outliers, name) for name in OUTLIERS},
    ADDRESS: _address,
}
"""By the name of the member. Each imports what it needs when it is asked for: no run needs all of them."""


def kind_of(member: str) -> Kind:
    """The kind of model that a member judges by.

    Raises:
        ModelError: There is no such member.
    """
    if member not in KINDS:
        raise ModelError(f"{member[:40]!r}: no such model: must be one of {', '.join(KINDS)}")
    return KINDS[member]()


def read_model(member: str, content: bytes) -> Model:
    """A member's model from bytes. Raises `ModelError`."""
    return kind_of(member).read(content)


def train(job: Job) -> Model | Refused:
    """Fit, check and calibrate. The same job gives the same model."""
    return kind_of(job.member).fit(job)


def train_here(job: Job) -> Training:
    """Fit in this process, at once."""
    return Done(train(job))

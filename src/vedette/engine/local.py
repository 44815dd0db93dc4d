"""Why a learned model scored a row as it did, from the anomaly and the model's file (LIME)."""

import zlib
from pathlib import Path
from typing import Final

import numpy as np

from vedette.detectors.learned.lime import Local, lime
from vedette.detectors.learned.member_names import FOREST, OUTLIERS
from vedette.detectors.learned.model import BehaviourModel
from vedette.engine.model_files import load_models
from vedette.schema.anomaly import Anomaly
from vedette.schema.errors import VedetteError

_SAME: Final = 1e-6


class LocalError(VedetteError):
    """An anomaly that cannot be explained by a model's file."""


def explainable(anomaly: Anomaly) -> bool:
    """Whether an anomaly is a model's whose input it holds."""
    return anomaly.detector in (FOREST, *OUTLIERS) and isinstance(anomaly.details.get("row"), dict)


def local(anomaly: Anomaly, directory: Path) -> tuple[tuple[str, ...], Local]:
    """Names of the features, and what each adds to the score; the same anomaly gets the same explanation.

    Args:
        anomaly: One that is `explainable`. directory: As `vedette train` writes it.

    Raises:
        VedetteError: The directory holds no model of the service, a damaged one, or not the one that stated it.
    """
    models = load_models(directory, anomaly.detector, anomaly.end - anomaly.start)
    model = models.get(anomaly.service)
    if not isinstance(model, BehaviourModel):
        raise LocalError(
            f"{directory}: no model {anomaly.detector} of service {anomaly.service}: vedette models list names them"
        )
    row = anomaly.details["row"]
    names = model.card.names
    if set(row) != set(names) or not all(isinstance(row[name], int | float) for name in names):
        raise LocalError(
            f"{anomaly.id}: its row is not what the model {anomaly.detector} of {directory} looks at"
        )
    values = np.array([row[name] for name in names], dtype=np.float32)
    found = lime(
        model.score,
        values,
        np.array(model.card.low),
        np.array(model.card.high),
        zlib.crc32(anomaly.id.encode()),
    )
    stated = anomaly.details.get("isolation_score", anomaly.details.get("outlier_score"))
    if not isinstance(stated, float) or abs(stated - found.score) > _SAME:
        raise LocalError(
            f"{anomaly.id}: the model of {directory} gives it {found.score:.6f}, and it was stated with {stated}: "
            "another model stated it; roll back to that one with vedette models rollback"
        )
    return names, found

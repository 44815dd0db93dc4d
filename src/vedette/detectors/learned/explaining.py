"""What makes a client unlike the others, feature by feature."""

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.features import named
from vedette.detectors.learned.model import ClientModel
from vedette.schema.anomaly import Contribution

SHOWN = 5


def contributions(model: ClientModel, row: NDArray[np.float32]) -> tuple[Contribution, ...]:
    """The features that isolate a row most; shares are of all that isolates it.

    Args:
        row: float32 (features,).
    """
    shares = model.forest.shares(row)
    isolating = np.maximum(shares, 0.0)
    whole = float(isolating.sum())
    if whole <= 0.0:
        return ()
    order = np.argsort(-isolating, kind="stable")[:SHOWN]
    return tuple(
        Contribution("feature", model.card.names[place], float(isolating[place]) / whole)
        for place in order.tolist()
        if isolating[place] > 0.0
    )


def seen_values(model: ClientModel, row: NDArray[np.float32]) -> dict[str, dict[str, float | str]]:
    """The same features' values beside what is usual: quantiles 0.05 and 0.95 of the rows learned from."""
    return {c.value: _value(model, c.value, row) for c in contributions(model, row)}


def _value(model: ClientModel, name: str, row: NDArray[np.float32]) -> dict[str, float | str]:
    place = model.card.names.index(name)
    feature = named([name])[0]
    return {
        "value": float(row[place]),
        "usual_low": model.card.low[place],
        "usual_high": model.card.high[place],
        "unit": feature.unit,
        "meaning": feature.doc,
    }

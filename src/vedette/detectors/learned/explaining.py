"""What makes a client unlike the others, feature by feature."""

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.model import BehaviourModel
from vedette.schema.anomaly import Contribution

SHOWN = 5


def contributions(names: tuple[str, ...], adds: NDArray[np.float64]) -> tuple[Contribution, ...]:
    """The features that set a row apart most; shares are of all that does.

    Args:
        names: Of the features. adds: float64 (features,), what each adds to its oddness.
    """
    positive = np.maximum(adds, 0.0)
    whole = float(positive.sum())
    if whole <= 0.0:
        return ()
    order = np.argsort(-positive, kind="stable")[:SHOWN]
    return tuple(
        Contribution("feature", names[place], float(positive[place]) / whole)
        for place in order.tolist()
        if positive[place] > 0.0
    )


def seen_values(
    model: BehaviourModel, row: NDArray[np.float32], shown: tuple[Contribution, ...]
) -> dict[str, dict[str, float | str]]:
    """The values of the features shown, by name, of a row (features,); beside each what is usual.

    Usual are the quantiles 0.05 and 0.95 of the rows that the model learned from; values are in the features' units.
    """
    return {c.value: _value(model, c.value, row) for c in shown}


def _value(model: BehaviourModel, name: str, row: NDArray[np.float32]) -> dict[str, float | str]:
    place = model.card.names.index(name)
    feature = model.card.features()[place]
    return {
        "value": float(row[place]),
        "usual_low": model.card.low[place],
        "usual_high": model.card.high[place],
        "unit": feature.unit,
        "meaning": feature.doc,
    }

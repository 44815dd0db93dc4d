"""What every model has to pass before it is put to work."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

HELD_OUT: Final = 0.3
"""Latest share of the sample that a model is checked and calibrated on."""
LEAST_SESSIONS: Final = 50
"""Sessions held out: a tail of one in ten has five in it."""
LEAST_SEPARATION: Final = 0.8
"""Area under the curve below which a forest does not know its rows from noise."""


def auc(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    """Chance that one of `high` (m,) is above one of `low` (n,), neither empty; ties count half.

    The area under the ROC curve (Hanley, McNeil 1982).
    """
    ordered = np.sort(low)
    below = np.searchsorted(ordered, high, side="left") + np.searchsorted(ordered, high, side="right")
    return float(below.sum() / (2.0 * len(low) * len(high)))


def versions(*names: str) -> dict[str, str]:
    """Of libraries that are installed."""
    return {name: np.__version__ if name == np.__name__ else _installed(name) for name in names}


def _installed(name: str) -> str:
    """What an installed library's files say: looking for them takes longer than fitting a small model."""
    from importlib.metadata import version

    return version(name)

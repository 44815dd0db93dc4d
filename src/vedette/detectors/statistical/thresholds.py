"""Where detectors get the surprise from which they alarm."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vedette.schema.findings import BudgetLine


class Thresholds(Protocol):
    """A budget of false alarms, turned into a threshold for each detector."""

    def threshold(self, detector: str) -> float:
        """The surprise (-log10 p) from which the detector may alarm."""
        ...

    def observe(self, detector: str, surprise: NDArray[np.float64]) -> None:
        """Learn the surprises of windows that were judged, so that the threshold keeps its promise."""
        ...

    def account(self) -> list[BudgetLine]:
        """What each detector promised and did, by name; empty where nothing is promised."""
        ...

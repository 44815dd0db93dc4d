"""Where detectors get the surprise from which they alarm."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vedette.schema.findings import BudgetLine


class Thresholds(Protocol):
    """A budget of false alarms, turned into a threshold for each detector."""

    def threshold(self, detector: str, begun: float = 0.0, owner: int = ...) -> float:
        """The surprise (-log10 p) from which the detector may alarm about a service.

        Args:
            begun: Tests that the detector has begun in a window on average, where they are observed only when they end.
            owner: Slot of the service, where what was observed was told of services.
        """
        ...

    def least(self, detector: str) -> float:
        """The surprise below which the detector alarms about no service."""
        ...

    def observe(
        self, detector: str, surprise: NDArray[np.float64], owner: NDArray[np.int32] | None = None
    ) -> None:
        """Learn the surprises of windows that were judged, so that the threshold keeps its promise.

        Args:
            surprise: float64 (k,). owner: int32 (k,), slots of their services; None where none is told.
        """
        ...

    def share(self, services: int) -> None:
        """Take note of how many services there are, each of which has the budget."""
        ...

    @property
    def per_week(self) -> float | None:
        """False alarms promised for each service and week; None where nothing is promised."""
        ...

    def to_state(self) -> bytes:
        """What was learned, as bytes."""
        ...

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `ValueError` for anything else."""
        ...

    def account(self, names: Callable[[int], str] = ...) -> list[BudgetLine]:
        """What each detector promised and did, by name; empty where nothing is promised.

        Args:
            names: What the service of a slot is called.
        """
        ...

"""Whether a population is still the one that a model was fitted to."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.card import LARGE, finite, within
from vedette.schema.spans import DAY_US
from vedette.windows.distinct import distinct_values
from vedette.windows.quantiles import quantiles

MOST: Final = 0.25
"""Stability index from which a population is another one (Siddiqi 2006, p. 136)."""
_TENTHS: Final = 10


class Population(msgspec.Struct, frozen=True):
    """How the values of one number are spread.

    Attributes:
        edges: Between spans, ascending. shares: Of the values, in each span. rows: Values.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    rows: int

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> "Population":
        """Tenths of some values (n,), n > 0; fewer spans where many values are the same."""
        edges = distinct_values(quantiles(values, np.linspace(0.0, 1.0, _TENTHS + 1)[1:-1]))
        return cls(tuple(edges.tolist()), tuple(_shares(edges, values).tolist()), len(values))

    def refuse(self, name: str) -> None:
        """Refuse what is no population, called by a name. Raises `ModelError`."""
        within(f"the count of {name}.shares", len(self.shares), len(self.edges) + 1, len(self.edges) + 1)
        within(f"the count of {name}.edges", len(self.edges), 0, _TENTHS)
        within(f"{name}.rows", self.rows, 1, LARGE)
        finite(f"{name}.edges", self.edges)
        for number, share in enumerate(self.shares):
            within(f"{name}.shares[{number}]", share, 1.0 / LARGE, 1.0)

    def index(self, values: NDArray[np.floating]) -> float:
        """Population stability index of other values against these.

        What two samples of these sizes from one population have on average is taken off: (spans - 1) (1 / n + 1 / m).
        """
        before, after = np.array(self.shares), _shares(np.array(self.edges), values)
        chance = (len(before) - 1) * (1.0 / self.rows + 1.0 / len(values))
        return float(((after - before) * np.log(after / before)).sum()) - chance


def tells_drift(window: NDArray[np.int64], span: int, model_us: int) -> bool:
    """Whether a sample is long enough: what a part of a day does is no drift, unless the model knows no more of a day.

    Args:
        window: int64 (n,), numbers of its windows. span: Length of one, microseconds.
        model_us: Length of what the model was fitted to, microseconds.
    """
    return len(window) > 0 and (int(np.ptp(window)) + 1) * span >= min(DAY_US, model_us)


def most_frequent(
    before: NDArray[np.int64], after: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Counts of the kinds that were most frequent before, and of all others together.

    Args:
        before, after: int64 (kinds,), how often each came.

    Returns:
        Both, int64, nine kinds at most and the others.
    """
    order = np.argsort(-before, kind="stable")
    top, rest = order[: _TENTHS - 1], order[_TENTHS - 1 :]
    return np.append(before[top], before[rest].sum()), np.append(after[top], after[rest].sum())


def index_of_counts(expected: NDArray[np.int64], actual: NDArray[np.int64]) -> float:
    """The same index of counts over the same k kinds, int64 (k,) each."""
    before, after = ((counts + 0.5) / (counts + 0.5).sum() for counts in (expected, actual))
    chance = (len(expected) - 1) * (1.0 / expected.sum() + 1.0 / actual.sum())
    return float(((after - before) * np.log(after / before)).sum() - chance)


def _shares(edges: NDArray[np.float64], values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Share of each span, counted with half a value more, so that an empty one is no infinity."""
    counts = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1) + 0.5
    return np.asarray(counts / counts.sum())

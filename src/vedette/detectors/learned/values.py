"""Which values of a request are usual on a route: response times on a logarithmic scale, status codes as classes.

A one-class SVM (Schölkopf et al. 2001) ranks the values, each distinct one once, weighted by how often it came. Windows
hold few distinct values: half octaves of response time, ten classes of status. So the exact machine costs what a small
one costs, whatever the traffic: `bench/quality/one_class.py` holds it against samples of single requests, and against
Nyström's approximation with stochastic gradients.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.models.one_class import solve_one_class
from vedette.windows.layout import LATENCY_BINS, LATENCY_BINS_PER_OCTAVE, LATENCY_LOWEST_EXPONENT, Group
from vedette.windows.summary import Groups

NU: Final = 0.01
"""Share of usual requests that may lie outside."""
_PER_OCTAVE: Final = 2
_MERGED: Final = LATENCY_BINS_PER_OCTAVE // _PER_OCTAVE
STEPS: Final = LATENCY_BINS // _MERGED
"""Half octaves of response time."""
STATUS: Final = (
    ("1xx", Group.STATUS_1XX),
    ("2xx", Group.STATUS_2XX),
    ("3xx", Group.STATUS_3XX),
    ("401", Group.STATUS_401),
    ("403", Group.STATUS_403),
    ("404", Group.STATUS_404),
    ("429", Group.STATUS_429),
    ("other 4xx", Group.STATUS_4XX),
    ("5xx", Group.STATUS_5XX),
    ("unknown", Group.STATUS_UNKNOWN),
)
"""Classes of status: name and column. What is told apart of the 4xx is no part of the other ones."""
_COLUMNS: Final = [int(column) for _, column in STATUS]
_OTHER: Final = [column for _, column in STATUS].index(Group.STATUS_4XX)
_APART: Final = slice(
    [column for _, column in STATUS].index(Group.STATUS_401),
    [column for _, column in STATUS].index(Group.STATUS_429) + 1,
)
_NARROWEST: Final = 0.5
"""Standard deviation, in half octaves, below which times count as alike: the histogram tells no more."""

_TOLERANCE: Final = 1e-6
"""Of slopes, as a part of the greatest they can be."""
_LEAST_SPREAD: Final = 0.1
"""Of ranks: less is the tolerance's."""
_STEPS: Final = 100_000
"""Far more than any of these takes: a few hundred."""


class Encoding(msgspec.Struct, frozen=True):
    """How values are laid out for the machine.

    Attributes:
        size: How many distinct values there are. points: float64 (size, dimensions).
        scaled: Whether the width of the kernel follows the spread of the values.
    """

    size: int
    points: NDArray[np.float64]
    scaled: bool


def response_time_encoding() -> Encoding:
    """Half octaves, by their place on a logarithmic scale."""
    return Encoding(STEPS, np.arange(STEPS, dtype=np.float64)[:, None], scaled=True)


def status_encoding() -> Encoding:
    """Classes, as far from each other as any two: a status is no number."""
    return Encoding(len(STATUS), np.eye(len(STATUS)), scaled=False)


def response_times(groups: Groups, rows: NDArray[np.intp]) -> NDArray[np.int64]:
    """Requests by half octave of their response time, int64 (k, STEPS)."""
    merged = groups.latency[rows].reshape(len(rows), STEPS, _MERGED)
    return np.asarray(merged.sum(axis=2, dtype=np.int64))


def statuses(groups: Groups, rows: NDArray[np.intp]) -> NDArray[np.int64]:
    """Requests by class of their status, int64 (k, classes)."""
    found = groups.sums[rows[:, None], _COLUMNS]
    found[:, _OTHER] -= found[:, _APART].sum(axis=1)
    return found


def step_edges(step: int) -> tuple[float, float]:
    """Shortest and longest response time of a half octave, seconds."""
    low = step / _PER_OCTAVE + LATENCY_LOWEST_EXPONENT
    return 2.0**low, 2.0 ** (low + 1.0 / _PER_OCTAVE)


def outside(encoding: Encoding, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which values lie outside what is usual, bool (size,).

    The machine ranks the values; outside is what ranks below all but `NU` of the usual requests.

    Args:
        counts: int64 (size,), how often each value came; some did.
    """
    rank = ranks(encoding, counts)
    # Values on the machine's border differ by its tolerance only.
    rank = np.round(rank / max(float(np.abs(rank).max()), _LEAST_SPREAD), 3)
    order = np.argsort(rank, kind="stable")
    below = np.cumsum(counts[order])
    first = int(np.searchsorted(below, NU * counts.sum(), side="right"))
    return np.asarray(rank < rank[order[min(first, len(order) - 1)]])


def ranks(encoding: Encoding, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """How usual each value is, float64 (size,): density by the machine, above that at the border of what is learned.

    It is told in parts of the border's: -1 where nothing is near.
    """
    seen = counts > 0
    weight = counts[seen] / counts[seen].mean()
    gamma = 1.0
    if encoding.scaled:
        places = encoding.points[seen, 0]
        middle = np.average(places, weights=weight)
        spread = max(float(np.average((places - middle) ** 2, weights=weight)), _NARROWEST**2)
        gamma = 1.0 / spread
    distance = ((encoding.points[:, None, :] - encoding.points[None, seen, :]) ** 2).sum(axis=2)
    alike = np.exp(-gamma * distance)
    part, slope = np.zeros(len(weight)), np.zeros(len(weight))
    solve_one_class(
        np.ascontiguousarray(alike[seen]),
        weight,
        NU * float(weight.sum()),
        _TOLERANCE * float(weight.sum()) * NU,
        _STEPS,
        part,
        slope,
    )
    low, high = slope[part < weight], slope[part > 0]
    border = (low.min(initial=high.max()) + high.max()) / 2.0
    return np.asarray(alike @ part / border - 1.0)

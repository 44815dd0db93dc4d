"""What any model's score of one row rests on, by a line fitted to its scores of rows like it (LIME)."""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]

SAMPLES: Final = 1_000
"""Rows that are scored. Of a crawler among people, 20 seeds gave one order of the first three features; of 500 rows,
three orders."""
WIDTH: Final = 0.25
"""Of the kernel over cosine distances, as in the authors' program for texts and images."""
RIDGE: Final = 1.0
_FLAT: Final = 1e-12


class Local(msgspec.Struct, frozen=True):
    """A line near one row.

    Attributes:
        weights: float64 (features,), what each feature's value adds to the score, against a usual value of it.
        usual: What the line gives where all are usual. said: What it gives the row. score: What the model gives it.
        fit: Share of the scores' variance that the line explains (weighted R²): near 0, it explains nothing.
    """

    weights: NDArray[np.float64]
    usual: float
    said: float
    score: float
    fit: float


def lime(
    score: Callable[[Rows], NDArray[np.float64]],
    row: Rows,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    seed: int,
) -> Local:
    """Explain a score (Ribeiro, Singh, Guestrin 2016). The same arguments give the same explanation.

    Args:
        score: The model's, float64 (n,) of rows float32 (n, features). row: float32 (features,).
        low, high: float64 (features,), between which values are usual; what is left out is drawn from there.
        seed: Of the draw.
    """
    draw = np.random.default_rng(seed)
    count = len(row)
    kept = draw.random((SAMPLES, count)) < draw.random((SAMPLES, 1))
    kept[0] = True
    usual = draw.uniform(low, np.maximum(high, low), size=(SAMPLES, count)).astype(np.float32)
    scores = np.asarray(score(np.where(kept, row, usual)), dtype=np.float64)
    # The cosine between which features were kept, and all of them.
    distance = 1.0 - np.sqrt(kept.mean(axis=1))
    near = np.exp(-(distance**2) / WIDTH**2)
    columns = np.hstack([kept.astype(np.float64), np.ones((SAMPLES, 1))])
    held = np.diag(np.append(np.full(count, RIDGE), 0.0))
    line = np.linalg.solve((columns * near[:, None]).T @ columns + held, (columns * near[:, None]).T @ scores)
    middle = float(near @ scores / near.sum())
    spread = float(near @ (scores - middle) ** 2)
    left = float(near @ (scores - columns @ line) ** 2)
    return Local(
        line[:-1],
        float(line[-1]),
        float(line.sum()),
        float(scores[0]),
        1.0 - left / spread if spread > _FLAT else 0.0,
    )

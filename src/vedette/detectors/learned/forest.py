"""An isolation forest: fitted by scikit-learn, walked by a kernel (Liu, Ting, Zhou 2008)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.features import refuse_gaps
from vedette.kernels.forest import BLOCK, DEPTH, INNER, LEAVES, path_lengths, path_shares

TREES = 100
ROWS_PER_TREE = 256
"""Both from the paper, figures 4 and 5: more of either hardly changes what is found."""


@dataclass(frozen=True, slots=True)
class Forest:
    """A fitted isolation forest.

    Attributes:
        names: Of its features.
        feature, threshold, cover: (trees, INNER): uint8, float32, float32; see the kernels.
        length: float64 (trees, LEAVES); -1 where no branch ends.
        usual: Length of the path of a usual row, by which scores are normalised.
    """

    names: tuple[str, ...]
    feature: NDArray[np.uint8]
    threshold: NDArray[np.float32]
    cover: NDArray[np.float32]
    length: NDArray[np.float64]
    usual: float

    def paths(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mean lengths of rows' paths, float64 (n,).

        Raises:
            FeatureError: A value is not a number.
        """
        refuse_gaps(rows, self.names)
        total = np.zeros(len(rows), dtype=np.float64)
        place = np.zeros(BLOCK, dtype=np.int64)
        path_lengths(
            np.ascontiguousarray(rows, dtype=np.float32),
            self.feature,
            self.threshold,
            self.length,
            place,
            total,
        )
        return total / len(self.feature)

    def score(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores of rows, 0..1, float64 (n,): the shorter the path, the higher; about one half is usual."""
        return np.asarray(2.0 ** (-self.paths(rows) / self.usual))

    def shares(self, row: NDArray[np.float32]) -> NDArray[np.float64]:
        """By how much each feature shortens a row's mean path, float64 (features,).

        Exact Shapley values; they add up to the mean path of training rows less that of this row.
        """
        refuse_gaps(row[None, :], self.names)
        shares = np.zeros(len(row), dtype=np.float64)
        path_shares(
            np.ascontiguousarray(row, dtype=np.float32),
            self.feature,
            self.threshold,
            self.length,
            self.cover,
            np.zeros(DEPTH, dtype=np.int64),
            np.zeros(DEPTH, dtype=np.float64),
            np.zeros(DEPTH, dtype=np.int64),
            np.zeros(DEPTH + 1, dtype=np.float64),
            shares,
        )
        return -shares / len(self.feature)


def usual_path(rows: int) -> float:
    """Mean length of an unsuccessful search in a binary tree of so many rows (the paper, equation 1)."""
    if rows <= 1:
        return 0.0
    if rows == 2:
        return 1.0
    return float(2.0 * (np.log(rows - 1.0) + np.euler_gamma) - 2.0 * (rows - 1.0) / rows)


def fit_forest(rows: NDArray[np.float32], names: Sequence[str], seed: int) -> Forest:
    """Fit a forest; imports scikit-learn.

    Args:
        rows: float32 (n, features), n >= 2. names: Of the features. seed: The same gives the same forest.

    Raises:
        FeatureError: A value is not a number.
    """
    refuse_gaps(rows, names)
    from sklearn.ensemble import IsolationForest

    model = IsolationForest(
        n_estimators=TREES, max_samples=min(ROWS_PER_TREE, len(rows)), random_state=seed, n_jobs=1
    ).fit(rows)
    return from_sklearn(model, names)


def load_library() -> None:
    """Import what fits forests: it takes longer than fitting one."""
    import sklearn.ensemble  # noqa: F401


def from_sklearn(model: Any, names: Sequence[str]) -> Forest:
    """Lay out a fitted `sklearn.ensemble.IsolationForest` of at most `DEPTH` levels."""
    trees = [estimator.tree_ for estimator in model.estimators_]
    feature = np.zeros((len(trees), INNER), dtype=np.uint8)
    threshold = np.full((len(trees), INNER), np.inf, dtype=np.float32)
    cover = np.ones((len(trees), INNER), dtype=np.float32)
    length = np.full((len(trees), LEAVES), -1.0, dtype=np.float64)
    for number, tree in enumerate(trees):
        _lay_out(tree, feature[number], threshold[number], cover[number], length[number])
    return Forest(tuple(names), feature, threshold, cover, length, usual_path(int(model.max_samples_)))


def _lay_out(
    tree: Any,
    feature: NDArray[np.uint8],
    threshold: NDArray[np.float32],
    cover: NDArray[np.float32],
    length: NDArray[np.float64],
) -> None:
    left, right, count = tree.children_left, tree.children_right, tree.n_node_samples
    # (place in the heap, node, its depth, depth where its branch ended)
    waiting = [(0, 0, 0)]
    while waiting:
        place, node, depth = waiting.pop()
        if left[node] < 0:
            end = place
            while end < INNER:
                end = 2 * end + 1
            length[end - INNER] = depth + usual_path(int(count[node]))
            continue
        feature[place] = tree.feature[node]
        threshold[place] = not_above(float(tree.threshold[node]))
        cover[place] = count[left[node]] / count[node]
        waiting.append((2 * place + 1, int(left[node]), depth + 1))
        waiting.append((2 * place + 2, int(right[node]), depth + 1))


def not_above(value: float) -> np.float32:
    """The largest float32 that is at most a value: comparing float32 rows with it is comparing with the value."""
    single = np.float32(value)
    return np.nextafter(single, np.float32(-np.inf)) if float(single) > value else single

"""An isolation forest, grown and walked by kernels (Liu, Ting, Zhou 2008).

scikit-learn grows the same forests; importing it takes a second and a half and a hundred megabytes, growing one here a
few milliseconds. Forests it fitted can be laid out and walked all the same, which is what tests hold the scores to.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.card import within
from vedette.detectors.learned.features import refuse_gaps
from vedette.detectors.learned.trees import Trees, array_names, lay_out, read_trees
from vedette.kernels.models.forest import INNER, LEAVES
from vedette.kernels.models.isolation import CHANCES, NODES, grow_trees

TREES = 100
ROWS_PER_TREE = 256
"""Both from the paper, figures 4 and 5: more of either hardly changes what is found."""
_LEAF: Final = "length"
FOREST_ARRAYS: Final = array_names(_LEAF)
"""What `Forest.arrays` writes."""


class Forest(msgspec.Struct, frozen=True):
    """A fitted isolation forest.

    Attributes:
        trees: A leaf is worth the length of the path to it.
        usual: Length of the path of a usual row, by which scores are normalised.
    """

    trees: Trees
    usual: float

    def paths(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mean lengths of rows' paths, float64 (n,).

        Raises:
            FeatureError: A value is not a number.
        """
        return self.trees.mean(rows)

    def score(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores of rows, 0..1, float64 (n,): the shorter the path, the higher; about one half is usual."""
        return np.asarray(2.0 ** (-self.paths(rows) / self.usual))

    def shares(self, row: NDArray[np.float32]) -> NDArray[np.float64]:
        """By how much each feature shortens a row's mean path, float64 (features,).

        Exact Shapley values; they add up to the mean path of training rows less that of this row.
        """
        return -self.trees.shares(row)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is written of it, besides `usual`."""
        return self.trees.arrays(_LEAF)


def read_forest(arrays: Mapping[str, NDArray[Any]], names: Sequence[str], usual: float) -> Forest:
    """A forest from what `Forest.arrays` gave.

    Raises:
        ModelError: It is none.
    """
    trees = read_trees(arrays, names, _LEAF)
    within("usual_path", usual, usual_path(2), usual_path(ROWS_PER_TREE))
    return Forest(trees, usual)


def usual_path(rows: int) -> float:
    """Mean length of an unsuccessful search in a binary tree of so many rows (the paper, equation 1)."""
    if rows <= 1:
        return 0.0
    if rows == 2:
        return 1.0
    return float(2.0 * (np.log(rows - 1.0) + np.euler_gamma) - 2.0 * (rows - 1.0) / rows)


def fit_forest(rows: NDArray[np.float32], names: Sequence[str], seed: int) -> Forest:
    """Grow a forest.

    Args:
        rows: float32 (n, features), n >= 2; fewer than 256 features. names: Of the features.
        seed: The same gives the same forest.

    Raises:
        FeatureError: A value is not a number.
    """
    refuse_gaps(rows, names)
    of_tree = min(ROWS_PER_TREE, len(rows))
    trees = Trees(
        tuple(names),
        feature=np.zeros((TREES, INNER), dtype=np.uint8),
        threshold=np.full((TREES, INNER), np.inf, dtype=np.float32),
        cover=np.ones((TREES, INNER), dtype=np.float32),
        leaf=np.full((TREES, LEAVES), -1.0, dtype=np.float64),
    )
    grow_trees(
        np.ascontiguousarray(rows, dtype=np.float32),
        math.ceil(math.log2(of_tree)),
        np.random.default_rng(seed).random((TREES, of_tree + CHANCES)),
        np.array([usual_path(count) for count in range(of_tree + 1)]),
        np.arange(len(rows), dtype=np.int64),
        np.zeros(NODES, dtype=np.int64),
        np.zeros(NODES, dtype=np.int64),
        trees.feature,
        trees.threshold,
        trees.cover,
        trees.leaf,
    )
    return Forest(trees, usual_path(of_tree))


def from_sklearn(model: Any, names: Sequence[str]) -> Forest:
    """Lay out a fitted `sklearn.ensemble.IsolationForest` of at most `DEPTH` levels.

    Forests that are used are grown by `fit_forest`. This one is there to hold the kernel against scikit-learn's own
    scores, in tests and in `bench/forest.py`.
    """
    trees = lay_out(
        model,
        names,
        lambda tree: np.asarray(tree.n_node_samples),
        lambda tree, node, depth: depth + usual_path(int(tree.n_node_samples[node])),
    )
    return Forest(trees, usual_path(int(model.max_samples_)))

"""A random forest of two classes: fitted by scikit-learn, walked by a kernel (Breiman 2001)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.features import refuse_gaps
from vedette.detectors.learned.trees import Trees, array_names, lay_out, read_trees
from vedette.kernels.models.forest import DEPTH

LEAST_OF_LEAF = 5
"""Rows of a leaf: a leaf of one learns its row by heart."""
_LEAF: Final = "vote"
RANDOM_FOREST_ARRAYS: Final = array_names(_LEAF)
"""What `RandomForest.arrays` writes."""


class RandomForest(msgspec.Struct, frozen=True):
    """A fitted forest of `DEPTH` levels.

    Attributes:
        trees: A leaf is worth the share of the second class among its rows.
        usual: Mean probability of the rows it was fitted to: what it says of a row it knows nothing of.
    """

    trees: Trees
    usual: float

    def probability(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of the second class, float64 (n,): the mean of the trees' votes.

        Raises:
            FeatureError: A value is not a number; it is named.
        """
        return self.trees.mean(rows)

    def shares(self, row: NDArray[np.float32]) -> NDArray[np.float64]:
        """What each feature adds to a row's probability, float64 (features,).

        Exact Shapley values; they add up to the probability less `usual`.
        """
        return self.trees.shares(row)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is written of it, besides `usual`."""
        return self.trees.arrays(_LEAF)


def read_random_forest(
    arrays: Mapping[str, NDArray[Any]], names: Sequence[str], usual: float
) -> RandomForest:
    """A forest from what `RandomForest.arrays` gave.

    Raises:
        ModelError: It is none.
    """
    trees = read_trees(arrays, names, _LEAF)
    if trees.leaf.max() > 1.0:
        raise ModelError(f"a vote of {trees.leaf.max():.3g}: must be at most 1")
    return RandomForest(trees, usual)


def fit_random_forest(
    rows: NDArray[np.float32], positive: NDArray[np.bool_], names: Sequence[str], *, trees: int, seed: int
) -> RandomForest:
    """Fit a forest in which both classes weigh the same; imports scikit-learn.

    Args:
        rows: float32 (n, features). positive: bool (n,), of both classes. names: Of the features.
        seed: The same gives the same forest.

    Raises:
        FeatureError: A value is not a number; it is named.
    """
    refuse_gaps(rows, names)
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(
        n_estimators=trees,
        max_depth=DEPTH,
        min_samples_leaf=LEAST_OF_LEAF,
        class_weight="balanced",
        random_state=seed,
        n_jobs=1,
    ).fit(rows, positive.astype(np.int8))
    return random_forest_of(model, names)


def random_forest_of(model: Any, names: Sequence[str]) -> RandomForest:
    """Lay out a fitted `sklearn.ensemble.RandomForestClassifier` of two classes and at most `DEPTH` levels."""
    trees = lay_out(model, names, lambda tree: np.asarray(tree.weighted_n_node_samples), _vote)
    usual = 0.0
    for cover, vote in zip(trees.cover, trees.leaf, strict=True):
        usual += _mean_vote(cover, vote) / len(trees.leaf)
    return RandomForest(trees, usual)


def _vote(tree: Any, node: int, depth: int) -> float:  # noqa: ARG001 - a vote is the same at any depth
    of_class = tree.value[node][0]
    return float(of_class[1] / of_class.sum())


def _mean_vote(cover: NDArray[np.float32], vote: NDArray[np.float64]) -> float:
    """What a tree says if at every node it goes both ways, as the rows it was fitted to did."""
    reached = np.ones(1)
    for level in range(DEPTH):
        first = (1 << level) - 1
        share = cover[first : first + len(reached)].astype(np.float64)
        reached = np.stack([reached * share, reached * (1.0 - share)], axis=1).ravel()
    return float((reached * np.maximum(vote, 0.0)).sum())

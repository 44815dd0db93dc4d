"""A random forest of two classes: fitted by scikit-learn, walked by a kernel (Breiman 2001)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.features import refuse_gaps
from vedette.detectors.learned.forest import not_above
from vedette.kernels.forest import BLOCK, DEPTH, INNER, LEAVES, path_lengths, path_shares

LEAST_OF_LEAF = 5
"""Rows of a leaf: a leaf of one learns its row by heart."""


@dataclass(frozen=True, slots=True)
class RandomForest:
    """A fitted forest of `DEPTH` levels.

    Attributes:
        names: Of its features.
        feature, threshold, cover: (trees, INNER): uint8, float32, float32; see the kernels.
        vote: float64 (trees, LEAVES), share of the second class among a leaf's rows; -1 where no branch ends.
        usual: Mean probability of the rows it was fitted to: what it says of a row it knows nothing of.
    """

    names: tuple[str, ...]
    feature: NDArray[np.uint8]
    threshold: NDArray[np.float32]
    cover: NDArray[np.float32]
    vote: NDArray[np.float64]
    usual: float

    def probability(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of the second class, float64 (n,): the mean of the trees' votes.

        Raises:
            FeatureError: A value is not a number; it is named.
        """
        refuse_gaps(rows, self.names)
        total = np.zeros(len(rows), dtype=np.float64)
        path_lengths(
            np.ascontiguousarray(rows, dtype=np.float32),
            self.feature,
            self.threshold,
            self.vote,
            np.zeros(BLOCK, dtype=np.int64),
            total,
        )
        return total / len(self.feature)

    def shares(self, row: NDArray[np.float32]) -> NDArray[np.float64]:
        """What each feature adds to a row's probability, float64 (features,).

        Exact Shapley values; they add up to the probability less `usual`.
        """
        refuse_gaps(row[None, :], self.names)
        shares = np.zeros(len(row), dtype=np.float64)
        path_shares(
            np.ascontiguousarray(row, dtype=np.float32),
            self.feature,
            self.threshold,
            self.vote,
            self.cover,
            np.zeros(DEPTH, dtype=np.int64),
            np.zeros(DEPTH, dtype=np.float64),
            np.zeros(DEPTH, dtype=np.int64),
            np.zeros(DEPTH + 1, dtype=np.float64),
            shares,
        )
        return shares / len(self.feature)


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
    trees = [estimator.tree_ for estimator in model.estimators_]
    feature = np.zeros((len(trees), INNER), dtype=np.uint8)
    threshold = np.full((len(trees), INNER), np.inf, dtype=np.float32)
    cover = np.ones((len(trees), INNER), dtype=np.float32)
    vote = np.full((len(trees), LEAVES), -1.0, dtype=np.float64)
    usual = 0.0
    for number, tree in enumerate(trees):
        _lay_out(tree, feature[number], threshold[number], cover[number], vote[number])
        usual += _mean_vote(cover[number], vote[number]) / len(trees)
    return RandomForest(tuple(names), feature, threshold, cover, vote, usual)


def _lay_out(
    tree: Any,
    feature: NDArray[np.uint8],
    threshold: NDArray[np.float32],
    cover: NDArray[np.float32],
    vote: NDArray[np.float64],
) -> None:
    left, right, weight = tree.children_left, tree.children_right, tree.weighted_n_node_samples
    waiting = [(0, 0)]
    while waiting:
        place, node = waiting.pop()
        if left[node] < 0:
            while place < INNER:
                place = 2 * place + 1
            of_class = tree.value[node][0]
            vote[place - INNER] = of_class[1] / of_class.sum()
            continue
        feature[place] = tree.feature[node]
        threshold[place] = not_above(float(tree.threshold[node]))
        cover[place] = weight[left[node]] / weight[node]
        waiting.append((2 * place + 1, int(left[node])))
        waiting.append((2 * place + 2, int(right[node])))


def _mean_vote(cover: NDArray[np.float32], vote: NDArray[np.float64]) -> float:
    """What a tree says if at every node it goes both ways, as the rows it was fitted to did."""
    reached = np.ones(1)
    for level in range(DEPTH):
        first = (1 << level) - 1
        share = cover[first : first + len(reached)].astype(np.float64)
        reached = np.stack([reached * share, reached * (1.0 - share)], axis=1).ravel()
    return float((reached * np.maximum(vote, 0.0)).sum())

"""Fitted trees in the layout that the kernels walk, whatever kind of forest they are of."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.archive import check_arrays
from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.features import refuse_gaps
from vedette.kernels.models.forest import BLOCK, DEPTH, INNER, LEAVES, path_lengths, path_shares

MOST_TREES: Final = 1_000
_MOST_WORTH: Final = 1e3
_NODES: Final = ("feature", "threshold", "cover")


class Trees(msgspec.Struct, frozen=True):
    """Trees of at most `DEPTH` levels.

    Attributes:
        names: Of their features.
        feature, threshold, cover: (trees, INNER): uint8, float32, float32; see the kernels.
        leaf: float64 (trees, LEAVES), what each leaf is worth, at least 0; -1 where no branch ends.
    """

    names: tuple[str, ...]
    feature: NDArray[np.uint8]
    threshold: NDArray[np.float32]
    cover: NDArray[np.float32]
    leaf: NDArray[np.float64]

    def mean(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mean worth of the leaves that rows come to, float64 (n,).

        Raises:
            FeatureError: A value is not a number; it is named.
        """
        refuse_gaps(rows, self.names)
        total = np.zeros(len(rows), dtype=np.float64)
        path_lengths(
            np.ascontiguousarray(rows, dtype=np.float32),
            self.feature,
            self.threshold,
            self.leaf,
            np.zeros((rows.shape[1], BLOCK), dtype=np.float32),
            np.zeros(BLOCK, dtype=np.uint32),
            total,
        )
        return total / len(self.feature)

    def shares(self, row: NDArray[np.float32]) -> NDArray[np.float64]:
        """What each feature adds to a row's mean, float64 (features,).

        Exact Shapley values; they add up to the row's mean less that of the rows the trees were fitted to.

        Raises:
            FeatureError: A value is not a number; it is named.
        """
        refuse_gaps(row[None, :], self.names)
        shares = np.zeros(len(row), dtype=np.float64)
        path_shares(
            np.ascontiguousarray(row, dtype=np.float32),
            self.feature,
            self.threshold,
            self.leaf,
            self.cover,
            np.zeros(DEPTH, dtype=np.int64),
            np.zeros(DEPTH, dtype=np.float64),
            np.zeros(DEPTH, dtype=np.int64),
            np.zeros(DEPTH + 1, dtype=np.float64),
            shares,
        )
        return shares / len(self.feature)

    def arrays(self, leaf: str) -> dict[str, NDArray[Any]]:
        """What is written of them.

        Args:
            leaf: The name under which leaves are written.
        """
        return {"feature": self.feature, "threshold": self.threshold, "cover": self.cover, leaf: self.leaf}


def array_names(leaf: str) -> tuple[str, ...]:
    """Of what `Trees.arrays` writes."""
    return (*_NODES, leaf)


def read_trees(arrays: Mapping[str, NDArray[Any]], names: Sequence[str], leaf: str) -> Trees:
    """Trees from what `Trees.arrays` gave.

    Args:
        arrays: All that `array_names` names. names: Of the features. leaf: The name under which leaves are written.

    Raises:
        ModelError: They are no trees, or look at features that there are not.
    """
    feature, threshold, cover, worth = (arrays[name] for name in array_names(leaf))
    trees = len(feature)
    check_arrays(
        arrays,
        {
            "feature": (np.uint8, (trees, INNER)),
            "threshold": (np.float32, (trees, INNER)),
            "cover": (np.float32, (trees, INNER)),
            leaf: (np.float64, (trees, LEAVES)),
        },
    )
    # A kernel reads rows at these places.
    if not 0 < trees <= MOST_TREES or int(feature.max()) >= len(names):
        raise ModelError(f"{trees} trees that look at feature {int(feature.max(initial=0))} of {len(names)}")
    if not (np.isfinite(worth).all() and np.isfinite(cover).all()) or np.isnan(threshold).any():
        raise ModelError("its numbers are not all finite")
    if not (0.0 <= cover.min() <= cover.max() <= 1.0 and worth.min() >= -1.0 and worth.max() <= _MOST_WORTH):
        raise ModelError(
            f"covers of {cover.min():.3g} to {cover.max():.3g}, leaves worth {worth.min():.3g} to {worth.max():.3g}: "
            f"must be 0 to 1, and -1 to {_MOST_WORTH:g}"
        )
    return Trees(tuple(names), feature, threshold, cover, worth)


def lay_out(
    model: Any,
    names: Sequence[str],
    rows: Callable[[Any], NDArray[Any]],
    worth: Callable[[Any, int, int], float],
) -> Trees:
    """Lay out a fitted ensemble of scikit-learn's trees, of at most `DEPTH` levels.

    Args:
        model: The ensemble. names: Of its features.
        rows: Of a tree, how many rows it was fitted to, or what they weigh, by node.
        worth: Of a tree, a node that is a leaf, and its depth: what it is worth.
    """
    fitted = [estimator.tree_ for estimator in model.estimators_]
    feature = np.zeros((len(fitted), INNER), dtype=np.uint8)
    threshold = np.full((len(fitted), INNER), np.inf, dtype=np.float32)
    cover = np.ones((len(fitted), INNER), dtype=np.float32)
    leaf = np.full((len(fitted), LEAVES), -1.0, dtype=np.float64)
    for number, tree in enumerate(fitted):
        left, right, count = tree.children_left, tree.children_right, rows(tree)
        # (place in the heap, node, its depth)
        waiting = [(0, 0, 0)]
        while waiting:
            place, node, depth = waiting.pop()
            if left[node] < 0:
                # A branch that has ended goes on to the left: nothing exceeds the thresholds there.
                while place < INNER:
                    place = 2 * place + 1
                leaf[number, place - INNER] = worth(tree, node, depth)
                continue
            feature[number, place] = tree.feature[node]
            threshold[number, place] = _not_above(float(tree.threshold[node]))
            cover[number, place] = count[left[node]] / count[node]
            waiting.append((2 * place + 1, int(left[node]), depth + 1))
            waiting.append((2 * place + 2, int(right[node]), depth + 1))
    return Trees(tuple(names), feature, threshold, cover, leaf)


def _not_above(value: float) -> np.float32:
    """The largest float32 that is at most a value: comparing float32 rows with it is comparing with the value."""
    single = np.float32(value)
    return np.nextafter(single, np.float32(-np.inf)) if float(single) > value else single

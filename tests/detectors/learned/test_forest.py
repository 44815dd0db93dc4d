"""A forest walked by the kernel is scikit-learn's forest."""

import math
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from vedette.detectors.learned.features import FeatureError
from vedette.detectors.learned.forest import Forest, fit_forest, from_sklearn
from vedette.kernels.forest import INNER

NAMES = tuple("abcdef")


def rows(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Some normal, some stepped, some constant columns."""
    made = np.random.default_rng(seed).normal(size=(count, len(NAMES))).astype(np.float32)
    made[:, 1] = np.round(made[:, 1])
    made[:, 2] = 3.0
    return made


@pytest.mark.parametrize("count", [2, 3, 50, 256, 2000])
def test_scores_are_those_of_scikit_learn(count: int) -> None:
    model = IsolationForest(n_estimators=20, max_samples=min(256, count), random_state=count).fit(rows(count))
    seen = np.concatenate([rows(257, seed=1), 10 * rows(40, seed=2), rows(count)])
    assert np.abs(from_sklearn(model, NAMES).score(seen) + model.score_samples(seen)).max() < 1e-6


def test_a_row_at_a_threshold_goes_where_scikit_learn_sends_it() -> None:
    model = IsolationForest(n_estimators=10, max_samples=64, random_state=1).fit(rows(64))
    edges = np.concatenate([t.tree_.threshold[t.tree_.feature >= 0] for t in model.estimators_])
    on_them = np.repeat(edges[:, None], len(NAMES), axis=1).astype(np.float32)
    nearby = np.concatenate([on_them, np.nextafter(on_them, np.inf), np.nextafter(on_them, -np.inf)])
    assert np.abs(from_sklearn(model, NAMES).score(nearby) + model.score_samples(nearby)).max() < 1e-6


def test_no_row_has_no_score() -> None:
    assert fit_forest(rows(100), NAMES, 1).score(rows(0)).shape == (0,)


def test_a_row_scores_alone_as_among_others() -> None:
    forest, seen = fit_forest(rows(500), NAMES, 1), rows(70, seed=3)
    assert [float(forest.score(seen[i : i + 1])[0]) for i in range(70)] == forest.score(seen).tolist()


def test_the_same_seed_gives_the_same_forest() -> None:
    first, second, other = (fit_forest(rows(500), NAMES, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.trees.threshold, second.trees.threshold)
    assert not np.array_equal(first.trees.threshold, other.trees.threshold)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_refused_by_name(bad: float) -> None:
    broken = rows(300)
    broken[7, 4] = bad
    with pytest.raises(FeatureError, match="feature e: row 7 is"):
        fit_forest(broken, NAMES, 1)
    with pytest.raises(FeatureError, match="feature e: row 7 is"):
        fit_forest(rows(300), NAMES, 1).score(broken)


def test_shares_are_shapley_values_and_add_up() -> None:
    model = IsolationForest(n_estimators=3, max_samples=64, random_state=1).fit(rows(64)[:, :4])
    forest = from_sklearn(model, NAMES[:4])
    for row in rows(5, seed=4)[:, :4]:
        shares = forest.shares(row)
        assert np.allclose(shares, _shapley(forest, row), atol=1e-6)
        assert math.isclose(
            shares.sum(), _expected(forest, row, set()) - forest.paths(row[None])[0], abs_tol=1e-6
        )


def _shapley(forest: Forest, row: NDArray[np.float32]) -> list[float]:
    """By the definition: over all coalitions."""
    places = range(len(row))
    return [
        sum(
            math.factorial(size) * math.factorial(len(row) - size - 1) / math.factorial(len(row))
            * (_expected(forest, row, set(others)) - _expected(forest, row, {*others, place}))
            for size in places
            for others in combinations([p for p in places if p != place], size)
        )
        for place in places
    ]  # fmt: skip


def _expected(forest: Forest, row: NDArray[np.float32], known: set[int]) -> float:
    """Mean path where only some features of a row are known."""

    def below(tree: int, node: int) -> float:
        if node >= INNER:
            return float(forest.trees.leaf[tree, node - INNER])
        left = float(forest.trees.cover[tree, node])
        place = int(forest.trees.feature[tree, node])
        if left >= 1.0:
            return below(tree, 2 * node + 1)
        if place in known:
            return below(tree, 2 * node + 1 + int(row[place] > forest.trees.threshold[tree, node]))
        return left * below(tree, 2 * node + 1) + (1 - left) * below(tree, 2 * node + 2)

    return sum(below(tree, 0) for tree in range(len(forest.trees.feature))) / len(forest.trees.feature)

"""A random forest walked by the kernel is scikit-learn's forest, and its shares add up."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from vedette.detectors.learned.features import FeatureError
from vedette.detectors.learned.random_forest import RandomForest, fit_random_forest, random_forest_of
from vedette.kernels.models.forest import DEPTH, INNER

NAMES = tuple("abcde")


def rows(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Some normal, some stepped, some constant columns."""
    made = np.random.default_rng(seed).normal(size=(count, len(NAMES))).astype(np.float32)
    made[:, 1] = np.round(made[:, 1])
    made[:, 2] = 3.0
    return made


def labels(of: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.asarray(of[:, 0] + of[:, 1] * of[:, 3] > 0.5)


def fitted(count: int = 600, seed: int = 1) -> RandomForest:
    return fit_random_forest(rows(count), labels(rows(count)), NAMES, trees=16, seed=seed)


@pytest.mark.parametrize("balanced", ["balanced", None])
@pytest.mark.parametrize("count", [20, 300, 2000])
def test_probabilities_are_those_of_scikit_learn(count: int, balanced: str | None) -> None:
    seen = np.concatenate([rows(257, seed=1), 10 * rows(40, seed=2), rows(count)])
    model = RandomForestClassifier(20, max_depth=DEPTH, class_weight=balanced, random_state=count)
    model.fit(rows(count), labels(rows(count)))
    theirs = model.predict_proba(seen)[:, 1]
    assert np.abs(random_forest_of(model, NAMES).probability(seen) - theirs).max() < 1e-12


def test_shares_add_up_to_the_probability_less_the_usual_one() -> None:
    forest, seen = fitted(), rows(40, seed=5)
    for row, probability in zip(seen, forest.probability(seen), strict=True):
        assert forest.shares(row).sum() == pytest.approx(probability - forest.usual, abs=1e-9)


def test_shares_are_shapley_values_of_every_coalition() -> None:
    forest, row = fitted(300), rows(1, seed=9)[0]

    def worth(tree: int, node: int, known: frozenset[int]) -> float:
        if node >= INNER:
            return max(0.0, float(forest.trees.leaf[tree, node - INNER]))
        column = int(forest.trees.feature[tree, node])
        left = float(forest.trees.cover[tree, node])
        if left < 1.0 and column in known:
            left = 0.0 if row[column] > forest.trees.threshold[tree, node] else 1.0
        sides = ((2 * node + 1, left), (2 * node + 2, 1.0 - left))
        return sum(part * worth(tree, place, known) for place, part in sides if part > 0.0)

    features = range(len(NAMES))
    trees = range(len(forest.trees.feature))
    value = {
        frozenset(chosen): sum(worth(tree, 0, frozenset(chosen)) for tree in trees) / len(trees)
        for size in range(len(NAMES) + 1)
        for chosen in combinations(features, size)
    }
    for feature in features:
        share = 0.0
        for chosen, without in value.items():
            if feature not in chosen:
                order = (
                    factorial(len(chosen)) * factorial(len(NAMES) - len(chosen) - 1) / factorial(len(NAMES))
                )
                share += order * (value[chosen | {feature}] - without)
        assert forest.shares(row)[feature] == pytest.approx(share, abs=1e-9)


def test_one_row_and_none_have_what_they_have_among_others() -> None:
    forest, seen = fitted(), rows(70, seed=3)
    assert [float(forest.probability(seen[i : i + 1])[0]) for i in range(70)] == forest.probability(
        seen
    ).tolist()
    assert forest.probability(rows(0)).shape == (0,)


def test_the_same_seed_gives_the_same_forest() -> None:
    first, second, other = fitted(), fitted(), fitted(seed=2)
    assert np.array_equal(first.trees.threshold, second.trees.threshold)
    assert not np.array_equal(first.trees.threshold, other.trees.threshold)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_refused_by_name(bad: float) -> None:
    broken = rows(100)
    broken[7, 3] = bad
    with pytest.raises(FeatureError, match="feature d: row 7 is"):
        fitted().probability(broken)
    with pytest.raises(FeatureError, match="feature d: row 7 is"):
        fit_random_forest(broken, labels(rows(100)), NAMES, trees=2, seed=1)

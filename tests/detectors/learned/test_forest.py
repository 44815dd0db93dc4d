"""A forest walked by the kernel is scikit-learn's forest, and one grown by the kernel is like one of its."""

import math
import os
import subprocess
import sys
from itertools import combinations
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from vedette.detectors.learned.features import FeatureError
from vedette.detectors.learned.forest import Forest, fit_forest, from_sklearn
from vedette.kernels.models.forest import INNER

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


def test_forests_agree_with_those_of_scikit_learn_as_these_agree_with_each_other() -> None:
    draw = np.random.default_rng(5)
    seen = np.concatenate([rows(300, seed=1), 3 * rows(300, seed=2)])

    def fitted_there(seed: int) -> NDArray[np.float64]:
        model = IsolationForest(n_estimators=100, max_samples=256, random_state=seed).fit(rows(2000))
        return -np.asarray(model.score_samples(seen))

    grown = [fit_forest(rows(2000), NAMES, seed).score(seen) for seed in range(6)]
    fitted = [fitted_there(seed) for seed in range(6)]
    # Between any two of each kind, and any two of one kind.
    within = [np.corrcoef(fitted[a], fitted[b])[0, 1] for a, b in combinations(range(6), 2)]
    across = [np.corrcoef(grown[a], fitted[b])[0, 1] for a in range(6) for b in range(6)]
    assert abs(np.mean(across) - np.mean(within)) < 2 * np.std(within)
    every = np.stack([*grown, *fitted])
    mixed = [
        np.abs(every[order[:6]].mean(axis=0) - every[order[6:]].mean(axis=0)).mean()
        for order in (draw.permutation(12) for _ in range(200))
    ]
    assert np.abs(every[:6].mean(axis=0) - every[6:].mean(axis=0)).mean() <= np.quantile(mixed, 0.99)


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(2, 300), st.integers(1, 4)),
        elements=st.sampled_from([-3e38, -1.0, 0.0, 1e-45, 1.0, 1.0000001, 7.0, 3e38]),
    ),
    st.integers(0, 5),
)
def test_trees_part_the_rows_they_were_grown_on(made: NDArray[np.float32], seed: int) -> None:
    forest = fit_forest(made, tuple("abcd"[: made.shape[1]]), seed)
    m = min(256, len(made))
    for feature, threshold, cover, length in zip(
        forest.trees.feature, forest.trees.threshold, forest.trees.cover, forest.trees.leaf, strict=True
    ):
        share = np.zeros(2 * INNER + 1)
        share[0] = m
        for node in range(INNER):
            share[2 * node + 1], share[2 * node + 2] = (
                share[node] * cover[node],
                share[node] * (1 - cover[node]),
            )
        cut = np.isfinite(threshold)
        at = share[:INNER][cut]
        # No branch without rows, no cut of a single row, and whole rows everywhere.
        assert (at > 1.5).all()
        assert ((cover[cut] > 0) & (cover[cut] < 1)).all()
        assert np.abs(share - np.round(share)).max() < 1e-3 * m
        assert (feature[~cut] == 0).all()
        assert ((length >= 0) == (np.round(share[INNER:]) > 0)).all()
        for node in np.flatnonzero(cut).tolist():
            column = made[:, feature[node]]
            assert column.min() <= threshold[node] < column.max()


def test_interpreted_kernels_grow_the_same_forest() -> None:
    forest = fit_forest(rows(300), NAMES, 3)
    script = (
        "import sys, numpy as np\n"
        "from vedette.detectors.learned.forest import fit_forest\n"
        "trees = fit_forest(np.load(sys.argv[1]), tuple('abcdef'), 3).trees\n"
        "np.savez(sys.argv[2], **trees.arrays('length'))\n"
    )
    with TemporaryDirectory() as directory:
        given_, made = f"{directory}/rows.npy", f"{directory}/forest.npz"
        np.save(given_, rows(300))
        subprocess.run(
            [sys.executable, "-c", script, given_, made],
            env={**os.environ, "VEDETTE_KERNELS": "interpret"},
            check=True,
        )
        with np.load(made) as told:
            for name in told.files:
                assert np.array_equal(told[name], forest.trees.arrays("length")[name]), name


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

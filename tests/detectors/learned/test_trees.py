"""Trees are read as they were written, or refused: a kernel goes where they say."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.forest import Forest, fit_forest, read_forest
from vedette.detectors.learned.random_forest import fit_random_forest, read_random_forest
from vedette.detectors.learned.trees import MOST_TREES, read_trees

NAMES = ("a", "b", "c")
ROWS = np.random.default_rng(7).normal(size=(200, len(NAMES))).astype(np.float32)

Arrays = dict[str, NDArray[Any]]


def written() -> tuple[Forest, Arrays]:
    forest = fit_forest(ROWS, NAMES, 1)
    return forest, {name: array.copy() for name, array in forest.arrays().items()}


def test_a_forest_is_read_as_it_was_written() -> None:
    forest, arrays = written()
    again = read_forest(arrays, NAMES, forest.usual)
    assert again.score(ROWS).tolist() == forest.score(ROWS).tolist()
    assert again.shares(ROWS[0]).tolist() == forest.shares(ROWS[0]).tolist()


def test_a_random_forest_is_read_as_it_was_written() -> None:
    forest = fit_random_forest(ROWS, ROWS[:, 0] > 0, NAMES, trees=8, seed=1)
    again = read_random_forest(forest.arrays(), NAMES, forest.usual)
    assert again.probability(ROWS).tolist() == forest.probability(ROWS).tolist()


def _beyond(arrays: Arrays) -> None:
    arrays["feature"][3, 0] = len(NAMES)


def _none(arrays: Arrays) -> None:
    for name in arrays:
        arrays[name] = arrays[name][:0]


def _many(arrays: Arrays) -> None:
    for name in arrays:
        arrays[name] = np.repeat(arrays[name], MOST_TREES // 100 + 1, axis=0)


def _short(arrays: Arrays) -> None:
    arrays["threshold"] = arrays["threshold"][:, :-1]


def _wide(arrays: Arrays) -> None:
    arrays["threshold"] = arrays["threshold"].astype(np.float64)


def _gap(arrays: Arrays) -> None:
    arrays["threshold"][0, 0] = np.nan


def _no_cover(arrays: Arrays) -> None:
    arrays["cover"][0, 0] = np.nan


def _endless(arrays: Arrays) -> None:
    arrays["length"][0, 0] = np.inf


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_beyond, "100 trees that look at feature 3 of 3"),
        (_none, "0 trees"),
        (_many, "1100 trees"),
        (_short, r"array threshold is float32 of shape \(100, 254\): must be float32 \(100, 255\)"),
        (_wide, "array threshold is float64"),
        (_gap, "not all finite"),
        (_no_cover, "not all finite"),
        (_endless, "not all finite"),
    ],
)
def test_what_a_kernel_could_not_walk_is_refused(spoil: Any, said: str) -> None:
    _, arrays = written()
    spoil(arrays)
    with pytest.raises(ModelError, match=said):
        read_trees(arrays, NAMES, "length")


def test_a_forest_without_a_usual_path_is_refused() -> None:
    _, arrays = written()
    with pytest.raises(ModelError, match=r"usual_path = 0: must be from 1 to 10\.2448"):
        read_forest(arrays, NAMES, 0.0)


def test_votes_are_shares() -> None:
    forest = fit_random_forest(ROWS, ROWS[:, 0] > 0, NAMES, trees=8, seed=1)
    arrays = forest.arrays()
    arrays["vote"][0, 0] = 1.5
    with pytest.raises(ModelError, match=r"a vote of 1\.5: must be at most 1"):
        read_random_forest(arrays, NAMES, forest.usual)

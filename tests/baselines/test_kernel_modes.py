"""Compiled, interpreted and bounds-checked kernels judge alike, and none reads outside."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.kernels.modes import said


def judged(place: Path, environment: dict[str, str]) -> dict[str, np.ndarray]:
    place.mkdir()
    said(environment, "tests.baselines.save_judged", place / "judged.npz", "700")
    with np.load(place / "judged.npz") as saved:
        return dict(saved)


@pytest.mark.slow
def test_all_modes_judge_and_learn_alike(tmp_path: Path, kernel_modes: Mapping[str, dict[str, str]]) -> None:
    interpreted = judged(tmp_path / "interpreted", kernel_modes["interpreted"])
    assert set(interpreted) == {"count", "ratio", "log", "gauge", "merged"}
    for mode in ("checked", "compiled"):
        compiled = judged(tmp_path / mode, kernel_modes[mode])
        for name, expected in interpreted.items():
            # To the last digit: a small log is scanned interpreted at first, and compiled the next time.
            np.testing.assert_array_equal(compiled[name], expected, err_msg=name)


@pytest.mark.slow
def test_all_modes_say_the_same_of_a_series(kernel_modes: Mapping[str, dict[str, str]]) -> None:
    interpreted = said(kernel_modes["interpreted"], "tests.baselines.save_series")
    assert said(kernel_modes["checked"], "tests.baselines.save_series") == interpreted
    assert said(kernel_modes["compiled"], "tests.baselines.save_series") == interpreted

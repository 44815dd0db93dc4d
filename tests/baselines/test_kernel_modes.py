"""Compiled, interpreted and bounds-checked kernels judge alike, and none reads outside."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent


def judged(place: Path, environment: dict[str, str]) -> dict[str, np.ndarray]:
    place.mkdir()
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.baselines.save_judged", place / "judged.npz", "700"],
        env=os.environ | environment,
        cwd=HERE.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    with np.load(place / "judged.npz") as saved:
        return dict(saved)


@pytest.mark.slow
def test_all_modes_judge_and_learn_alike(tmp_path: Path, kernel_modes: Mapping[str, dict[str, str]]) -> None:
    interpreted = judged(tmp_path / "interpreted", kernel_modes["interpreted"])
    assert set(interpreted) == {"count", "ratio", "log", "gauge", "merged"}
    for mode in ("checked", "compiled"):
        compiled = judged(tmp_path / mode, kernel_modes[mode])
        for name, expected in interpreted.items():
            # A log gamma of a million has nine digits left after the point, and they cancel.
            np.testing.assert_allclose(compiled[name], expected, rtol=1e-7, atol=1e-7, err_msg=name)

"""Compiled, interpreted and bounds-checked kernels judge alike, and none reads outside."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent


def judged(place: Path, **environment: str) -> dict[str, np.ndarray]:
    place.mkdir()
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.baselines.save_judged", place / "judged.npz", "700"],
        # A cache of its own: numba does not tell checked code from unchecked when it loads either.
        env=os.environ | {"NUMBA_CACHE_DIR": str(place)} | environment,
        cwd=HERE.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    with np.load(place / "judged.npz") as saved:
        return dict(saved)


@pytest.mark.slow
def test_all_modes_judge_and_learn_alike(tmp_path: Path) -> None:
    interpreted = judged(tmp_path / "interpreted", VEDETTE_KERNELS="interpret")
    assert set(interpreted) == {"count", "ratio", "log", "gauge", "merged"}
    for checked in "10":
        compiled = judged(tmp_path / checked, VEDETTE_KERNELS="compile", NUMBA_BOUNDSCHECK=checked)
        for name, expected in interpreted.items():
            # A log gamma of a million has nine digits left after the point, and they cancel.
            np.testing.assert_allclose(compiled[name], expected, rtol=1e-7, atol=1e-7, err_msg=name)

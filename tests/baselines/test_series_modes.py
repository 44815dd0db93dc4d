"""The kernels of a series say the same interpreted, compiled, and compiled with bounds checked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("save_series.py")


def digest(cache: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_kernels_agree_in_every_mode(tmp_path: Path) -> None:
    interpreted = digest(tmp_path, VEDETTE_KERNELS="interpret")
    assert digest(tmp_path / "checked", VEDETTE_KERNELS="compile", NUMBA_BOUNDSCHECK="1") == interpreted
    assert digest(tmp_path / "compiled", VEDETTE_KERNELS="compile", NUMBA_BOUNDSCHECK="0") == interpreted

"""Compiled, interpreted and bounds-checked kernels agree on hostile rows, and none reads outside."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def digest(cache: Path, *arguments: str, **environment: str) -> str:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.enrich.print_enriched", *arguments],
        # A cache of its own: numba does not tell checked code from unchecked when it loads either.
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)} | environment,
        cwd=HERE.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.slow
def test_all_modes_enrich_mutated_rows_alike(tmp_path: Path) -> None:
    interpreted = digest(tmp_path, "interpret", VEDETTE_KERNELS="interpret")
    assert digest(tmp_path / "checked", VEDETTE_KERNELS="compile", NUMBA_BOUNDSCHECK="1") == interpreted
    assert digest(tmp_path / "compiled", VEDETTE_KERNELS="compile", NUMBA_BOUNDSCHECK="0") == interpreted

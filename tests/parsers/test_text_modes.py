"""Compiled, interpreted and bounds-checked kernels read spoilt text logs alike, and none reads outside."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROUNDS = 30


def digests(cache: Path, **environment: str) -> dict[str, str]:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.parsers.print_text_parsed", str(ROUNDS)],
        # A cache of its own: numba does not tell checked code from unchecked when it loads either.
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)} | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, str] = json.loads(run.stdout)
    return found


@pytest.mark.slow
def test_all_modes_read_spoilt_logs_alike(tmp_path: Path) -> None:
    interpreted = digests(tmp_path, VEDETTE_KERNELS="interpret")
    assert len(interpreted) >= 15
    assert digests(tmp_path / "checked", NUMBA_BOUNDSCHECK="1") == interpreted
    assert digests(tmp_path / "compiled", NUMBA_BOUNDSCHECK="0") == interpreted

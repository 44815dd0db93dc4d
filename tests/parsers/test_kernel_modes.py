"""Compiled, interpreted and bounds-checked kernels agree on hostile lines, and none reads outside."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROUNDS = 40


def digests(cache: Path, **environment: str) -> dict[str, str]:
    run = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            HERE / "print_parsed.py",
            HERE.parent / "golden" / "formats",
            str(ROUNDS),
        ],
        # A cache of its own: numba does not tell checked code from unchecked when it loads either.
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    result: dict[str, str] = json.loads(run.stdout)
    return result


@pytest.mark.slow
def test_all_modes_read_mutated_logs_alike(tmp_path: Path) -> None:
    interpreted = digests(tmp_path, VEDETTE_KERNELS="interpret")
    assert len(interpreted) >= 5
    assert digests(tmp_path / "checked", NUMBA_BOUNDSCHECK="1") == interpreted
    assert digests(tmp_path / "compiled", NUMBA_BOUNDSCHECK="0") == interpreted

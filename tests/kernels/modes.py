"""Programs of the tests that run kernels in one mode."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def said(environment: dict[str, str], module: str, *arguments: str | Path) -> str:
    """What a module prints that runs by itself; that it warns of anything fails the test.

    Args:
        environment: One of `kernel_modes`.
    """
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", module, *map(str, arguments)],
        env=os.environ | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout

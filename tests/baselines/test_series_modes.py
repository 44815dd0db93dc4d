"""The kernels of a series say the same interpreted, compiled, and compiled with bounds checked."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("save_series.py")


def digest(environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_kernels_agree_in_every_mode(kernel_modes: Mapping[str, dict[str, str]]) -> None:
    interpreted = digest(kernel_modes["interpreted"])
    assert digest(kernel_modes["checked"]) == interpreted
    assert digest(kernel_modes["compiled"]) == interpreted

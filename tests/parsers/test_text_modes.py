"""Compiled, interpreted and bounds-checked kernels read spoilt text logs alike, and none reads outside."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROUNDS = 30


def digests(environment: dict[str, str]) -> dict[str, str]:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.parsers.print_text_parsed", str(ROUNDS)],
        env=os.environ | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, str] = json.loads(run.stdout)
    return found


@pytest.mark.slow
def test_all_modes_read_spoilt_logs_alike(kernel_modes: Mapping[str, dict[str, str]]) -> None:
    interpreted = digests(kernel_modes["interpreted"])
    assert len(interpreted) >= 15
    assert digests(kernel_modes["checked"]) == interpreted
    assert digests(kernel_modes["compiled"]) == interpreted

"""Compiled, interpreted and bounds-checked kernels agree on hostile lines, and none reads outside."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROUNDS = 40


def digests(environment: dict[str, str]) -> dict[str, str]:
    run = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            HERE / "print_parsed.py",
            HERE.parent / "golden" / "formats",
            str(ROUNDS),
        ],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    result: dict[str, str] = json.loads(run.stdout)
    return result


@pytest.mark.slow
def test_all_modes_read_mutated_logs_alike(kernel_modes: Mapping[str, dict[str, str]]) -> None:
    interpreted = digests(kernel_modes["interpreted"])
    assert len(interpreted) >= 5
    assert digests(kernel_modes["checked"]) == interpreted
    assert digests(kernel_modes["compiled"]) == interpreted

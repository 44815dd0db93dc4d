"""Compiled, interpreted and bounds-checked kernels agree on hostile rows, and none reads outside."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def digest(environment: dict[str, str], *arguments: str) -> str:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.enrich.print_enriched", *arguments],
        env=os.environ | environment,
        cwd=HERE.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.slow
def test_all_modes_enrich_mutated_rows_alike(kernel_modes: Mapping[str, dict[str, str]]) -> None:
    interpreted = digest(kernel_modes["interpreted"], "interpret")
    assert digest(kernel_modes["checked"]) == interpreted
    assert digest(kernel_modes["compiled"]) == interpreted

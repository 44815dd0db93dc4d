"""What the end-to-end tests share: `vedette` as a process of its own, and logs to feed it."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tests.patience import PATIENCE_S

from vedette.data import sample_path

Run = Callable[..., subprocess.CompletedProcess[bytes]]

COMMAND = (sys.executable, "-m", "vedette")
INTERPRETED = {**os.environ, "VEDETTE_KERNELS": "interpret", "COLUMNS": "100"}


@pytest.fixture
def vedette(tmp_path: Path) -> Run:
    """Runs `vedette` in an empty directory with interpreted kernels, which small logs need no compiler for."""

    def start(
        *arguments: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=tmp_path,
            capture_output=True,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            env={**INTERPRETED, **(env or {})},
            check=False,
            timeout=PATIENCE_S,
        )

    return start


@pytest.fixture(scope="session")
def sample() -> list[bytes]:
    """The lines of the sample log, with their newlines."""
    return sample_path().read_bytes().splitlines(keepends=True)

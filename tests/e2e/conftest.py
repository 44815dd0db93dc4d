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
ENVIRONMENT = {**os.environ, "COLUMNS": "100"}
"""How kernels run is the program's to choose: small logs need no compiler, and take what it made before."""


@pytest.fixture
def vedette(tmp_path: Path) -> Run:
    """Runs `vedette` in an empty directory."""

    def start(
        *arguments: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=tmp_path,
            capture_output=True,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            env={**ENVIRONMENT, **(env or {})},
            check=False,
            timeout=PATIENCE_S,
        )

    return start


@pytest.fixture(scope="session")
def sample() -> list[bytes]:
    """The lines of the sample log, with their newlines."""
    return sample_path().read_bytes().splitlines(keepends=True)

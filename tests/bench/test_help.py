"""Every benchmark starts and says what it measures: what it imports is there, and its options are read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
SCRIPTS = sorted(
    path
    for path in BENCH.rglob("*.py")
    if '__name__ == "__main__"' in path.read_text() and path.name != "python_re.py"
)
"""`python_re.py` is what others are timed against, and imports nothing that takes time."""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(BENCH)))
def test_a_benchmark_says_what_it_measures(script: Path) -> None:
    told = subprocess.run(
        [sys.executable, str(script), "--help"],
        env={**os.environ, "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert told.returncode == 0, told.stderr
    summary = next(line for line in script.read_text().splitlines() if line.startswith('"""')).strip('"')
    assert " ".join(summary.split()) in " ".join(told.stdout.split())

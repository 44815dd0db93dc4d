"""Every benchmark starts and says what it measures: what it imports is there, and its options are read."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
SCRIPTS = sorted(
    path
    for path in BENCH.rglob("*.py")
    if '__name__ == "__main__"' in path.read_text() and path.name != "python_re.py"
)
"""`python_re.py` is what others are timed against, and imports nothing that takes time."""

_LAUNCHER = """
# Forks for each script: what most of them import is imported once, and nothing is taken down.
import gc, os, runpy, sys, traceback
import hyperscan, msgspec, numpy, sklearn.ensemble
import vedette.cli.main, vedette.config, vedette.engine.build, vedette.simulate
gc.freeze()
for script in map(str.strip, sys.stdin):
    if (process := os.fork()) == 0:
        os.dup2(1, 2)
        sys.argv, sys.path[0] = [script, "--help"], os.path.dirname(script)
        status = 1
        try:
            runpy.run_path(script, run_name="__main__")
            status = 0
        except SystemExit as ended:
            status = int(bool(ended.code))
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    _, status = os.waitpid(process, 0)
    print(f"\\0{os.waitstatus_to_exitcode(status)}", flush=True)
"""


@pytest.fixture(scope="module")
def launcher() -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", _LAUNCHER]
    environment = {**os.environ, "COLUMNS": "300"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(BENCH)))
def test_a_benchmark_says_what_it_measures(script: Path, launcher: "subprocess.Popen[str]") -> None:
    assert launcher.stdin is not None
    assert launcher.stdout is not None
    print(script, file=launcher.stdin, flush=True)
    told = ""
    for line in launcher.stdout:
        if line.startswith("\0"):
            break
        told += line
    assert line == "\0" + "0\n", told
    summary = next(line for line in script.read_text().splitlines() if line.startswith('"""')).strip('"')
    assert " ".join(summary.split()) in " ".join(told.split())

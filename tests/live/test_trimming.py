"""Memory that a service gives back, seen from outside."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/statm is Linux's")

_CHILD = """
import sys
from pathlib import Path
from vedette.live.trimming import map_large_arrays, trim
import numpy as np

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

if sys.argv[1] == "tables":
    if sys.argv[2] == "mapped":
        assert map_large_arrays()
    del_me = [np.ones(30 << 20, dtype=np.uint8) for _ in range(3)]
    del del_me
    before = resident()
    table = np.zeros(20 << 20, dtype=np.uint8)
    print(resident() - before)
else:
    # Small blocks with one kept at the end: glibc returns none of what lies below it by itself.
    blocks = [bytes(1000) for _ in range(100_000)]
    last = blocks.pop()
    before = resident()
    del blocks
    if sys.argv[2] == "trimmed":
        trim()
    print(before - resident())
"""


def _measured(what: str, how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, what, how], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_a_table_takes_only_the_pages_that_are_used() -> None:
    assert _measured("tables", "mapped") < 1 << 20


def test_freed_memory_is_given_back() -> None:
    assert _measured("blocks", "trimmed") > 50 << 20
    assert _measured("blocks", "kept") < _measured("blocks", "trimmed") // 2

"""Memory that a service gives back, seen from outside."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/statm is Linux's")

_CHILD = """
import sys
from pathlib import Path
from vedette.engine.trimming import map_large_arrays, trim
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


_SHARED = """
import sys, threading
from pathlib import Path
from vedette.engine.trimming import share_one_heap

if sys.argv[1] == "shared":
    assert share_one_heap()
held = []
threads = [threading.Thread(target=lambda: held.append([bytes(600) for _ in range(20_000)])) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
heap = 0
for line in Path("/proc/self/smaps").read_text().splitlines():
    if "-" in line.split(" ", 1)[0]:
        inside = line.endswith("[heap]")
    elif inside and line.startswith("Rss:"):
        heap += int(line.split()[1]) * 1024
print(heap)
"""


def test_what_threads_take_comes_from_one_heap() -> None:
    """48 MB, of which each thread would else have its part apart."""
    taken = [
        int(
            subprocess.run(
                [sys.executable, "-c", _SHARED, how], capture_output=True, text=True, check=True
            ).stdout
        )
        for how in ("shared", "apart")
    ]
    assert taken[0] > 40 << 20
    assert taken[1] < 30 << 20


_LOADED = """
from pathlib import Path
import numpy as np
from vedette.detectors.learned.forest import fit_forest
from vedette.live.housekeeping import LOADER
from vedette.engine.trimming import let_go

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

rows = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
first = fit_forest(rows, "abcd", 1)
before = resident()
told = let_go(LOADER)
print(before - resident(), told, let_go("no such library"))
assert np.array_equal(fit_forest(rows, "abcd", 1).trees.leaf, first.trees.leaf)
# Loading another kernel needs the library again.
assert first.score(rows).shape == (300,)
"""


def test_what_kernels_were_loaded_by_is_given_back_and_comes_again() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True)
    less, told, of_nothing = map(int, done.stdout.split())
    assert less > 10 << 20
    assert abs(less - told) < 2 << 20
    assert of_nothing == 0


def test_freed_memory_is_given_back() -> None:
    assert _measured("blocks", "trimmed") > 50 << 20
    assert _measured("blocks", "kept") < _measured("blocks", "trimmed") // 2

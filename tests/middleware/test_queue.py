"""The queue: bounded, counted, and on its own thread in every process."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.middleware.made import record
from tests.patience import PATIENCE_S
from vedette.middleware import sink as sink_module
from vedette.middleware.record import Record
from vedette.middleware.sink import Counts, DeliveryError, Queue, RefusedError


class Gate:
    """A delivery that takes records while its gate is open; `answers` come first, each a number or an error."""

    def __init__(self, *answers: int | Exception) -> None:
        self.batches: list[list[Record]] = []
        self.answers = list(answers)
        self.gate = threading.Event()
        self.gate.set()
        self.offered = threading.Semaphore(0)
        self.closed = False

    def deliver(self, records: list[Record]) -> int:
        self.offered.release()
        self.gate.wait(PATIENCE_S)
        answer = self.answers.pop(0) if self.answers else len(records)
        if isinstance(answer, Exception):
            raise answer
        self.batches.append(records[:answer])
        return answer

    def close(self) -> None:
        self.closed = True


def statuses(gate: Gate) -> list[int]:
    return [each.status for batch in gate.batches for each in batch]


def test_records_are_handed_on_in_order_and_counted() -> None:
    gate = Gate()
    queue = Queue(gate, batch_records=10)
    for number in range(25):
        queue.put(record(status=number))
    queue.close(PATIENCE_S)
    assert statuses(gate) == list(range(25))
    assert max(map(len, gate.batches)) <= 10
    assert queue.counts() == Counts(taken=25, delivered=25, dropped=0, refused=0, queued=0)
    assert gate.closed


def test_a_full_batch_does_not_wait_for_its_age() -> None:
    gate = Gate()
    queue = Queue(gate, batch_records=5, batch_age_s=600)
    for number in range(5):
        queue.put(record(status=number))
    assert gate.offered.acquire(timeout=PATIENCE_S)
    queue.close(PATIENCE_S)
    assert statuses(gate) == [0, 1, 2, 3, 4]


def test_a_batch_that_is_old_enough_does_not_wait_to_be_full() -> None:
    gate = Gate()
    queue = Queue(gate, batch_records=1000, batch_age_s=0.01)
    queue.put(record())
    assert gate.offered.acquire(timeout=PATIENCE_S)
    queue.close(PATIENCE_S)


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    gate = Gate()
    gate.gate.clear()
    queue = Queue(gate, most_records=100)
    for number in range(250):
        queue.put(record(status=number))
    counts = queue.counts()
    assert (counts.taken, counts.dropped, counts.queued) == (250, 150, 100)
    gate.gate.set()
    queue.close(PATIENCE_S)
    assert statuses(gate) == list(range(100))


def test_memory_is_bounded_by_bytes_too() -> None:
    gate = Gate()
    gate.gate.clear()
    queue = Queue(gate, most_bytes=100_000)
    for _ in range(100):
        queue.put(record(user_agent=b"x" * 2000))
    assert queue.counts().queued * 2000 <= 100_000
    gate.gate.set()
    queue.close(PATIENCE_S)
    counts = queue.counts()
    assert counts.delivered + counts.dropped == 100


def test_a_side_that_is_away_is_tried_again_with_growing_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    class Closing(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0)
            return False

    gate = Gate(*[DeliveryError("away")] * 8, DeliveryError("busy", wait_s=30.0), OSError("odd"))
    queue = Queue(gate, batch_age_s=0.001)
    queue._closing = Closing()
    queue.put(record(status=7))
    for _ in range(11):
        assert gate.offered.acquire(timeout=PATIENCE_S)
    queue.close(PATIENCE_S)
    assert waited[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert waited[8:] == [60, 60]
    assert statuses(gate) == [7]


def test_what_the_other_side_takes_in_part_is_offered_again() -> None:
    gate = Gate(3, 0, 4)
    queue = Queue(gate, batch_records=10, batch_age_s=3600)
    for number in range(10):
        queue.put(record(status=number))
    while queue.counts().delivered < 10:
        assert gate.offered.acquire(timeout=PATIENCE_S)
    queue.close(PATIENCE_S)
    assert statuses(gate) == list(range(10))


def test_a_batch_that_is_refused_is_counted_and_not_offered_again() -> None:
    gate = Gate(RefusedError("HTTP 400"))
    queue = Queue(gate, batch_records=2)
    queue.put(record(status=1))
    queue.put(record(status=2))
    assert gate.offered.acquire(timeout=PATIENCE_S)
    queue.put(record(status=3))
    queue.close(PATIENCE_S)
    counts = queue.counts()
    assert counts.refused + counts.delivered == 3
    assert counts.refused >= 2


def test_closing_is_bounded_and_what_comes_later_is_dropped() -> None:
    gate = Gate()
    gate.gate.clear()
    queue = Queue(gate, batch_records=1)
    queue.put(record())
    assert gate.offered.acquire(timeout=PATIENCE_S)
    queue.close(0.05)
    queue.put(record())
    assert queue.counts().dropped == 1
    gate.gate.set()


def test_many_threads_lose_no_count() -> None:
    gate = Gate()
    queue = Queue(gate, most_records=100_000)

    def work() -> None:
        for _ in range(500):
            queue.put(record())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.close(PATIENCE_S)
    assert queue.counts() == Counts(taken=4000, delivered=4000, dropped=0, refused=0, queued=0)


def run(program: str, **more: str) -> str:
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(Path(sink_module.__file__).parents[2]), str(root)])
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", program],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env={**os.environ, "PYTHONPATH": path, **more},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


FORKING = """
import os, sys
from tests.middleware.made import record
from vedette.middleware.sink import Queue

class Print:
    def deliver(self, records):
        os.write(1, ("".join(f"{os.getpid()} {r.status}\\n" for r in records)).encode())
        return len(records)
    def close(self): pass

queue = Queue(Print(), batch_age_s=3600)
queue.put(record(status=1))   # the parent's: its thread runs, and does not in the child
children = []
for number in (2, 3):
    pid = os.fork()
    if pid == 0:
        queue.put(record(status=number))
        sys.exit(0)
    children.append(pid)
for pid in children:
    assert os.waitpid(pid, 0)[1] == 0
print(os.getpid(), *children, "pids", flush=True)
"""


def test_each_process_that_forks_hands_on_its_own_and_at_its_end() -> None:
    """Nobody waits for the age of the batch, an hour: the end of the process hands on what is left."""
    lines = run(FORKING).splitlines()
    (pids,) = [line.split()[:3] for line in lines if line.endswith("pids")]
    told = sorted(line for line in lines if not line.endswith("pids"))
    assert told == sorted(f"{pid} {number}" for pid, number in zip(pids, (1, 2, 3), strict=True))


IMPORTED = """
import sys
import vedette.middleware
heavy = {"numpy", "numba", "pydantic", "msgspec", "sqlalchemy", "http", "ssl", "asyncio", "asgiref", "django"}
print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""


def test_importing_it_brings_the_standard_library_alone_and_little_of_that() -> None:
    assert run(IMPORTED) == "[]\n"


def test_a_middleware_that_is_thrown_away_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    import gc
    import weakref

    queue: Any = Queue(Gate())
    weak = weakref.ref(queue)
    del queue
    gc.collect()
    assert weak() is None

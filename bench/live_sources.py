"""What live sources cost by themselves, without parsing and judging: CPU time of one thread.

    python bench/live_sources.py

Seconds are simulated: the clock is passed in, so that an hour of one look a second takes as long as its work.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import measure
from vedette.sources.journal import Journal
from vedette.sources.tail import Follow, Tail

LINE = (
    b'203.0.113.7 - - [01/May/2024:00:00:00 +0000] "GET /shop/cart?id=%07d HTTP/1.1" 200 5123 '
    b'"-" "Mozilla/5.0 (X11)" %s\n'
)
SECOND = 1_000_000
ROOM = 4 << 20


class Clock:
    """The time that is told, microseconds."""

    def __init__(self) -> None:
        self.now = 1_714_521_600 * SECOND

    def __call__(self) -> int:  # noqa: D102 -- it is a clock
        return self.now


def lines(first: int, count: int) -> bytes:
    return b"".join(LINE % (first + n, b"x" * 80) for n in range(count))


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    print(measure.machine())
    print("| what | CPU |\n|---|---|")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        share = following(directory / "rate", files=1, per_second=1000, seconds=600)
        print(f"| following one file, 1,000 lines/s of {len(lines(0, 1))} bytes | {share:.3%} of a core |")
        for files in (1, 100, 1000):
            share = following(directory / f"idle{files}", files=files, per_second=0, seconds=60)
            print(f"| following {files} idle files | {share:.3%} of a core |")
        print(f"| reading what is there already | {bulk(directory):,.0f} lines/s |")
        for each, batches in ((1, 3000), (100, 300), (1000, 300)):
            rate = journal(directory / f"journal{each}", each, batches)
            print(f"| journal: batches of {each}, one sync for each, taken again | {rate:,.0f} lines/s |")


def following(directory: Path, *, files: int, per_second: int, seconds: int) -> float:
    """Share of a core that `Tail` takes, the writing left out."""
    directory.mkdir()
    for number in range(files):
        (directory / f"access-{number}.log").touch()
    clock = Clock()
    tail = Tail([Follow((str(directory),))], clock)
    tail.open(None)
    log = (directory / "access-0.log").open("ab", buffering=0)
    batch = lines(0, per_second)
    spent = 0.0
    for _ in range(seconds):
        log.write(batch)
        clock.now += SECOND
        spent += cpu_of(lambda: all_of(tail))
    tail.close()
    log.close()
    return spent / seconds


def bulk(directory: Path) -> float:
    log = directory / "bulk.log"
    count = 1_000_000
    log.write_bytes(lines(0, 1000) * (count // 1000))
    tail = Tail([Follow((str(log),))], Clock())
    tail.open(None)
    return count / cpu_of(lambda: all_of(tail))


def journal(directory: Path, each: int, batches: int) -> float:
    opened = Journal(directory, Clock())
    opened.open(None)
    batch = lines(0, each)

    def work() -> None:
        for _ in range(batches):
            opened.append("bench", batch)
            opened.sync()
        all_of(opened)

    rate = each * batches / cpu_of(work)
    opened.close()
    return rate


def all_of(source: Tail | Journal) -> None:
    while source.take(ROOM):
        pass


def cpu_of(work: Callable[[], None]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    main()

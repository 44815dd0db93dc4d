"""How fast bytes come in: the reading path alone, beside `wc -l` and `zcat | wc -l` on the same file.

python bench/read.py [LINES]     (default 1,000,000 lines, about 250 bytes each)
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from isal import igzip

from vedette.sources import BufferPool, discover, read_chunks

ROUNDS = 3


def write_log(path: Path, lines: int) -> None:
    draw = random.Random(1)
    agents = [
        f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/{n}.0.0.0 Safari/537.36"
        for n in range(60, 120)
    ]
    with path.open("w") as file:
        for number in range(lines):
            client = ".".join(str(draw.randrange(256)) for _ in range(4))
            clock = f"{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"
            target = f"/users/{draw.randrange(3000)}/orders?page={draw.randrange(10**6)}"
            file.write(
                f'{client} - - [01/May/2024:{clock} +0000] "GET {target} HTTP/1.1" 200 {number % 50_000} '
                f'"https://www.example.com/users/{draw.randrange(3000)}" "{draw.choice(agents)}"\n'
            )


def read(path: Path) -> int:
    pool = BufferPool()
    with read_chunks(discover([str(path)]).inputs[0], pool=pool) as reader:
        for chunk in reader:
            pool.release(chunk.buffer)
        return reader.lines


def shell(command: str) -> int:
    return int(subprocess.run(command, shell=True, capture_output=True, check=True).stdout)


def best(job: Callable[[], int], lines: int) -> float:
    """Least wall time of a few rounds, in seconds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        if job() != lines:
            sys.exit("a line was lost")
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lines", type=int, nargs="?", default=1_000_000)
    lines: int = parser.parse_args().lines
    with tempfile.TemporaryDirectory() as directory:
        plain, packed = Path(directory, "access.log"), Path(directory, "access.log.gz")
        write_log(plain, lines)
        with plain.open("rb") as source, igzip.open(packed, "wb") as target:
            while piece := source.read(1 << 20):
                target.write(piece)
        size = plain.stat().st_size
        print(f"{lines:,} lines, {size / 1e6:.0f} MB, as gzip {packed.stat().st_size / 1e6:.0f} MB")
        for name, ours, peer, command in (
            ("plain", plain, "wc -l", f"wc -l < {plain}"),
            ("gzip", packed, "zcat | wc -l", f"zcat {packed} | wc -l"),
        ):
            mine = best(lambda path=ours: read(path), lines)
            theirs = best(lambda line=command: shell(line), lines)
            speed = f"{size / mine / 1e9:5.2f} GB/s  {lines / mine / 1e6:6.1f} M lines/s"
            print(f"{name:6} {mine:6.3f} s  {speed}   {peer:12} {theirs:6.3f} s   ratio {mine / theirs:.2f}")


if __name__ == "__main__":
    main()

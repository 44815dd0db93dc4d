"""Runs commands as processes and tells what they cost; shared by every benchmark here.

This module imports nothing large: on Linux a child's peak memory starts from what its parent occupied when
the child was started.
"""

import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# Python's bytecode is there after the first run, as `pip install` leaves it, whatever the shell says: compiling all
# modules anew takes longer than starting.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@dataclass(frozen=True)
class Cost:
    """What one run of a process (and its children) took: seconds, seconds, bytes."""

    wall: float
    cpu: float
    peak: int


@dataclass
class Contender:
    """Something that is timed beside others.

    Attributes:
        name: As the table prints it.
        command: Arguments of the process.
        good: Exit statuses that mean it did its work.
        most_runs: Fewer runs for what takes a minute.
        environment: Added to the process's environment, made afresh for each run.
        memory: Bytes that its processes took together, at most; None where that was not asked for.
    """

    name: str
    command: Sequence[str]
    good: tuple[int, ...] = (0,)
    most_runs: int = 1000
    environment: Callable[[], dict[str, str]] = dict
    costs: list[Cost] = field(default_factory=list)
    memory: int | None = None
    failure: str | None = None


def run(
    command: Sequence[str], *, good: tuple[int, ...] = (0,), environment: dict[str, str] | None = None
) -> Cost:
    """Run a process to its end.

    Raises:
        RuntimeError: It ended with another status; the message holds the end of what it wrote.
    """
    begun = time.perf_counter()
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in good:
        tail = said.decode(errors="replace").strip()[-600:]
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {tail}")
    # ru_maxrss is in bytes on macOS, in KiB elsewhere.
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def memory_together(command: Sequence[str]) -> int | None:
    """Bytes that a process and its children take at most, in a run of its own: looking takes time.

    Looked at fifty times a second, and what processes share is counted once. None where `/proc` does not tell.
    """
    if not Path("/proc/self/smaps_rollup").exists():
        return None
    most = 0
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            most = max(most, sum(map(_proportional, _family(process.pid))))
            time.sleep(0.02)
    return most


def _family(process: int) -> list[int]:
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return [process]
    return [process, *(one for child in children for one in _family(int(child)))]


def _proportional(process: int) -> int:
    """Resident bytes of a process, its share of those that it does not have alone."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def interleave(contenders: Sequence[Contender], runs: int) -> None:
    """Run all contenders in turn, `runs` rounds: a busy minute hits them alike. One that fails drops out."""
    for turn in range(runs):
        for contender in contenders:
            if contender.failure is not None or turn >= contender.most_runs:
                continue
            print(f"  {turn + 1}/{runs} {contender.name} …", file=sys.stderr, flush=True)
            try:
                cost = run(contender.command, good=contender.good, environment=contender.environment())
            except (RuntimeError, OSError) as error:
                contender.failure = str(error)
                print(f"  {error}", file=sys.stderr)
            else:
                contender.costs.append(cost)


def table(title: str, contenders: Sequence[Contender], lines: int) -> str:
    """A markdown table: median (least-most) of each contender, and its speed relative to the first."""
    rows = [
        f"### {title}",
        "",
        "| | wall, s | CPU, s | peak memory, MB | lines/s | relative |",
        "|---|---|---|---|---|---|",
    ]
    first = median(contenders[0].costs, lambda c: c.wall) if contenders[0].costs else None
    for c in contenders:
        if not c.costs:
            rows.append(f"| {c.name} | failed: {(c.failure or 'not run').splitlines()[-1][-160:]} | | | | |")
            continue
        wall = median(c.costs, lambda cost: cost.wall)
        relative = f"{first / wall:.3g}" if first else ""
        rows.append(
            f"| {c.name} | {spread(c.costs, lambda cost: cost.wall)} "
            f"| {spread(c.costs, lambda cost: cost.cpu)} "
            f"| {(c.memory or median(c.costs, lambda cost: cost.peak)) / 1e6:.0f} "
            f"| {lines / wall:,.0f} | {relative} |"
        )
    return "\n".join(rows) + "\n"


def median(costs: Sequence[Cost], of: Callable[[Cost], float]) -> float:
    """The median of one figure."""
    return statistics.median(of(c) for c in costs)


def spread(costs: Sequence[Cost], of: Callable[[Cost], float]) -> str:
    """Median (least-most)."""
    values = [of(c) for c in costs]
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def vedette(*arguments: str) -> list[str]:
    """A command that runs this checkout's command line."""
    return [sys.executable, "-m", "vedette", *arguments]


def machine() -> str:
    """One paragraph on where the figures come from."""
    packages = []
    for name in ("vedette", "numpy", "numba", "hyperscan", "msgspec"):
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            packages.append(f"{name} missing")
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f"{os.getloadavg()[0]:.1f}"
    return (
        f"{_processor()}, {usable} usable cores, {_memory()}, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}, {', '.join(packages)}. "
        f"Load average at the start {load}.\n"
    )


def find(program: str) -> str | None:
    """Where a program is, or None."""
    return shutil.which(program)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> str:
    try:
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return "memory unknown"
    return f"{pages / 2**30:.0f} GiB memory"

"""Which parts of a scan take how much CPU time, in each of its two processes.

    python bench/parts.py FILE [--runs 3]

Every four milliseconds of a process's CPU time its stack is looked at; a kernel's time is that of who called it. Prints
milliseconds, the mean of the runs, one process after the other.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from types import FrameType

TICK = 0.004
START, REST = "until the first line is read", "the rest"
PARTS = {
    "read and parse": ("replay/reading.py:_source",),
    "enrich": ("enrich/enrich.py:apply",),
    "signatures": ("signatures/scan.py:judge",),
    "what is everyday": ("signatures/everyday.py:take",),
    "hand over": ("replay/crossing.py:pack", "replay/apart.py:batches"),
    "fill windows": ("windows/windower.py:add", "windows/windower.py:close"),
    "keep evidence": ("engine/collect.py:keep",),
    "parameters": ("parameters/habits.py:take", "parameters/habits.py:close"),
    "place routes": ("engine/routes.py:place",),
    "baselines": ("engine/metrics.py:judge", "engine/metrics.py:learn"),
    "what clients did before": ("windows/history.py:add",),
    "find attacks": ("signatures/attacks.py:look",),
    "find what models say": (
        "learned/clients.py:look",
        "learned/ddos.py:look",
        "learned/unusual_values.py:look",
    ),
    "follow clients": ("learned/trails.py:take", "learned/trails.py:close"),
    "find what orders say": ("learned/sequences.py:look",),
    "collect orders": ("learned/sequences.py:learn",),
    "fit models, or wait for it": ("learned/course.py:step",),
    "find all else": ("engine/judging.py:_look",),
    "teach models": ("engine/judging.py:_teach",),
    "word and group": ("engine/judging.py:_state",),
    "write": ("replay/output.py:write_findings",),
}


class Sampler:
    """Counts the parts that this process is found in."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()
        self.part_before = START
        self._parts = {place: part for part, places in PARTS.items() for place in places}

    def begin(self, otherwise: str) -> None:
        """Count from here on; what is in none of the parts counts as `otherwise`."""
        self.part_before = otherwise
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, TICK, TICK)

    def end(self, path: Path) -> None:
        """Stop, and write what was found."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        path.write_text(json.dumps(self.found))

    def _look(self, _number: int, frame: FrameType | None) -> None:
        part = self.part_before
        while frame is not None:
            code = frame.f_code
            place = "/".join(Path(code.co_filename).parts[-2:]) + f":{code.co_name}"
            if place in self._parts:
                # The innermost that has a name: what finds attacks is among what finds all else.
                part = self._parts[place]
                break
            frame = frame.f_back
        self.found[part] += 1


def scan(file: str, directory: Path) -> None:
    """One scan in this process, which leaves what it and the other one were found in."""
    sampler = Sampler()
    sampler.begin(START)
    from vedette.cli.main import run
    from vedette.replay.apart import Apart

    read, enter = Apart._run, Apart.__enter__  # noqa: SLF001 -- there is no other place to look from

    def reading(apart: Apart, *ends: int) -> None:
        sampler.found.clear()
        sampler.begin(REST)
        read(apart, *ends)
        sampler.end(directory / "reading")

    def entered(apart: Apart) -> Apart:
        found = enter(apart)
        sampler.part_before = REST
        return found

    Apart._run, Apart.__enter__ = reading, entered  # type: ignore[method-assign] # noqa: SLF001 -- likewise
    with suppress(SystemExit):
        run(["scan", file, "--json", os.devnull])
    sampler.end(directory / "judging")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.into is not None:
        scan(arguments.file, arguments.into)
        return
    found = {"reading": Counter[str](), "judging": Counter[str]()}
    with tempfile.TemporaryDirectory() as directory:
        for _ in range(arguments.runs):
            again = [sys.executable, __file__, arguments.file, "--into", directory]
            subprocess.run(again, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            for process, parts in found.items():
                parts.update(json.loads((Path(directory) / process).read_text()))
    for process, parts in found.items():
        for part in (START, *PARTS, REST):
            if parts[part]:
                print(f"{process:8} {1000 * TICK * parts[part] / arguments.runs:6.0f}  {part}")
        print(f"{process:8} {1000 * TICK * parts.total() / arguments.runs:6.0f}")


if __name__ == "__main__":
    main()

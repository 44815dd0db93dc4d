"""What judging requests by signatures costs inside a scan: CPU time of the thread that judges.

    python bench/judging.py FILE [options of vedette scan …]

Prints how many distinct texts were decoded, and the seconds spent on decoding, searching, scoring and in all.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from vedette.cli.main import run as vedette
from vedette.detectors.signatures.decoding import ScanBuffer
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.detectors.signatures.targets import TargetJudge
from vedette.replay import scanning

STEPS: tuple[tuple[type, str, str], ...] = (
    (ScanBuffer, "decode", "decode"),
    (SignatureScanner, "_scan", "search"),
    (TargetJudge, "_score", "payload model"),
    (SignatureScanner, "judge", "judging in all"),
)


def timed(step: Callable[..., Any], name: str, seconds: dict[str, float]) -> Callable[..., Any]:
    """The same step, its thread's CPU time added up."""

    def run(*arguments: Any) -> Any:
        begun = time.thread_time()
        result = step(*arguments)
        seconds[name] += time.thread_time() - begun
        if name == "decode":
            seconds["texts"] += len(result.end)
        return result

    return run


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__, file=sys.stderr if len(sys.argv) < 2 else sys.stdout)
        return 2 if len(sys.argv) < 2 else 0
    seconds: dict[str, float] = defaultdict(float)
    for owner, method, name in STEPS:
        setattr(owner, method, timed(getattr(owner, method), name, seconds))
    # In a process of its own it could not be watched.
    scanning.can_be_apart = lambda: False
    begun = time.process_time()
    with suppress(SystemExit):
        vedette(["scan", *sys.argv[1:], "--json", "/dev/null"])
    seconds["the whole scan"] = time.process_time() - begun
    print(f"{int(seconds.pop('texts')):,} texts (rows of the scan buffer) decoded", file=sys.stderr)
    for name, spent in seconds.items():
        print(f"{spent:8.3f} s  {name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())

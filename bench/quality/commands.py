"""Commands of Vedette's, run by scripts."""

import subprocess
import sys
from collections.abc import Sequence

VEDETTE = (sys.executable, "-m", "vedette")


def run(arguments: Sequence[str], good: tuple[int, ...] = (0,)) -> bytes:
    """Run a command to its end; what it wrote.

    Raises:
        SystemExit: Its exit status is not one of the `good`; what it said is the message.
    """
    done = subprocess.run([*VEDETTE, *arguments], capture_output=True, check=False)
    if done.returncode not in good:
        raise SystemExit(f"vedette {' '.join(arguments)}: exit {done.returncode}: {done.stderr.decode()}")
    return done.stdout

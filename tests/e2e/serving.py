"""`vedette serve` as a process of its own."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.patience import PATIENCE_S


@contextmanager
def serving(config: Path, *paths: Path) -> Iterator[str]:
    """The service, until it is killed; gives its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "vedette", "serve", "--config", str(config), "--port", "0", *map(str, paths)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said: list[str] = []
    found = None
    for line in process.stderr:
        said.append(line)
        if found := re.search(r" answers at (\S+)", line):
            break
    rest = threading.Thread(target=said.extend, args=(process.stderr,), daemon=True)
    rest.start()
    try:
        assert found is not None, said
        yield found[1]
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        rest.join(PATIENCE_S)
        process.stderr.close()

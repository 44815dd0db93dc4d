"""What `vedette serve` says when it begins."""

import os
import re
import subprocess
from pathlib import Path

from tests.e2e.conftest import COMMAND


def test_a_log_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "serve", "acces.log", "--port", "0"],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if " WARNING " in line:
            break
    process.kill()
    process.wait(20)
    process.stderr.close()
    assert re.search(r"reads files and what is pushed, keeps everything in sqlite", said[0])
    assert "acces.log: no such file; it is read when it appears" in said[-1]

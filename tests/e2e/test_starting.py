"""`vedette serve` where nothing is compiled yet: it answers at once, loses nothing, and ends when it is told to."""

import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import COMMAND
from tests.patience import PATIENCE_S, wait_until

LINE = '192.0.2.7 - - [02/Mar/2026:09:10:00 +0000] "GET / HTTP/1.1" 200 12'
_SAYS_WHERE = re.compile(
    r"(http://\S+) takes lines in; before they are judged: compiling \d+ kernels|answers at (http://\S+)"
)


@contextmanager
def serving(place: Path, **environment: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A service, and its address; killed in the end."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0"],
        cwd=place, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "XDG_STATE_HOME": str(place / "state"), "VEDETTE_KERNELS": "compile", **environment},
    )  # fmt: skip
    assert process.stderr is not None
    try:
        found = next(filter(None, map(_SAYS_WHERE.search, process.stderr)))
        yield found[1] or found[2], process
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        process.stderr.close()


def ask(address: str, body: bytes | None = None, kind: str = "application/json") -> tuple[int, Any]:
    request = urllib.request.Request(address, body, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


@pytest.mark.own_mode
def test_a_service_on_a_new_machine_takes_lines_in_before_it_can_judge_them(tmp_path: Path) -> None:
    empty = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    with serving(tmp_path, **empty) as (address, process):
        _, health = ask(f"{address}/health")
        assert (health["status"], health["preparation"]["step"]) == ("starting", "kernels")
        assert ask(f"{address}/ingest", f"{LINE}\n{LINE}".encode(), "text/plain")[0] == 202
        status, problem = ask(f"{address}/detect", json.dumps({"log_line": LINE}).encode())
        assert status == 503
        assert re.match(r"the service is starting: \d+ of \d+ kernels are compiled", problem["detail"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        assert process.stderr is not None
        assert "what was taken in is kept for the next start" in process.stderr.read()
    with serving(tmp_path) as (address, _):
        wait_until(lambda: ask(f"{address}/health")[1]["logs_processed"] == 2)

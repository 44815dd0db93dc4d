"""Reading in a process of its own: the same answers, and nothing left hanging when one of the two ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import ENVIRONMENT, Run
from tests.patience import PATIENCE_S
from tests.signatures import test_everyday as everyday

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread reads")

PROGRAM = """
import sys
from vedette.cli import main
from vedette.replay import apart
from vedette.replay.run import choose_kernel_mode
import vedette.replay.scanning as scanning
if {together}:
    scanning.can_be_apart = lambda: False
else:
    # Two cores are a matter of speed alone.
    scanning.can_be_apart = lambda: True
    scanning._LARGE = 0
    entered = apart.Apart.__enter__
    def told(self):
        entered(self)
        print("apart", self._process, file=sys.stderr, flush=True)
        return self
    apart.Apart.__enter__ = told
if {crowded}:
    def fork():
        raise BlockingIOError(11, "Resource temporarily unavailable")
    apart.os.fork = fork
sys.exit(main.run(["scan", *sys.argv[1:]]))
"""


def _start(
    place: Path, *arguments: str, together: bool = False, crowded: bool = False
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(together=together, crowded=crowded), *arguments],
        cwd=place,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )


def _found(place: Path, *arguments: str, together: bool) -> tuple[Any, bytes, bytes]:
    with _start(
        place, *arguments, "-q", "--json", "found.json", "--verdicts", "v", "--all", together=together
    ) as process:
        errors = process.communicate(timeout=PATIENCE_S)[1]
        assert process.returncode in (0, 1), errors
    found = json.loads((place / "found.json").read_bytes())
    del found["coverage"]["seconds"]
    return found, (place / "v").read_bytes(), errors


def test_a_process_of_its_own_finds_what_a_thread_finds(tmp_path: Path, sample: list[bytes]) -> None:
    spoilt = [*sample[:2500], b"spoilt\n", b"\n", *sample[2500:4000]]
    (tmp_path / "a.log").write_bytes(b"".join(spoilt))
    (tmp_path / "b.log").write_bytes(b"".join(sample[1500:3500]))
    (tmp_path / "past.log").write_bytes(b"".join(sample[:1500]))
    options = ("a.log", "b.log", "--baseline-from", "past.log")
    apart = _found(tmp_path, *options, together=False)
    together = _found(tmp_path, *options, together=True)
    assert b"apart" in apart[2]
    assert b"apart" not in together[2]
    assert apart[:2] == together[:2]
    assert apart[0]["coverage"]["skipped"] == {"blank": 1, "not_this_format": 1}


def test_what_is_everyday_is_told_as_a_thread_tells_it(tmp_path: Path) -> None:
    lines = everyday.log(
        everyday.site(9),
        everyday.requests(range(9), range(25), everyday.SELECT),
        everyday.requests([7], range(2), everyday.UNION, net="10.9"),
    )
    (tmp_path / "a.log").write_bytes(b"".join(lines))
    options = ("a.log", "--since", "2026-03-05", "--config", "c.yaml")
    (tmp_path / "c.yaml").write_text("windows: {span_s: 900}\n")
    apart = _found(tmp_path, *options, together=False)
    together = _found(tmp_path, *options, together=True)
    assert b"apart" in apart[2]
    assert apart[:2] == together[:2]
    assert {row["route"] for row in apart[0]["coverage"]["everyday"]} == {"/query"}


def test_an_error_there_is_the_same_line_here(tmp_path: Path, sample: list[bytes]) -> None:
    (tmp_path / "access.log").write_bytes(b"".join(sample[:200]))
    (tmp_path / "access.log.1").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    told = []
    for together in (False, True):
        with _start(tmp_path, "access.log", "access.log.1", together=together) as process:
            errors = process.communicate(timeout=PATIENCE_S)[1].splitlines()
            told.append((process.returncode, [line for line in errors if not line.startswith(b"apart")]))
    assert told[0] == told[1]
    assert told[0][0] == 2


@pytest.mark.parametrize("whom", ["reader", "scan"])
def test_neither_survives_the_other(whom: str, tmp_path: Path, sample: list[bytes]) -> None:
    with _start(tmp_path, "-") as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"".join(sample[:3000]))
        process.stdin.flush()
        reader = int(process.stderr.readline().split()[1])
        os.kill(reader if whom == "reader" else process.pid, signal.SIGKILL)
        # Its end comes when neither holds it open any more.
        errors = process.stderr.read()
        status = process.wait(PATIENCE_S)
    if whom == "reader":
        assert (status, errors.count(b"\n")) == (2, 1)
        assert b"the process that reads was ended from outside" in errors
    else:
        assert status == -signal.SIGKILL


def test_a_pipe_is_read_apart_too(vedette: Run, sample: list[bytes]) -> None:
    ended = vedette("scan", "-", stdin=b"".join(sample[:3000]))
    assert ended.returncode in (0, 1)
    assert b"3,000 read, 3,000 parsed" in ended.stdout


def test_where_no_process_can_be_had_a_thread_reads(tmp_path: Path, sample: list[bytes]) -> None:
    (tmp_path / "access.log").write_bytes(b"".join(sample[:500]))
    with _start(tmp_path, "access.log", crowded=True) as process:
        told, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (0, b"")
    assert b"500 read, 500 parsed" in told

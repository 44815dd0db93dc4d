"""What `vedette serve` says when it begins."""

import os
import re
import socket
import subprocess
from pathlib import Path

from tests.e2e.conftest import COMMAND
from tests.e2e.serving import serving
from tests.patience import PATIENCE_S

from vedette.storage import open_live_store


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
    process.wait(PATIENCE_S)
    process.stderr.close()
    assert re.search(r"reads files and what is pushed, keeps everything in sqlite", said[0])
    assert "acces.log: no such file; it is read when it appears" in said[-1]


def test_it_ends_with_standard_input_if_it_reads_nothing_else(tmp_path: Path) -> None:
    line = '192.0.2.7 - - [02/Mar/2026:09:10:00 +0000] "GET / HTTP/1.1" 200 12\n'
    ended = subprocess.run(
        [*COMMAND, "serve", "-", "--port", "0", "--store", f"sqlite:///{tmp_path / 'v.db'}"],
        cwd=tmp_path, capture_output=True, text=True, input=3 * line, timeout=PATIENCE_S,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "every source has ended" in ended.stderr
    with open_live_store(f"sqlite:///{tmp_path / 'v.db'}") as store:
        assert store.resume() is not None


def test_a_second_service_at_the_same_port_says_so_and_leaves_nothing_behind(tmp_path: Path) -> None:
    state, config = tmp_path / "state", tmp_path / "vedette.yaml"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config.write_text(f"live: {{directory: {state}}}\nserver: {{port: {port}}}\n")
        ended = subprocess.run(
            [*COMMAND, "serve", "--config", str(config)],
            cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S,
        )  # fmt: skip
    assert ended.returncode == 2
    assert f"server.port = {port}: cannot listen: another program listens there: give another" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["vedette.yaml"]


def test_a_second_service_on_the_same_store_is_refused_while_the_first_runs(tmp_path: Path) -> None:
    store = f"store: {{url: 'sqlite:///{tmp_path / 'v.db'}'}}"
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    # A socket each, so that it is not the port that they cannot share.
    first.write_text(f"live: {{directory: {tmp_path / 'one'}}}\n{store}\n")
    second.write_text(
        f"live: {{directory: {tmp_path / 'two'}}}\nserver: {{unix_socket: {tmp_path / 'socket'}}}\n{store}\n"
    )
    with serving(first):
        ended = subprocess.run(
            [*COMMAND, "serve", "--config", str(second)],
            cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S,
        )  # fmt: skip
    assert ended.returncode == 2
    assert re.search(
        r"v\.db: another vedette, which is running \(process \d+\), keeps its state there: end it, or give",
        ended.stderr,
    )

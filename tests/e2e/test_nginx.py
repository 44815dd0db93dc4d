"""A real nginx writes its log under load and rotates it while the service reads: each line is read once."""

import gzip
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.serving import serving
from tests.patience import PATIENCE_S
from tests.ports import port_for_a_server

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
PROGRAMS = {name: shutil.which(name, path=PATH) for name in ("nginx", "wrk", "logrotate")}
MISSING = [name for name, program in PROGRAMS.items() if program is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(MISSING), reason=f"needs {', '.join(MISSING)}: apt-get install {' '.join(MISSING)}"
    ),
]

ROTATIONS = 3
"""While nginx writes."""
NGINX = """
daemon off; pid {place}/nginx.pid; error_log {place}/error.log; worker_processes 1; {user}
events {{ worker_connections 256; }}
http {{
  access_log {place}/logs/access.log combined;
  client_body_temp_path {place}/a; proxy_temp_path {place}/b; fastcgi_temp_path {place}/c; uwsgi_temp_path {place}/d;
  scgi_temp_path {place}/e;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "ok"; }} location /gone {{ return 404; }} }}
}}
"""
LOGROTATE = """
{place}/logs/access.log {{
  rotate 20
  {how}
  missingok
  postrotate
    {nginx} -p {place} -c {place}/nginx.conf -s reopen
  endscript
}}
"""


@contextmanager
def nginx(place: Path) -> Iterator[int]:
    """A server with its files in a directory; gives its port."""
    port = port_for_a_server()
    # Its workers reopen the log themselves: as somebody else they could not reach it here.
    user = "user root;" if os.geteuid() == 0 else ""
    (place / "logs").mkdir()
    (place / "nginx.conf").write_text(NGINX.format(place=place, port=port, user=user))
    command = [str(PROGRAMS["nginx"]), "-p", str(place), "-c", str(place / "nginx.conf")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < end, (place / "error.log").read_text()
                assert process.poll() is None, (place / "error.log").read_text()
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def status(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/status", timeout=PATIENCE_S) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def metric(url: str, name: str) -> float:
    with urllib.request.urlopen(f"{url}/metrics", timeout=PATIENCE_S) as answer:
        text = answer.read().decode()
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


LAST = [f"/last/{number}" for number in range(5)]


def written(place: Path) -> int:
    """Lines in the log and all its older parts, when the last requests are among them: nginx answers, then it logs."""
    end = time.monotonic() + PATIENCE_S
    while True:
        parts = [
            gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            for path in (place / "logs").iterdir()
        ]
        if all(any(f"GET {last} ".encode() in part for part in parts) for last in LAST):
            return sum(part.count(b"\n") for part in parts)
        assert time.monotonic() < end, "nginx does not log what it was asked last"
        threading.Event().wait(0.05)


@pytest.mark.parametrize("how", ["nocompress", "compress\n  delaycompress", "dateext\n  dateformat -%s"])
def test_what_nginx_wrote_under_load_is_read_once_through_logrotate(tmp_path: Path, how: str) -> None:
    config = tmp_path / "vedette.yaml"
    config.write_text(f"live: {{directory: {tmp_path / 'state'}, poll_s: 0.05}}\n")
    rotating = tmp_path / "logrotate.conf"
    rotating.write_text(LOGROTATE.format(place=tmp_path, nginx=PROGRAMS["nginx"], how=how))
    rotating.chmod(0o644)
    rotate = [str(PROGRAMS["logrotate"]), "-f", "-s", str(tmp_path / "rotated"), str(rotating)]
    with nginx(tmp_path) as port, serving(config, tmp_path / "logs" / "access.log") as url:
        load = [str(PROGRAMS["wrk"]), "-t1", "-c4", f"-d{PATIENCE_S:.0f}s", f"http://127.0.0.1:{port}/a?b=1"]
        asking = subprocess.Popen(load, stdout=subprocess.PIPE, text=True)
        try:
            rotations = 0
            while rotations < ROTATIONS:
                # A file for each second, where names are dates.
                with suppress(subprocess.TimeoutExpired):
                    asking.wait(1.1)
                assert asking.poll() is None, "it asked until patience was over"
                done = subprocess.run(rotate, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
                rotations += done.returncode == 0
        finally:
            asking.send_signal(signal.SIGINT)
            said = asking.communicate()[0]
        for last in LAST:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{last}", timeout=PATIENCE_S).close()
        count = written(tmp_path)
        assert count > 1000, said
        end = time.monotonic() + PATIENCE_S
        while status(url)["logs_processed"] < count and time.monotonic() < end:
            threading.Event().wait(0.1)
        assert status(url)["logs_processed"] == count
        assert metric(url, "vedette_lines_total") == count
        assert metric(url, "vedette_parse_failures_total") == 0

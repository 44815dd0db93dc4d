"""A real Prometheus scrapes a real service, and finds its metrics with the names, types and labels promised."""

import json
import os
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.serving import serving
from tests.patience import PATIENCE_S
from tests.ports import port_for_a_server

PROGRAM = shutil.which("prometheus")
PROMTOOL = shutil.which("promtool")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        PROGRAM is None or PROMTOOL is None, reason="needs Prometheus: apt-get install prometheus"
    ),
]
LINE = '192.0.2.{n} - - [02/Mar/2026:09:10:00 +0000] "GET /a?q={q} HTTP/1.1" 200 12 "-" "curl/8.0"'


@contextmanager
def prometheus(place: Path, target: str) -> Iterator[str]:
    """A server that scrapes an address each second; gives its own."""
    port = port_for_a_server()
    (place / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s}\n"
        f"scrape_configs: [{{job_name: vedette, static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    process = subprocess.Popen(
        [
            str(PROGRAM),
            f"--config.file={place / 'prometheus.yml'}",
            f"--storage.tsdb.path={place / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "GOMAXPROCS": "1"},
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        return json.load(answer)["data"]


def value(url: str, query: str) -> float | None:
    found = ask(f"{url}/api/v1/query?query={urllib.parse.quote(query)}")["result"]
    return float(found[0]["value"][1]) if found else None


def wait_for(url: str, query: str, expected: float) -> None:
    end = time.monotonic() + PATIENCE_S
    found: float | None = None
    while time.monotonic() < end:
        try:
            found = value(url, query)
        except OSError:
            found = None
        if found == expected:
            return
        threading.Event().wait(0.2)
    pytest.fail(f"{query} is {found}, and not {expected}")


def test_prometheus_scrapes_what_was_counted(tmp_path: Path) -> None:
    config = tmp_path / "vedette.yaml"
    config.write_text(f"live: {{directory: {tmp_path / 'state'}, poll_s: 0.05}}\n")
    with serving(config) as url, prometheus(tmp_path, url.removeprefix("http://")) as server:
        logs = [LINE.format(n=n, q=n) for n in range(200)]
        body = json.dumps({"logs": [*logs, "not a log"]}).encode()
        request = urllib.request.Request(
            f"{url}/detect/batch", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            assert json.load(answer)["summary"]["total"] == 201
        wait_for(server, "vedette_ai_patterns_collected_total", 200)
        wait_for(server, "vedette_lines_total", 200)
        wait_for(server, 'up{job="vedette"}', 1)
        target = urllib.parse.quote('{job="vedette"}')
        kinds = ask(f"{server}/api/v1/targets/metadata?match_target={target}")
        # The name of a counter as OpenMetrics has it is without its suffix.
        types = {kind["metric"]: kind["type"] for kind in kinds}
        assert types["vedette_ai_patterns_collected"] == "counter"
        assert types["vedette_ai_analysis_duration_seconds"] in ("histogram", "summary")
        assert types["vedette_queue_bytes"] == "gauge"
        assert all(kind["help"] for kind in kinds if kind["metric"].startswith("vedette_"))
        with urllib.request.urlopen(f"{url}/metrics", timeout=PATIENCE_S) as answer:
            text = answer.read()
    checked = subprocess.run(
        [str(PROMTOOL), "check", "metrics"], input=text, capture_output=True, check=False, timeout=PATIENCE_S
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")

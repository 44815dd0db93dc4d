"""From a request in an application to a message about it: middleware, service, baselines, incident, webhook."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from random import Random
from typing import Any
from urllib.request import urlopen

import pytest

from vedette.middleware import VedetteWSGI
from vedette.middleware.ship import Ship

_PATIENCE_S = 90.0
_SETTINGS = """\
windows: {{span_s: 1}}
baselines: {{min_windows: 10}}
live: {{poll_s: 0.1, idle_after_s: 1, lateness_s: 1}}
server: {{port: 0}}
alerts:
  group_wait_s: 0
  channels:
    webhook: [{{name: ops, url: "{url}"}}]
"""


@contextmanager
def receiver() -> Iterator[tuple[str, "Queue[dict[str, Any]]"]]:
    """A webhook, and what it was sent."""
    got: Queue[dict[str, Any]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def service(place: Path, webhook: str) -> Iterator[str]:
    """A running service; its address."""
    (place / "vedette.yaml").write_text(_SETTINGS.format(url=webhook))
    log = place / "serve.log"
    command = [sys.executable, "-m", "vedette", "serve", "--config", str(place / "vedette.yaml")]
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, stderr=said, env=os.environ | {"XDG_STATE_HOME": str(place / "state")}
        )
        try:
            until = time.monotonic() + _PATIENCE_S
            while " answers at " not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, "it took too long to start"
                threading.Event().wait(0.05)
            yield next(word for word in log.read_text().split() if word.startswith("http://"))
            process.send_signal(signal.SIGTERM)
            assert process.wait(_PATIENCE_S) == 0, log.read_text()
        finally:
            process.kill()
            process.wait()


def shop(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """An application that fails when it is told to."""
    failing = environ["PATH_INFO"] == "/checkout" and environ["vedette.test.failing"]
    start_response("500 Internal Server Error" if failing else "200 OK", [("Content-Type", "text/plain")])
    return [b"no" if failing else b"yes"]


def visit(app: VedetteWSGI, chance: Random, *, failing: bool) -> None:
    """One request."""
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": chance.choice(["/", "/checkout", "/cart"]),
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "shop.example",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": f"203.0.113.{chance.randrange(1, 40)}",
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0",
        "HTTP_HOST": "shop.example",
        "vedette.test.failing": failing,
    }
    body = app(environ, lambda status, headers, exc_info=None: None)
    assert b"".join(body) in (b"yes", b"no")
    if hasattr(body, "close"):
        body.close()


@pytest.mark.slow
def test_an_error_burst_in_an_application_reaches_the_webhook_with_its_arithmetic(tmp_path: Path) -> None:
    chance = Random(1)
    with receiver() as (webhook, got), service(tmp_path, webhook) as address:
        sink = Ship(address, service="shop")
        app = VedetteWSGI(shop, sink=sink)
        pace = threading.Event()
        for second in range(75):
            for _ in range(40):
                visit(app, chance, failing=second >= 45)
            try:
                message = got.get_nowait()
                break
            except Empty:
                pace.wait(1.0)
        else:
            message = got.get(timeout=_PATIENCE_S)
        with urlopen(f"{address}/admin/api/ai/anomalies/{message['anomaly_id']}") as answer:
            anomaly = json.load(answer)
    assert message["service_name"] == "shop"
    assert message["state"] == "opened"
    assert message["title"].lower().startswith("error spike on shop")
    assert message["severity"] in ("medium", "high", "critical")
    assert "5xx" in message["message"]
    assert anomaly["type"] == "error_spike"
    assert anomaly["observed"] > anomaly["threshold"]
    assert sink.counts().dropped == sink.counts().refused == 0

"""Whatever way lines come, and whenever the service is killed, each that was taken is counted once."""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import cramjam
import pytest
from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from tests.patience import PATIENCE_S, wait_until
from tests.ports import port_for_a_server

from vedette.sources.loki_proto import PushRequest

JSON, PROTOBUF = "application/json", "application/x-protobuf"
BODIES, LINES, KILLS = 60, 25, 3
Asked = tuple[str, bytes | str, str]
"""Path, body, and its media type."""


def written(service: str, count: int) -> list[str]:
    """Lines of now."""
    now = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return [
        f'203.0.113.{n} - - [{now}] "GET /{service}/{n} HTTP/1.1" 200 512 "-" "Mozilla/5.0"'
        for n in range(count)
    ]


def loki(lines: Sequence[str]) -> Asked:
    push = PushRequest()
    stream = push.streams.add(labels=b'{app="loki", pod="a-1"}')
    for text in lines:
        stream.entries.add(line=text.encode()).timestamp.seconds = int(time.time())
    return "/loki/api/v1/push", bytes(cramjam.snappy.compress_raw(push.SerializeToString())), PROTOBUF


def loki_json(lines: Sequence[str]) -> Asked:
    values = [[str(time.time_ns()), text] for text in lines]
    return (
        "/loki/api/v1/push",
        json.dumps({"streams": [{"stream": {"app": "loki-json"}, "values": values}]}),
        JSON,
    )


def records(lines: Sequence[str], service: str | None) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    logs = request.resource_logs.add()
    if service is not None:
        logs.resource.attributes.add(key="service.name").value.string_value = service
    scope = logs.scope_logs.add()
    for text in lines:
        scope.log_records.add(time_unix_nano=time.time_ns()).body.string_value = text
    return request


SENDERS: dict[str, Callable[[Sequence[str]], Asked]] = {
    "loki": loki,
    "loki-json": loki_json,
    "otlp": lambda lines: ("/v1/logs", records(lines, None).SerializeToString(), PROTOBUF),
    "collector": lambda lines: ("/v1/logs", records(lines, "collector").SerializeToString(), PROTOBUF),
    "otlp-json": lambda lines: ("/v1/logs", MessageToJson(records(lines, "otlp-json")), JSON),
    "plain": lambda lines: ("/ingest?service=plain", "\n".join(lines), "text/plain"),
    "detect": lambda lines: ("/detect/batch", json.dumps({"logs": lines}), JSON),
}
"""By the service that their lines belong to."""


class Service:
    """A `vedette serve` that is killed and started again at the same address."""

    def __init__(self, place: Path, stack: ExitStack) -> None:
        self.place, self.port = place, port_for_a_server()
        (place / "vedette.yaml").write_text(
            f"server: {{port: {self.port}}}\nwindows: {{span_s: 5, lateness_s: 10}}\n"
            "live: {poll_s: 0.1, commit_s: 1, idle_after_s: 10}\n"
        )
        self._log = stack.enter_context((place / "serve.log").open("ab"))
        self.start()
        stack.callback(self.kill)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vedette", "serve", "--config", "vedette.yaml", "followed.log"],
            cwd=self.place, stderr=self._log, env=os.environ | {"XDG_STATE_HOME": str(self.place)},
        )  # fmt: skip
        wait_until(self.answers, lambda: (self.place / "serve.log").read_text())

    def answers(self) -> bool:
        """Whether it does."""
        try:
            return self.ask("GET", "/health")[0] == 200
        except OSError:
            return False

    def kill(self) -> None:
        """As a power cut would."""
        self._process.kill()
        self._process.wait(PATIENCE_S)

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, kind: str = JSON
    ) -> tuple[int, Any]:
        """Status and body of an answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, {"Content-Type": kind} if body is not None else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def counted(self, service: str) -> int:
        """Requests in a service's windows that have closed."""

        def pages() -> Iterator[int]:
            cursor = ""
            while cursor is not None:
                path = f"/admin/api/ai/windows?service={service}&limit=1000{cursor and '&cursor=' + cursor}"
                found = json.loads(self.ask("GET", path)[1])
                yield sum(one["requests"] for one in found["windows"] if one["route"] is None)
                cursor = found["cursor"]

        return sum(pages())


@pytest.mark.slow
def test_lines_that_come_in_all_ways_at_once_are_counted_once_though_it_is_killed(tmp_path: Path) -> None:
    (tmp_path / "followed.log").touch()
    taken: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    trouble: list[Any] = []

    with ExitStack() as stack:
        service = Service(tmp_path, stack)

        def sent() -> int:
            return sum(taken[name] + unknown[name] for name in SENDERS)

        def wait_for(goal: int) -> None:
            wait_until(lambda: trouble or sent() >= goal)

        def send(name: str) -> None:
            left = BODIES
            while left and not trouble:
                try:
                    status, said = service.ask("POST", *SENDERS[name](written(name, LINES)))
                except ConnectionRefusedError:
                    wait_until(service.answers)
                    continue
                except (OSError, HTTPException):
                    # Killed while it answered: nobody knows whether it took them.
                    unknown[name] += LINES
                else:
                    if status >= 300:
                        trouble.append((name, status, said))
                    taken[name] += LINES
                left -= 1

        def follow() -> None:
            with (tmp_path / "followed.log").open("a") as growing:
                for number in range(BODIES):
                    wait_for(number * LINES * len(SENDERS))
                    print(*written("followed", LINES), sep="\n", file=growing, flush=True)
                    taken["followed"] += LINES

        def all_counted(name: str) -> bool:
            return service.counted(name) >= taken[name]

        senders = [threading.Thread(target=send, args=(name,)) for name in SENDERS]
        for thread in (*senders, following := threading.Thread(target=follow)):
            thread.start()
        everything = LINES * BODIES * len(SENDERS)
        for number in range(1, KILLS + 1):
            wait_for(everything * number // (KILLS + 1))
            service.kill()
            service.start()
        for thread in (*senders, following):
            thread.join(PATIENCE_S)
        assert trouble == []
        for name in (*SENDERS, "followed"):
            wait_until(partial(all_counted, name), name)
            assert taken[name] <= service.counted(name) <= taken[name] + unknown[name], name

"""What starting a service and asking it cost: `/detect` line by line on one connection, and batches of 1,000.

    python bench/serve.py [--lines 5000] [--batches 100] [--starts 3]

The real service (`vedette serve`, SQLite, its journal on disk) answers on one core, and who asks keeps to the others;
beside it, in the same run, a bare Litestar route that takes the same bodies and answers a constant, and an application
on bare uvicorn that does nothing: what is left between them is Vedette, and what these wait for the machine is the
machine's. Every line is new to the service (its own path, query and client); one in a hundred is an attack.
"""

import argparse
import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

CORE = 0
"""The one that answers."""
WARM_BATCHES = 50
"""Batches before the first that counts: by then the live thread has found the format and loaded its loops."""
BARE = """
import sys, socket, msgspec, uvicorn
from litestar import Litestar, post
class Body(msgspec.Struct):
    log_line: str
    session_id: str | None = None
class Batch(msgspec.Struct):
    logs: list[str]
from litestar.params import JSONBody
@post("/detect", status_code=200, sync_to_thread=False)
def detect(data: JSONBody[Body]) -> dict[str, bool]:
    return {"is_anomaly": False}
@post("/detect/batch", status_code=200, sync_to_thread=False)
def batch(data: JSONBody[Batch]) -> dict[str, int]:
    return {"total": len(data.logs)}
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
print(f"answers at http://127.0.0.1:{s.getsockname()[1]} ", file=sys.stderr, flush=True)
app = Litestar([detect, batch], openapi_config=None, logging_config=None)
uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, loop="uvloop", http="httptools")).run([s])
"""
NOTHING = """
import sys, socket, uvicorn
async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    head = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b"{}"})
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
print(f"answers at http://127.0.0.1:{s.getsockname()[1]} ", file=sys.stderr, flush=True)
config = uvicorn.Config(app, log_config=None, access_log=False, loop="uvloop", http="httptools", lifespan="off")
uvicorn.Server(config).run([s])
"""


def line(number: int) -> str:
    """A log line that was never sent before."""
    query = f"q=shoes+{number}" if number % 100 else f"q={number}%27+union+select+password+from+users--"
    return (
        f"198.51.{number >> 8 & 255}.{number & 255} - - [02/Mar/2026:09:{number // 60 % 60:02}:{number % 60:02} +0000] "
        f'"GET /shop/item/{number}?{query} HTTP/1.1" 200 {1000 + number % 997} "https://shop.example/" '
        f'"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{100 + number % 20}.0"'
    )


@contextmanager
def serving(
    command: list[str], *, one_core: bool = True, variables: Mapping[str, str] | None = None
) -> Iterator[tuple[int, str, int]]:
    """A service, on one core unless told otherwise: its process, host and port."""
    with tempfile.TemporaryDirectory() as state:
        environment = {**os.environ, "STATE_DIRECTORY": state, **(variables or {})}
        pinned = ["taskset", "-c", str(CORE), *command] if one_core and shutil.which("taskset") else command
        with subprocess.Popen(pinned, stderr=subprocess.PIPE, env=environment) as process:
            assert process.stderr is not None
            said = b""
            while (found := re.search(rb"answers at http://([\d.]+):(\d+) ", said)) is None:
                if not select.select([process.stderr], [], [], 60)[0] or not (
                    piece := os.read(process.stderr.fileno(), 4096)
                ):
                    raise SystemExit(f"the service did not start: {said.decode()}")
                said += piece
            try:
                yield process.pid, found[1].decode(), int(found[2])
            finally:
                process.terminate()


def request(path: str, body: bytes) -> bytes:
    """An HTTP request."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def ask(connection: socket.socket, message: bytes, room: bytearray) -> None:
    """Send a request and read its whole answer into `room`, which must hold it: who asks is not what is measured."""
    connection.sendall(message)
    view, read, past = memoryview(room), 0, len(room)
    while read < past:
        got = connection.recv_into(view[read:past])
        if not got:
            raise SystemExit("the service has closed the connection, or answers more than there is room for")
        read += got
        head = room.find(b"\r\n\r\n", 0, read) if past == len(room) else -1
        if head >= 0:
            length = re.search(rb"(?i)content-length: (\d+)", room[:head])
            if length is None or not room.startswith(b"HTTP/1.1 200"):
                raise SystemExit(bytes(room[:read]).decode())
            past = head + 4 + int(length[1])


def cpu_s(process: int) -> float:
    """CPU seconds that a process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(name: str, command: list[str], lines: int, batches: int) -> None:
    """Print one row."""
    with serving(command) as (process, host, port), socket.create_connection((host, port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        room = bytearray(8 << 20)
        singles = [request("/detect", json.dumps({"log_line": line(n)}).encode()) for n in range(lines + 500)]
        many = [
            request(
                "/detect/batch",
                json.dumps({"logs": [line(1_000_000 + b * 1000 + n) for n in range(1000)]}).encode(),
            )
            for b in range(batches + WARM_BATCHES)
        ]
        for message in singles[:500]:
            ask(connection, message, room)
        took = []
        before = cpu_s(process)
        for message in singles[500:]:
            begun = time.perf_counter()
            ask(connection, message, room)
            took.append(time.perf_counter() - begun)
        single_cpu = (cpu_s(process) - before) / lines
        for message in many[:WARM_BATCHES]:
            ask(connection, message, room)
        before, begun = cpu_s(process), time.perf_counter()
        for message in many[WARM_BATCHES:]:
            ask(connection, message, room)
        wall, cpu = time.perf_counter() - begun, cpu_s(process) - before
    took.sort()
    total = batches * 1000
    print(
        f"{name:14} {took[len(took) // 2] * 1e3:8.2f} {took[int(len(took) * 0.99)] * 1e3:8.2f} {single_cpu * 1e3:8.2f} "
        f"{total / wall / 1e3:9.0f} {total / max(cpu, 0.01) / 1e3:9.0f}"
    )


def start(name: str, command: list[str], variables: Mapping[str, str], runs: int) -> None:
    """Print how long a service takes until it answers, the median of some runs."""
    took = []
    for _ in range(runs):
        begun = time.perf_counter()
        with serving(command, variables=variables) as (process, _, _):
            took.append((time.perf_counter() - begun, cpu_s(process)))
    wall, cpu = (sorted(each)[runs // 2] for each in zip(*took, strict=True))
    print(f"{name:38} {wall:8.2f} {cpu:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=5000)
    parser.add_argument("--batches", type=int, default=100)
    parser.add_argument("--starts", type=int, default=3)
    asked = parser.parse_args()
    if others := os.sched_getaffinity(0) - {CORE}:
        os.sched_setaffinity(0, others)
    print("                 /detect, ms per request        batches of 1,000, k lines/s")
    print(f"{'':14} {'p50':>8} {'p99':>8} {'cpu':>8} {'wall':>9} {'cpu':>9}")
    measure("bare uvicorn", [sys.executable, "-c", NOTHING], asked.lines, asked.batches)
    measure("bare Litestar", [sys.executable, "-c", BARE], asked.lines, asked.batches)
    vedette = [sys.executable, "-m", "vedette", "serve", "--port", "0"]
    measure("vedette serve", vedette, asked.lines, asked.batches)
    print(f"\n{'until it answers, s':38} {'wall':>8} {'cpu':>8}")
    start("vedette serve", vedette, {}, asked.starts)
    with tempfile.TemporaryDirectory() as nowhere:
        bare = {"PYTHONPYCACHEPREFIX": nowhere, "PYTHONDONTWRITEBYTECODE": "1"}
        start("vedette serve, no bytecode", vedette, bare, asked.starts)


if __name__ == "__main__":
    main()

"""What the middleware adds to a request, with a server that takes records and with one that is dead.

    python bench/middleware.py [--requests 20000]

Applications are called in this process, without a network: bare ones, Starlette, Flask and Django. Requests with and
without the middleware take turns, and each pair gives one difference. CPU time is that of the thread that serves; wall
time holds also what other threads (the one that ships records, and those of other programs) take from it.
"""

import argparse
import asyncio
import socket
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

import measure
from vedette.middleware import Ship, VedetteASGI, VedetteWSGI

TAKING = """
import socketserver
from http.server import BaseHTTPRequestHandler
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.server.lines += self.rfile.read(int(self.headers["Content-Length"])).count(b"\\n")
        body = b"%d" % self.server.lines
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass
class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    lines = 0
with Server(("127.0.0.1", 0), Handler) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
"""
HEADERS = [
    (b"host", b"shop.example.com"),
    (
        b"user-agent",
        b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0",
    ),
    (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"referer", b"https://shop.example.com/products"),
    (b"cookie", b"session=0123456789abcdef0123456789abcdef"),
    (b"x-forwarded-for", b"198.51.100.7, 10.0.0.3"),
]


def scope() -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": "/users/7/",
        "raw_path": b"/users/7/",
        "query_string": b"page=2",
        "root_path": "",
        "headers": list(HEADERS),
        "client": ("10.0.0.3", 4711),
        "server": ("127.0.0.1", 8000),
    }


def environ() -> dict[str, Any]:
    names = {f"HTTP_{name.decode().upper().replace('-', '_')}": value.decode() for name, value in HEADERS}
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/users/7/",
        "RAW_URI": "/users/7/?page=2",
        "QUERY_STRING": "page=2",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "10.0.0.3",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": sys.stdin.buffer,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **names,
    }


async def bare_asgi(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def bare_wsgi(_environ: Any, start: Any) -> list[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def starlette() -> Any:
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def user(request: Any) -> Any:
        return PlainTextResponse(request.path_params["number"])

    return Starlette(routes=[Route("/users/{number}/", user)])


def flask() -> Any:
    from flask import Flask

    app = Flask("bench")

    @app.get("/users/<int:number>/")
    def user(number: int) -> str:
        return str(number)

    return app


def django() -> Any:
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import path

    urls = types.ModuleType("bench_urls")
    urls.urlpatterns = [path("users/<int:number>/", lambda _, number: HttpResponse(str(number)))]  # type: ignore[attr-defined]
    sys.modules["bench_urls"] = urls
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="bench_urls",
        SECRET_KEY="bench",
        LOGGING_CONFIG=None,
        MIDDLEWARE=["vedette.middleware.vedette_route"],
    )
    return get_wsgi_application()


class Pair:
    """One application with and without, request by request."""

    def __init__(self, requests: int) -> None:
        self.requests = requests
        self.cpu: list[float] = []
        self.wall: list[float] = []
        self.bare: list[float] = []
        self.failed = 0

    def note(self, without: tuple[int, int], within: tuple[int, int]) -> None:
        """Take down what a request cost, CPU and wall in nanoseconds, without and with the middleware."""
        self.cpu.append((within[0] - without[0]) / 1e3)
        self.wall.append((within[1] - without[1]) / 1e3)
        self.bare.append(without[0] / 1e3)


def run_asgi(app: Any, ship: Ship, requests: int) -> Pair:
    pair = Pair(requests)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def one(which: Any) -> tuple[int, int]:
        answered: list[int] = []

        async def send(message: dict[str, Any]) -> None:
            answered.append(message.get("status", 0))

        of = scope()
        cpu, wall = time.thread_time_ns(), time.perf_counter_ns()
        try:
            await which(of, receive, send)
        except Exception:  # noqa: BLE001 -- counted, whatever it is
            answered = []
        cost = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
        pair.failed += not answered or answered[0] != 200
        return cost

    async def all_of_them() -> None:
        wrapped = VedetteASGI(app, sink=ship)
        for _ in range(requests // 10):
            await one(app)
            await one(wrapped)
        for _ in range(requests):
            pair.note(await one(app), await one(wrapped))

    asyncio.run(all_of_them())
    return pair


def run_wsgi(app: Any, ship: Ship, requests: int) -> Pair:
    pair = Pair(requests)

    def one(which: Callable[[Any, Any], Iterable[bytes]]) -> tuple[int, int]:
        answered: list[str] = []

        def start(status: str, *_: Any) -> Callable[[bytes], object]:
            answered.append(status)
            return answered.append  # type: ignore[return-value]

        of = environ()
        cpu, wall = time.thread_time_ns(), time.perf_counter_ns()
        try:
            body = which(of, start)
            b"".join(body)
            if hasattr(body, "close"):
                body.close()
        except Exception:  # noqa: BLE001 -- counted, whatever it is
            answered = []
        cost = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
        pair.failed += not answered or answered[0] != "200 OK"
        return cost

    wrapped = VedetteWSGI(app, sink=ship)
    for _ in range(requests // 10):
        one(app)
        one(wrapped)
    for _ in range(requests):
        pair.note(one(app), one(wrapped))
    return pair


def dead_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=20_000)
    requests = parser.parse_args().requests
    print(measure.machine())
    server = subprocess.Popen([sys.executable, "-c", TAKING], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    urls = {
        "taking": f"http://127.0.0.1:{int(server.stdout.readline())}",
        "dead": f"http://127.0.0.1:{dead_port()}",
    }
    contenders = [
        ("bare ASGI", run_asgi, bare_asgi),
        ("Starlette", run_asgi, starlette()),
        ("bare WSGI", run_wsgi, bare_wsgi),
        ("Flask", run_wsgi, flask()),
        ("Django", run_wsgi, django()),
    ]
    print(
        "| application | server | request alone, CPU µs | added, CPU µs: median | p99 | added, wall µs: median "
        "| failed requests | delivered | dropped |\n|---|---|---|---|---|---|---|---|---|"
    )
    for name, run, app in contenders:
        for state, url in urls.items():
            ship = Ship(url, service="bench")
            pair = run(app, ship, requests)
            ship.close(10)
            counts = ship.counts()
            print(
                f"| {name} | {state} | {median(pair.bare):.1f} | {median(pair.cpu):.1f} | {p99(pair.cpu):.1f} "
                f"| {median(pair.wall):.1f} | {pair.failed} of {2 * requests:,} | {counts.delivered:,} "
                f"| {counts.dropped:,} |"
            )
    server.kill()
    server.wait(10)


if __name__ == "__main__":
    main()

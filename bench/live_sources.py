"""What live sources cost by themselves, without parsing and judging: CPU time of the process.

    python bench/live_sources.py

Seconds of files and the journal are simulated: the clock is passed in, so that an hour of one look a second takes as
long as its work. Who sends syslog, and the Loki that is asked (a stand-in that knows its answers by heart), are
processes of their own, whose time does not count; what syslog brings in counts until it was on the disk and is taken
from the journal.
"""

import argparse
import json
import multiprocessing
import socket
import tempfile
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import measure
from vedette.sources.journal import Journal, JournalError
from vedette.sources.loki import Loki, LokiQuery, Server
from vedette.sources.loki_proto import PushRequest
from vedette.sources.loki_push import JSON, PROTOBUF, decode_loki_push
from vedette.sources.syslog import Listen, Syslog, parse_address
from vedette.sources.tail import Follow, Tail

LINE = (
    b'203.0.113.7 - - [01/May/2024:00:00:00 +0000] "GET /shop/cart?id=%07d HTTP/1.1" 200 5123 '
    b'"-" "Mozilla/5.0 (X11)" %s\n'
)
SECOND = 1_000_000
ROOM = 4 << 20
SENT = 200_000
"""Messages sent by syslog, and entries that the Loki has."""
A_SECOND = 20_000
"""Datagrams: as fast as they may come without being dropped."""
PAGE = 5_000


class Clock:
    """The time that is told, microseconds."""

    def __init__(self) -> None:
        self.now = 1_714_521_600 * SECOND

    def __call__(self) -> int:  # noqa: D102 -- it is a clock
        return self.now


def lines(first: int, count: int) -> bytes:
    return b"".join(LINE % (first + n, b"x" * 80) for n in range(count))


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    print(measure.machine())
    print("| what | CPU |\n|---|---|")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        share = following(directory / "rate", files=1, per_second=1000, seconds=600)
        print(f"| following one file, 1,000 lines/s of {len(lines(0, 1))} bytes | {share:.3%} of a core |")
        for files in (1, 100, 1000):
            share = following(directory / f"idle{files}", files=files, per_second=0, seconds=60)
            print(f"| following {files} idle files | {share:.3%} of a core |")
        print(f"| reading what is there already | {bulk(directory):,.0f} lines/s |")
        for each, batches in ((1, 3000), (100, 300), (1000, 300)):
            rate = journal(directory / f"journal{each}", each, batches)
            print(f"| journal: batches of {each}, one sync for each, taken again | {rate:,.0f} lines/s |")
        for transport in ("udp", "tcp"):
            came, rate = syslog(directory / transport, transport)
            print(
                f"| syslog over {transport.upper()}, {came:,} of {SENT:,} messages sent | {rate:,.0f} lines/s |"
            )
        for each in (500, PAGE):
            print(f"| Loki, asked for pages of {each:,} | {polled(each):,.0f} lines/s |")
        for kind, body in (("JSON", json_push()), ("protobuf", protobuf_push())):
            print(f"| Loki's pushes of 1,000 lines, {kind}, decoded | {pushed(*body):,.0f} lines/s |")


def following(directory: Path, *, files: int, per_second: int, seconds: int) -> float:
    """Share of a core that `Tail` takes, the writing left out."""
    directory.mkdir()
    for number in range(files):
        (directory / f"access-{number}.log").touch()
    clock = Clock()
    tail = Tail([Follow((str(directory),))], clock)
    tail.open(None)
    log = (directory / "access-0.log").open("ab", buffering=0)
    batch = lines(0, per_second)
    spent = 0.0
    for _ in range(seconds):
        log.write(batch)
        clock.now += SECOND
        spent += cpu_of(lambda: all_of(tail))
    tail.close()
    log.close()
    return spent / seconds


def bulk(directory: Path) -> float:
    log = directory / "bulk.log"
    count = 1_000_000
    log.write_bytes(lines(0, 1000) * (count // 1000))
    tail = Tail([Follow((str(log),))], Clock())
    tail.open(None)
    return count / cpu_of(lambda: all_of(tail))


def journal(directory: Path, each: int, batches: int) -> float:
    opened = Journal(directory, Clock())
    opened.open(None)
    batch = lines(0, each)

    def work() -> None:
        for _ in range(batches):
            opened.append("bench", batch)
            opened.sync()
        all_of(opened)

    rate = each * batches / cpu_of(work)
    opened.close()
    return rate


def syslog(directory: Path, transport: str) -> tuple[int, float]:
    """Messages that came through, and how many a CPU second."""
    opened = Journal(directory, Clock())
    opened.open(None)
    listen = Listen((parse_address(f"{transport}://127.0.0.1:0"),))
    source = Syslog("syslog", listen, opened, JournalError, wall_clock)
    source.open(None)
    began = time.process_time()
    sender = multiprocessing.get_context("spawn").Process(
        target=send_syslog, args=(transport, source.addresses[0][1])
    )
    sender.start()
    came, silent = 0, 0
    while silent < 20 and came < SENT:
        time.sleep(0.05)
        more = sum(each.lines.count(b"\n") for each in opened.take(1 << 30))
        came += more
        silent = 0 if more or sender.is_alive() else silent + 1
    rate = came / (time.process_time() - began)
    sender.join()
    source.close()
    opened.close()
    return came, rate


def wall_clock() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


def send_syslog(transport: str, port: int) -> None:
    """What nginx sends: RFC 3164, a message each, over TCP ended by a newline."""
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as out:
        out.connect(("127.0.0.1", port))
        began = time.monotonic()
        for first in range(0, SENT, 100):
            heads = (
                b"<190>May  1 00:00:00 web1 shop: " + line
                for line in lines(first, 100).splitlines(keepends=True)
            )
            if transport == "tcp":
                out.sendall(b"".join(heads))
                continue
            for message in heads:
                out.send(message.rstrip())
            time.sleep(max(0.0, began + first / A_SECOND - time.monotonic()))


def polled(page: int) -> float:
    """Lines a CPU second from a Loki that has one each millisecond."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=answer_loki, args=(there,), daemon=True)
    server.start()
    address, clock = here.recv(), Clock()
    query = LokiQuery('{job="nginx"}', limit=page, delay_s=0, back_s=0, since_s=SENT / 1000)
    began = time.process_time()
    source = Loki("loki", Server(address), query, clock)
    source.open(None)
    came = 0
    while came < SENT:
        found = source.take(1 << 30)
        came += sum(each.lines.count(b"\n") for each in found)
        if not found:
            time.sleep(0.01)
    rate = came / (time.process_time() - began)
    source.close()
    server.terminate()
    server.join()
    return rate


def answer_loki(told: Connection) -> None:
    """Say what stands in Loki's `query_range`, page by page."""
    texts = [line.rstrip(b"\n").decode() for line in lines(0, PAGE).splitlines(keepends=True)]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            first, end = -(-int(asked["start"]) // 1_000_000), -(-int(asked["end"]) // 1_000_000)
            times = range(first, min(end, first + int(asked["limit"])))
            values = [[str(at * 1_000_000), texts[at % PAGE]] for at in times]
            streams = [{"stream": {"job": "nginx", "service_name": "shop"}, "values": values}]
            body = json.dumps(
                {"status": "success", "data": {"resultType": "streams", "result": streams}}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is written about it."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    told.send(f"http://127.0.0.1:{server.server_port}")
    server.serve_forever()


def json_push() -> tuple[bytes, str]:
    values = [[str(n), line.decode()] for n, line in enumerate(lines(0, 1000).splitlines())]
    return json.dumps({"streams": [{"stream": {"job": "nginx"}, "values": values}]}).encode(), JSON


def protobuf_push() -> tuple[bytes, str]:
    from cramjam import snappy

    push = PushRequest()
    stream = push.streams.add(labels=b'{job="nginx"}')
    for n, line in enumerate(lines(0, 1000).splitlines()):
        stream.entries.add(timestamp={"seconds": n}, line=line)
    return bytes(snappy.compress_raw(push.SerializeToString())), PROTOBUF


def pushed(body: bytes, kind: str) -> float:
    rounds = 200

    def work() -> None:
        for _ in range(rounds):
            decode_loki_push(body, kind)

    return 1000 * rounds / cpu_of(work)


def all_of(source: Tail | Journal) -> None:
    while source.take(ROOM):
        pass


def cpu_of(work: Callable[[], None]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    main()

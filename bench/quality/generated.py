"""Attacks and faults made with the tools that people use, between two network namespaces: is each found, and when?

`python bench/quality/generated.py` as root, with nmap, hping3, slowhttptest, iperf3, curl, tc and dumpcap (of tshark)
installed; what is missing is named and left out. Each scene is captured at the server's end while quiet traffic goes on
(curl, twice a second), and scanned with defaults, but for windows of a second where a baseline is needed, which takes
30 of them. Printed is in which window after the event's beginning it was stated first; the same time without an event
must be silent.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

CLIENT, SERVER = "vedette-a", "vedette-b"
ADDRESS = "10.98.0.2"
TOOLS = ("ip", "tc", "dumpcap", "curl", "nmap", "hping3", "slowhttptest", "iperf3")
SERVERS = """
import http.server, socketserver, threading, time
class Login(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"SSH-2.0-x\\r\\n"); self.request.recv(99); self.request.sendall(b"no\\r\\n")
class Many(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 512
class Quiet(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.005 if self.path == "/" else 0.3)
        self.send_response(200); self.send_header("Content-Length", "500"); self.end_headers()
        self.wfile.write(b"x" * 500)
    def log_message(self, *_): pass
threading.Thread(target=Many(("0.0.0.0", 22), Login).serve_forever, daemon=True).start()
http.server.ThreadingHTTPServer.request_queue_size = 512
http.server.ThreadingHTTPServer(("0.0.0.0", 80), Quiet).serve_forever()
"""
GUESSES = """
import socket, time
for n in range(60):
    s = socket.create_connection(("10.98.0.2", 22)); s.recv(99); s.sendall(b"root:%d" % n); s.recv(9); s.close()
    time.sleep(0.1)
"""


@dataclass(frozen=True)
class Scene:
    """What happens, and what is to be stated: `expected` within three windows of `span` seconds.

    `before` are seconds of quiet traffic before it, `requests` at a time, `after` the time that the event takes.
    """

    name: str
    expected: str | None
    needs: str
    event: Callable[[], object]
    before: float = 12
    after: float = 12
    span: int = 10
    requests: int = 1


def run(space: str, *words: str, seconds: float | None = None) -> None:
    command = ["ip", "netns", "exec", space, *words]
    if seconds is not None:
        command = ["timeout", "-s", "INT", str(seconds), *command]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def start(stack: ExitStack, space: str, *words: str) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        ["ip", "netns", "exec", space, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def end() -> None:
        child.terminate()
        child.wait()

    stack.callback(end)
    return child


def shape(*words: str) -> None:
    for space, device in ((CLIENT, "va"), (SERVER, "vb")):
        subprocess.run(
            ["ip", "netns", "exec", space, "tc", "qdisc", "replace", "dev", device, "root", "netem", *words],
            check=True,
        )


def lossy() -> None:
    shape("delay", "5ms", "loss", "8%")
    run(CLIENT, "iperf3", "-c", ADDRESS, "-t", "12")


def slow() -> None:
    shape("delay", "200ms")
    time.sleep(8)


def slow_answers() -> None:
    end = time.time() + 8
    while time.time() < end:
        run(
            CLIENT,
            "curl",
            "-s",
            "-o",
            "/dev/null",
            "--parallel",
            "--parallel-max",
            "16",
            *[f"http://{ADDRESS}/slow"] * 16,
        )


def shapes() -> bool:
    """Whether the kernel can delay and lose packets."""
    return not subprocess.run(
        [
            "ip",
            "netns",
            "exec",
            CLIENT,
            "tc",
            "qdisc",
            "replace",
            "dev",
            "va",
            "root",
            "netem",
            "delay",
            "1ms",
        ],
        stderr=subprocess.DEVNULL,
        check=False,
    ).returncode


def heavy() -> None:
    run(CLIENT, "iperf3", "-c", ADDRESS, "-t", "6", "-b", "200M")


SCENES = (
    Scene("quiet", None, "curl", lambda: time.sleep(20)),
    Scene("nmap -sS", "port_scan", "nmap", lambda: run(CLIENT, "nmap", "-n", "-Pn", "-sS", "-p1-1000", ADDRESS)),
    Scene("nmap -sT", "port_scan", "nmap", lambda: run(CLIENT, "nmap", "-n", "-Pn", "-sT", "-p1-1000", ADDRESS)),
    Scene("nmap -sX", "port_scan", "nmap", lambda: run(CLIENT, "nmap", "-n", "-Pn", "-sX", "-F", ADDRESS)),
    Scene("nmap -sU", "port_scan", "nmap",
          lambda: run(CLIENT, "nmap", "-n", "-Pn", "-sU", "-F", "--max-retries", "0", ADDRESS, seconds=20)),
    Scene("hping3 -S", "syn_flood", "hping3",
          lambda: run(CLIENT, "hping3", "-q", "-S", "-p", "80", "-i", "u500", "--rand-source", ADDRESS, seconds=12)),
    Scene("hping3 --udp", "ddos_attack", "hping3",
          lambda: run(CLIENT, "hping3", "-q", "--udp", "-p", "9", "--flood", ADDRESS, seconds=4)),
    Scene("hping3 --icmp", "ddos_attack", "hping3",
          lambda: run(CLIENT, "hping3", "-q", "--icmp", "-i", "u100", "--spoof", "10.98.0.77", ADDRESS, seconds=14)),
    Scene("slowhttptest", "long_lived_connection", "slowhttptest",
          lambda: run(CLIENT, "slowhttptest", "-H", "-c", "100", "-r", "50", "-i", "10", "-l", "25", "-u",
                      f"http://{ADDRESS}/")),
    Scene("guessed passwords", "brute_force", "curl", lambda: run(CLIENT, sys.executable, "-c", GUESSES)),
    Scene("netem loss 8%", "packet_loss", "netem", lossy),
    Scene("netem delay 200 ms", "high_latency", "netem", slow, before=60, span=1),
    Scene("answers after 0.3 s", "high_latency", "curl", slow_answers, before=60, span=1, requests=16),
    Scene("iperf3 200 Mbit/s", "traffic_spike", "iperf3", heavy, before=60, span=1),
)  # fmt: skip


def play(scene: Scene, folder: Path) -> None:
    capture = folder / "scene.pcapng"
    with ExitStack() as stack:
        pages = f"http://{ADDRESS}/ " * scene.requests
        if scene.needs == "netem":
            shape("delay", "5ms")
        dump = start(stack, SERVER, "dumpcap", "-q", "-i", "vb", "-s", "256", "-B", "64", "-w", str(capture))
        start(stack, CLIENT, "bash", "-c", f"while :; do curl -s -Z {pages} > /dev/null; sleep 0.5; done")
        time.sleep(scene.before)
        begin = time.time()
        scene.event()
        time.sleep(max(0.0, scene.after - (time.time() - begin)))
        dump.send_signal(2)
        dump.wait()
    settings = folder / "vedette.yaml"
    settings.write_text(f"network:\n  span_s: {scene.span}\n")
    found = folder / "found.json"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "vedette",
            "scan",
            "-q",
            str(capture),
            "--config",
            str(settings),
            "--json",
            str(found),
        ],
        check=False,
    )
    if done.returncode > 1:
        sys.exit(f"{scene.name}: the scan failed")
    document = json.loads(found.read_text())
    stated = [a for a in document["anomalies"] if a["service"] == "network"]
    others = sorted({a["type"] for a in stated} - {scene.expected})
    mine = [datetime.fromisoformat(a["end"]).timestamp() for a in stated if a["type"] == scene.expected]
    packets = document["coverage"]["packets"]
    if scene.expected is None:
        verdict = "silent" if not stated else f"NOT SILENT: {', '.join(others)}"
    elif not mine:
        verdict = f"NOT FOUND as {scene.expected}"
    else:
        window = int(min(mine) // scene.span - begin // scene.span)
        verdict = f"{scene.expected} in window {window}" + ("" if window <= 3 else ": TOO LATE")
    print(
        f"{scene.name:22} {packets:9,} packets  {verdict}{f'; also {others}' if others and mine else ''}",
        flush=True,
    )


def main(chosen: list[str]) -> None:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if os.geteuid() or {"ip", "tc", "dumpcap", "curl"} & set(missing):
        sys.exit(
            f"not permitted, or not installed here: {', '.join(missing) or 'network namespaces need root'}"
        )
    with ExitStack() as stack:
        for space in (CLIENT, SERVER):
            subprocess.run(["ip", "netns", "add", space], check=True)
            stack.callback(subprocess.run, ["ip", "netns", "del", space], check=True)
        subprocess.run(
            [
                "ip",
                "link",
                "add",
                "va",
                "netns",
                CLIENT,
                "type",
                "veth",
                "peer",
                "name",
                "vb",
                "netns",
                SERVER,
            ],
            check=True,
        )
        for space, device, address in ((CLIENT, "va", "10.98.0.1/24"), (SERVER, "vb", f"{ADDRESS}/24")):
            subprocess.run(["ip", "-n", space, "addr", "add", address, "dev", device], check=True)
            subprocess.run(["ip", "-n", space, "link", "set", device, "up"], check=True)
            subprocess.run(["ip", "-n", space, "link", "set", "lo", "up"], check=True)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        start(stack, SERVER, sys.executable, "-c", SERVERS)
        if "iperf3" not in missing:
            start(stack, SERVER, "iperf3", "-s")
        time.sleep(1)
        if not shapes():
            missing.append("netem")
        for scene in SCENES:
            if scene.needs in missing:
                print(f"{scene.name:22} left out: there is no {scene.needs} here", flush=True)
            elif not chosen or scene.name in chosen:
                play(scene, folder)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Packets a second that a network interface is listened at without a drop, in a network namespace of its own.

`python bench/capture.py [packets a second] [seconds]` as root. One process in the namespace sends UDP packets of 470
bytes of payload from many ports with `sendmmsg`-like bursts over a veth pair, another listens at the other end as
`vedette serve` does; printed are packets seen, packets that the kernel dropped, and CPU time of the listening process.
"""

import argparse
import ctypes
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPACE = "vedette-bench"
PORTS = 200
PAYLOAD = 458
"""500 bytes with Ethernet, IP and UDP headers."""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def listen() -> None:
    """Listen in this process; prints what was seen as JSON."""
    from vedette.config.sources import CaptureSection
    from vedette.live.capturing import Capture
    from vedette.sources.journal import Journal
    from vedette.windows.flow_table import TableSettings

    def now() -> int:
        return time.time_ns() // 1000

    with tempfile.TemporaryDirectory() as directory:
        journal = Journal(Path(directory), now)
        source = Capture(CaptureSection(interface="vb1"), TableSettings(), journal, now)
        source.open(None)
        time.sleep(3)
        print("ready", flush=True)
        sys.stdin.readline()
        cpu, began, before = time.process_time(), time.monotonic(), source.packets
        sys.stdin.readline()
        time.sleep(1)
        told = {
            "packets": source.packets - before,
            "cpu": time.process_time() - cpu,
            "wall": time.monotonic() - began,
            "dropped": source.status().dropped,
        }
        source.close()
        lines = sum(one.lines.count(b"\n") for one in journal.take(1 << 30))
        journal.close()
        print(json.dumps(told | {"lines": lines}), flush=True)


class _Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class _Header(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p), ("name_length", ctypes.c_uint), ("iov", ctypes.POINTER(_Iovec)),
        ("iov_length", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int), ("length", ctypes.c_uint),
    ]  # fmt: skip


def send(rate: int, seconds: float) -> None:
    """Send packets at a rate; prints how many were sent."""
    libc = ctypes.CDLL(None, use_errno=True)
    payload = ctypes.create_string_buffer(PAYLOAD)
    burst = 64
    iov = _Iovec(ctypes.addressof(payload), PAYLOAD)
    headers = (_Header * burst)()
    for one in headers:
        one.iov, one.iov_length = ctypes.pointer(iov), 1
    sockets = []
    for port in range(PORTS):
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.connect(("10.99.0.2", 9_000 + port))
        sockets.append(opened.fileno())
        opened.detach()
    sent, began, number = 0, time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        if sent < rate * passed:
            got = libc.sendmmsg(sockets[number % PORTS], headers, burst, 0)
            sent += max(0, got)
            number += 1
    print(json.dumps({"sent": sent}), flush=True)


def main(rate: int, seconds: float) -> None:
    ip("netns", "add", SPACE)
    try:
        ip("link", "add", "vb0", "netns", SPACE, "type", "veth", "peer", "name", "vb1", "netns", SPACE)
        for name, address in (("vb0", "10.99.0.1/24"), ("vb1", None)):
            if address:
                ip("-n", SPACE, "addr", "add", address, "dev", name)
            ip("-n", SPACE, "link", "set", name, "up")
        ip("-n", SPACE, "neigh", "add", "10.99.0.2", "lladdr", "02:00:00:00:00:01", "dev", "vb0")
        inside = ["ip", "netns", "exec", SPACE, sys.executable, __file__]
        listener = subprocess.Popen(
            [*inside, "listen"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert listener.stdin is not None
        assert listener.stdout is not None
        listener.stdout.readline()
        listener.stdin.write("go\n")
        listener.stdin.flush()
        sent = json.loads(
            subprocess.run([*inside, "send", str(rate), str(seconds)], check=True, capture_output=True).stdout
        )["sent"]
        listener.stdin.write("end\n")
        listener.stdin.flush()
        told = json.loads(listener.stdout.readline())
        listener.wait()
        print(
            f"sent {sent:,} packets in {seconds:g} s ({sent / seconds:,.0f} a second): seen {told['packets']:,}, "
            f"dropped {told['dropped']}, {told['cpu']:.2f} s CPU ({told['cpu'] / told['packets'] * 1e6:.2f} µs each)"
        )
    finally:
        ip("netns", "del", SPACE)


if __name__ == "__main__":
    if sys.argv[1:2] == ["listen"]:
        listen()
    elif sys.argv[1:2] == ["send"]:
        send(int(sys.argv[2]), float(sys.argv[3]))
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("rate", type=int, nargs="?", default=200_000, help="packets a second")
        parser.add_argument("seconds", type=float, nargs="?", default=10.0)
        given = parser.parse_args()
        if os.geteuid():
            sys.exit("network namespaces need root")
        main(given.rate, given.seconds)

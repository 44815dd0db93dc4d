"""Write which kernels usual work needs: `python -m tests.kernels.foresee > src/vedette/kernels/foreseen.json`."""

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from tests.network.packets import ACK, BEGIN, FIN, PUSH, SYN, Frame, ethernet, pcap, tcp

from vedette.detectors.signatures.database import load_rule_set
from vedette.kernels import machine_code
from vedette.kernels.cache import cache_directory
from vedette.kernels.foreseen import READS, Foreseen
from vedette.kernels.function import Kernel

_INCIDENTS = "sqli@+20m+5m,error_spike@+30m+3m,brute_force@+40m+5m,scanner@+45m+3m,ddos@+50m+2m"
_TRAFFIC = ["--minutes", "70", "--rate", "12", "--inject", _INCIDENTS, "--attack-share", "0.02"]


def used(reads: str, directory: Path) -> list[tuple[str, tuple[str, ...]]]:
    """The kernels, by module and name, that a scan asks for in a process of its own, with the types of arguments."""
    # Where rules are not compiled yet, a scan looks for them one by one first, and asks for less.
    load_rule_set(cache_directory())
    ran = subprocess.run(
        [sys.executable, "-m", "tests.kernels.foresee", str(_written(reads, directory))],
        env={**os.environ, "VEDETTE_KERNELS": "compile", "NUMBA_BOUNDSCHECK": "0"},
        stdout=subprocess.PIPE,
        check=True,
    )
    return msgspec.json.decode(ran.stdout.splitlines()[-1], type=list[tuple[str, tuple[str, ...]]])


def _written(reads: str, directory: Path) -> Path:
    """A file that is read like that."""
    if reads in ("text", "json"):
        path = directory / f"access-{reads}.log"
        form = {"text": "nginx-timed", "json": "envoy-json"}[reads]
        with path.open("wb") as file:
            command = [sys.executable, "-m", "vedette", "simulate", "--format", form, *_TRAFFIC]
            subprocess.run(command, stdout=file, stderr=subprocess.DEVNULL, check=True)
        return path
    name, write = {
        "flows": ("conn.log", _conn_log),
        "json_flows": ("conn.json", _conn_json),
        "capture": ("trace.pcap", _capture),
    }[reads]
    path = directory / name
    path.write_bytes(write())
    return path


def _conn_log() -> bytes:
    """Ten minutes of ordinary flows, and a port scan in them."""
    fields = (
        "ts id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state"
    )
    fields += " orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes"
    lines = ["#separator \\x09", "#path\tconn", "\t".join(["#fields", *fields.split()])]
    for n in range(6000):
        host, port, at = n % 50, 1024 + n, 1_700_000_000 + n / 10
        ordinary = (
            f"93.184.0.{n % 20} 443 tcp ssl {0.1 + n % 7} {400 + n % 90} {9000 + n % 70} SF 9 900 12 9500"
        )
        probe = f"10.0.9.9 {n} tcp - - - - S0 1 40 0 0"
        seen = probe if 3000 <= n < 3300 else ordinary
        lines.append("\t".join([f"{at:.6f}", f"10.0.0.{host}", str(port), *seen.split()]))
    return "\n".join([*lines, ""]).encode()


def _conn_json() -> bytes:
    """The same as JSON."""
    _, _, header, *lines = _conn_log().decode().splitlines()
    names = header.split("\t")[1:]
    numbers = ("ts", "duration", "_p", "_bytes", "_pkts")
    rows = [dict(zip(names, line.split("\t"), strict=True)) for line in lines]
    return b"".join(
        msgspec.json.encode(
            {
                name: float(text) if name in numbers[:2] else int(text) if name.endswith(numbers) else text
                for name, text in row.items()
                if text != "-"
            }
        )
        + b"\n"
        for row in rows
    )


def _capture() -> bytes:
    """Ten minutes of short connections, and a port scan in them."""
    frames: list[Frame] = []
    for n in range(3000):
        at, client, server = BEGIN + n * 200_000, f"10.0.0.{n % 50}:{1024 + n}", f"93.184.0.{n % 20}:443"
        there, back = (client, server), (server, client)
        sent = [
            (there, SYN, b"", 0, 0), (back, SYN | ACK, b"", 0, 1), (there, ACK, b"", 1, 1),
            (there, ACK | PUSH, b"?" * 300, 1, 1), (back, ACK | PUSH, b"!" * 1400, 1, 301),
            (there, ACK, b"", 301, 1401),
            (there, ACK | FIN, b"", 301, 1401), (back, ACK | FIN, b"", 1401, 302), (there, ACK, b"", 302, 1402),
        ]  # fmt: skip
        if 1500 <= n < 1800:
            sent = [((client, f"10.0.9.9:{n}"), SYN, b"", 0, 0)]
        frames += [
            (at + 9_000 * step, ethernet(tcp(*ends, flags, payload, seq=seq, ack=ack)))
            for step, (ends, flags, payload, seq, ack) in enumerate(sent)
        ]
    return pcap(frames)


def foresee() -> list[Foreseen]:
    """What scans of all kinds of input ask for."""
    by_kernel: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    with TemporaryDirectory() as directory:
        for reads in READS:
            for each in used(reads, Path(directory)):
                by_kernel[each].append(reads)
    return sorted(Foreseen(kernel, kinds, tuple(reads)) for (kernel, kinds), reads in by_kernel.items())


def _record(path: str) -> None:
    """Scan, and print the kernels that were asked for."""
    asked: dict[tuple[str, tuple[str, ...]], None] = {}
    ask = machine_code.entry

    def entry(function: Callable[..., Any], kinds: tuple[str, ...]) -> machine_code.Entry | None:
        asked[_named(function), kinds] = None
        return ask(function, kinds)

    machine_code.entry = entry
    from vedette.cli.main import run
    from vedette.replay import compiling, scanning

    # What a process forked from this one asks for is not heard here.
    scanning.can_be_apart = lambda: False
    # The list that is being remade may name what is no longer there.
    compiling.uncompiled = lambda _reads: []

    if (status := run(["scan", path, "--quiet", "--json", os.devnull])) not in (0, 1):
        sys.exit(status)
    sys.stdout.write(msgspec.json.encode(list(asked)).decode() + "\n")


def _named(function: Callable[..., Any]) -> str:
    module = import_module(function.__module__)
    [name] = [n for n, v in vars(module).items() if isinstance(v, Kernel) and v.function is function]
    return f"{module.__name__.removeprefix('vedette.kernels.')}.{name}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _record(sys.argv[1])
    else:
        rows = ",\n".join(msgspec.json.encode(each).decode() for each in foresee())
        sys.stdout.write(f"[\n{rows}\n]\n")

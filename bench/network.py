"""Packets a second from a capture to windows with all detectors, beside tshark, nfpcapd, nfstream; lines of flow logs.

`python bench/network.py [packets]` writes a capture of TCP sessions with packets of 500 bytes on average, and flow
logs, into a temporary directory, and prints CPU time (user and system, of the process and those that it starts), wall
time, and what is done in a second of either: of three runs, the one that took the least CPU time. Kernels were compiled
before, and Python's bytecode is there, as `pip install` leaves it. nfstream is run with one meter and without
dissection; `NFSTREAM_PYTHON` names a Python that has it, if this one has not.
"""

import argparse
import json
import os
import random
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

NFSTREAM = """
import sys
from nfstream import NFStreamer
if __name__ == "__main__":
    print(sum(1 for _ in NFStreamer(source=sys.argv[1], n_meters=1, n_dissections=0, statistical_analysis=True)))
"""
RUNS = 3
SESSIONS = 20_000
SIZES = (0, 0, 1460, 1460, 300, 100, 0, 520)
"""Payloads, drawn evenly: with headers 500 bytes on average."""


def write_capture(path: Path, packets: int) -> None:
    draw = random.Random(1)
    sequence = [[1000, 5000] for _ in range(SESSIONS)]
    stage = [0] * SESSIONS
    filler = bytes(range(256)) * 6
    now = 1_700_000_000 * 1_000_000
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number in range(packets):
            one = draw.randrange(SESSIONS)
            side, size, flags = draw.randrange(2), draw.choice(SIZES), 16
            now += draw.randrange(10)
            if stage[one] < 3:
                side, size, flags = ((0, 0, 2), (1, 0, 18), (0, 0, 16))[stage[one]]
                stage[one] += 1
            client, server = struct.pack(">I", 0x0A000000 + one), struct.pack(">I", 0x5DB80000 + one % 1000)
            ports = (1024 + one, 443)
            if side:
                client, server, ports = server, client, ports[::-1]
            segment = struct.pack(
                ">HHIIBBHHH", *ports, sequence[one][side] & 0xFFFFFFFF, sequence[one][1 - side] & 0xFFFFFFFF,
                0x50, flags, 8192, 0, 0,
            )  # fmt: skip
            sequence[one][side] += size + (flags >> 1 & 1)
            length = 40 + size
            frame = bytes(12) + struct.pack(
                ">HBBHHHBBH", 0x0800, 0x45, 0, length, number & 65535, 0, 64, 6, 0
            )
            frame += client + server + segment + filler[:size]
            out.write(struct.pack("<IIII", now // 1_000_000, now % 1_000_000, len(frame), len(frame)) + frame)


def write_conn_log(path: Path, lines: int) -> None:
    draw = random.Random(2)
    fields = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state "
    fields += "local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes"
    with path.open("w") as out:
        out.write(
            "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
        )
        out.write("#fields\t" + "\t".join(fields.split()) + "\n")
        for number in range(lines):
            out.write(
                f"{1_700_000_000 + number / 2000:.6f}\tC{number:016x}\t"
                f"10.0.{draw.randrange(16)}.{draw.randrange(256)}\t"
                f"{draw.randrange(1024, 65536)}\t93.184.{draw.randrange(4)}.{draw.randrange(256)}\t443\ttcp\tssl\t"
                f"{draw.expovariate(1):.6f}\t{draw.randrange(4000)}\t{draw.randrange(90000)}\tSF\tT\tF\t0\tShADadFf\t"
                f"{draw.randrange(5, 40)}\t{draw.randrange(400, 9000)}\t{draw.randrange(5, 90)}\t"
                f"{draw.randrange(400, 99000)}\n"
            )


def write_json(log: Path, zeek: Path, eve: Path, lines: int) -> None:
    """Write the first flows of a Zeek log as JSON, of Zeek and of Suricata."""
    with log.open() as flows, zeek.open("w") as as_zeek, eve.open("w") as as_eve:
        names: list[str] = []
        for line in flows:
            if line.startswith("#fields"):
                names = line.split("\t")[1:]
            if line.startswith("#"):
                continue
            if not lines:
                return
            lines -= 1
            row = dict(zip((name.strip() for name in names), line.rstrip("\n").split("\t"), strict=True))
            counts = {name: int(row[name]) for name in row if name.endswith(("_p", "_bytes", "_pkts"))}
            began, took = float(row["ts"]), float(row["duration"])
            as_zeek.write(json.dumps({**row, **counts, "ts": began, "duration": took}) + "\n")
            event = {
                "timestamp": _moment(began + took), "flow_id": lines, "event_type": "flow",
                "src_ip": row["id.orig_h"], "src_port": counts["id.orig_p"], "dest_ip": row["id.resp_h"],
                "dest_port": counts["id.resp_p"], "proto": "TCP", "app_proto": "tls",
                "flow": {
                    "pkts_toserver": counts["orig_pkts"], "pkts_toclient": counts["resp_pkts"],
                    "bytes_toserver": counts["orig_ip_bytes"], "bytes_toclient": counts["resp_ip_bytes"],
                    "start": _moment(began), "end": _moment(began + took), "state": "closed", "reason": "timeout",
                },
                "tcp": {"tcp_flags": "1b", "syn": True, "fin": True, "psh": True, "ack": True, "state": "closed"},
            }  # fmt: skip
            as_eve.write(json.dumps(event) + "\n")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+0000")


def least(command: Sequence[str]) -> tuple[float, float, int]:
    """Of some runs of a command, the cost of the one that took the least CPU time."""
    return min(cost(command) for _ in range(RUNS))


def cost(command: Sequence[str]) -> tuple[float, float, int]:
    """CPU seconds, wall seconds and peak memory in MB of a command."""
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) > 1:
        raise SystemExit(f"{command[0]} failed")
    return used.ru_utime + used.ru_stime, time.monotonic() - began, used.ru_maxrss // 1024


def main(packets: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        capture, log, empty = folder / "bench.pcap", folder / "conn.log", folder / "small.pcap"
        write_capture(capture, packets)
        write_conn_log(log, packets)
        zeek, eve = folder / "conn.json", folder / "eve.json"
        write_json(log, zeek, eve, packets // 4)
        write_capture(empty, 5_000)
        os.environ["VEDETTE_KERNELS"] = "compile"
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        vedette = [sys.executable, "-m", "vedette", "scan", "-q"]
        for source in (empty, log):
            cost([*vedette, str(source)])
        start, _, _ = least([*vedette, str(empty)])
        size = capture.stat().st_size
        print(
            f"{packets:,} packets, {size / packets:.0f} bytes each in the file; start of a run: {start:.2f} s CPU"
        )
        with_nfstream = os.environ.get("NFSTREAM_PYTHON", sys.executable)
        script = folder / "flows.py"
        script.write_text(NFSTREAM)
        for title, command in (
            ("vedette scan, all detectors", [*vedette, str(capture)]),
            ("nfpcapd", ["nfpcapd", "-r", str(capture), "-w" if _new() else "-l", str(folder)]),
            ("tshark -q -z conv,tcp", ["tshark", "-r", str(capture), "-q", "-z", "conv,tcp"]),
            ("nfstream", [with_nfstream, str(script), str(capture)]),
        ):
            if shutil.which(command[0]) is None or (title == "nfstream" and not _has_nfstream(with_nfstream)):
                print(f"{title:30} not installed")
                continue
            tell(title, least(command), packets, "packets")
        for title, source, lines in (
            ("vedette scan conn.log", log, packets),
            ("vedette scan conn.log, JSON", zeek, packets // 4),
            ("vedette scan eve.json", eve, packets // 4),
        ):
            tell(title, least([*vedette, str(source)]), lines, "lines")


def tell(title: str, costs: tuple[float, float, int], many: int, what: str) -> None:
    """Print what a command cost."""
    cpu, wall, memory = costs
    print(
        f"{title:30} {cpu:6.2f} s CPU {wall:6.2f} s {many / cpu / 1e6:5.2f} M {what}/s of CPU, "
        f"{many / wall / 1e6:5.2f} M/s {memory:6} MB",
        flush=True,
    )


def _has_nfstream(python: str) -> bool:
    asked = [python, "-c", "import nfstream"]
    return not subprocess.run(asked, stderr=subprocess.DEVNULL, check=False).returncode


def _new() -> bool:
    """Whether nfpcapd is there, and of nfdump 1.7, which named its option anew."""
    if shutil.which("nfpcapd") is None:
        return False
    told = subprocess.run(["nfpcapd", "-V"], capture_output=True, text=True, check=False)
    return "1.7" in told.stdout + told.stderr


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packets", type=int, nargs="?", default=1_000_000)
    main(parser.parse_args().packets)

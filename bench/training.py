"""What fitting the learned models to 50,000 requests takes, what judging by each does, and `/detect` meanwhile.

    python bench/training.py [--requests 50000]

Each model is fitted as a scan and a service do it: by kernels in the process that asks, or in one of its own that is
started for it, where importing its library counts. Then a service on all cores is given as many requests; while its
models are fitted, `/detect` is asked on one connection, one line after the other, and as many times when they are done.
That part needs the extra `transformer`. What judging takes (`--only judge`) is told for each member by itself, above an
engine without any: CPU time in the engine for each request of the same log, of which a sixth is the warm-up, the median
of rounds in turn.
"""

import argparse
import json
import os
import resource
import socket
import statistics
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from serve import ask, cpu_s, line, request, serving
from vedette.config import Config
from vedette.detectors.learned.kinds import train_here
from vedette.detectors.learned.training import Done, Job, Refused, Training
from vedette.engine.batch import Batch
from vedette.engine.build import build_engine
from vedette.engine.teaching import Teaching
from vedette.engine.training import TrainingProcesses
from vedette.enrich.enrich import Enricher
from vedette.parsers.registry import by_name
from vedette.schema.chunk import Chunk
from vedette.simulate import Simulation

MEMBERS = ["forest", "response_time", "status_code", "transformer"]
JUDGED = ["ddos", "forest", "markov", "response_time", "status_code"]
"""Members whose judging is timed: without libraries."""
ROUNDS = 5
MINUTES = 180
FORMAT = "envoy-json"
PATIENCE_S = 400
QUIET_S = 1.0
"""After so long without work of the training processes all models are fitted."""


def log(requests: int) -> list[bytes]:
    """Lines of a quiet shop with response times."""
    made = Simulation(minutes=MINUTES, rate=requests / MINUTES / 60, seed=7, format=FORMAT, inject="")
    return b"".join(made.chunks()).splitlines(keepends=True)


def jobs(lines: list[bytes]) -> list[Job]:
    """What each member would have fitted."""
    found: list[Job] = []

    def keep(job: Job) -> Training:
        found.append(job)
        return Done(Refused("only the job is wanted"))

    config = Config.model_validate({"learned": {"members": MEMBERS, "warmup": 10_000_000}}, strict=False)
    engine = build_engine(config, lateness_us=60_000_000, teaching=Teaching(keep))
    parser, enricher = by_name(FORMAT).open("bench"), Enricher()
    for start in range(0, len(lines), 5_000):
        parsed = parser.parse(Chunk.of(b"".join(lines[start : start + 5_000]), "bench", start + 1))
        enriched = enricher.apply(parsed.requests)
        engine.process(Batch(enriched.requests, enriched.service, enriched.services, enriched.agent_kind))
    engine.finish()
    for member in engine.members:
        member.train_now()
    return found


def cpu() -> float:
    """Seconds of this process and of those it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def fit(job: Job) -> None:
    """Print one row."""
    processes, before = TrainingProcesses(), cpu()
    began = time.perf_counter()
    outcome = processes(job).result()
    wall = time.perf_counter() - began
    processes.close()
    spent = cpu() - before
    said = f"refused: {outcome.reason}" if isinstance(outcome, Refused) else outcome.summary()
    print(f"{job.member:14} {wall:8.3f} {spent:8.3f}  {said}", flush=True)


def judge(lines: list[bytes]) -> None:
    """Print a row for each member that kernels fit, and judge by in the process."""
    took: dict[str, list[float]] = {member: [] for member in ("none", *JUDGED)}
    # The first round compiles.
    for _ in range(1 + ROUNDS):
        for member, each in took.items():
            each.append(judging_us([] if member == "none" else [member], lines))
    without = statistics.median(took.pop("none")[1:])
    print(f"{'none':14} {without:8.2f}")
    for member, each in took.items():
        print(f"{member:14} {statistics.median(each[1:]) - without:+8.2f}", flush=True)


def judging_us(members: list[str], lines: list[bytes]) -> float:
    """Microseconds of CPU time in the engine, a request."""
    learned = {"members": members, "warmup": len(lines) // 6}
    engine = build_engine(
        Config.model_validate({"learned": learned}, strict=False),
        lateness_us=60_000_000,
        teaching=Teaching(train_here),
    )
    parser, enricher, spent = by_name(FORMAT).open("bench"), Enricher(), 0.0
    for start in range(0, len(lines), 5_000):
        parsed = parser.parse(Chunk.of(b"".join(lines[start : start + 5_000]), "bench", start + 1))
        enriched = enricher.apply(parsed.requests)
        batch = Batch(enriched.requests, enriched.service, enriched.services, enriched.agent_kind)
        before = time.process_time()
        engine.process(batch)
        spent += time.process_time() - before
    statuses = engine.member_statuses()
    if {status.phase for status in statuses} - {"ensemble"}:
        raise SystemExit(f"not at work: {statuses}")
    return spent / len(lines) * 1e6


def fitting_s(service: int) -> float:
    """CPU seconds that a service's training processes have taken so far."""
    lists = Path(f"/proc/{service}/task").glob("*/children")
    children = {int(child) for each in lists for child in each.read_text().split()}
    return sum(cpu_s(child) for child in children)


def timed(connection: socket.socket, first: int, count: int) -> list[float]:
    """Seconds of so many requests, one after the other."""
    took, room = [], bytearray(1 << 16)
    for number in range(first, first + count):
        message = request("/detect", json.dumps({"log_line": line(number)}).encode())
        began = time.perf_counter()
        ask(connection, message, room)
        took.append(time.perf_counter() - began)
    return took


def live(lines: list[bytes]) -> None:
    """Print how long `/detect` takes while models are fitted, and afterwards."""
    with TemporaryDirectory() as directory:
        config = Path(directory) / "vedette.yaml"
        config.write_text(json.dumps({"learned": {"members": MEMBERS, "warmup": int(0.9 * len(lines))}}))
        command = [sys.executable, "-m", "vedette", "serve", "--port", "0", "--config", str(config)]
        with (
            serving(command, one_core=False) as (process, host, port),
            socket.create_connection((host, port)) as asked,
        ):
            asked.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            room = bytearray(8 << 20)
            for start in range(0, len(lines), 1_000):
                part = [text.decode() for text in lines[start : start + 1_000]]
                ask(asked, request("/detect/batch", json.dumps({"logs": part}).encode()), room)
            # The first ones do not count; they are late by then, and nothing rests on their times.
            timed(asked, 0, 500)
            until = time.monotonic() + PATIENCE_S
            before = fitting_s(process)
            while fitting_s(process) < before + 0.5:
                if time.monotonic() > until:
                    raise SystemExit("no model was fitted")
                time.sleep(0.05)
            meanwhile: list[float] = []
            number, fitted, grew = 1_000_000, fitting_s(process), time.monotonic()
            while time.monotonic() < min(until, grew + QUIET_S):
                meanwhile += timed(asked, number, 200)
                number += 200
                if (now := fitting_s(process)) > fitted:
                    fitted, grew = now, time.monotonic()
            tell("while fitting", meanwhile)
            tell("afterwards", timed(asked, number, len(meanwhile)))


def tell(name: str, took: list[float]) -> None:
    """Print one row."""
    took = sorted(took)
    p50, p99, most = (took[min(len(took) - 1, int(len(took) * share))] * 1e3 for share in (0.5, 0.99, 1.0))
    print(f"{name:14} {len(took):8,} {p50:8.2f} {p99:8.2f} {most:8.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--only", choices=("fit", "judge", "live"))
    asked = parser.parse_args()
    if asked.only not in ("fit", "judge") and find_spec("torch") is None:
        # The others are fitted in less time than a look at them takes: there would be nothing to ask meanwhile.
        raise SystemExit(
            "asking meanwhile needs PyTorch: pip install 'torch==2.13.0' '.[transformer]', or --only fit"
        )
    lines = log(asked.requests)
    print(f"{len(lines):,} requests; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if asked.only in (None, "fit"):
        print(f"{'fitting':14} {'wall, s':>8} {'CPU, s':>8}")
        for job in jobs(lines):
            fit(job)
    if asked.only in (None, "judge"):
        print(f"{'judging':14} {'µs':>8}")
        judge(lines)
    if asked.only in (None, "live"):
        print(f"\n{'/detect, ms':14} {'asked':>8} {'p50':>8} {'p99':>8} {'most':>8}")
        live(lines)


if __name__ == "__main__":
    main()

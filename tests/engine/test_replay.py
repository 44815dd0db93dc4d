"""The same requests give the same findings, however they arrive."""

import os
import subprocess
import sys
from functools import cache
from random import Random

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.engine.running import LATENESS_US, build, run, split
from vedette.report.json import json_pieces
from vedette.schema.anomaly import Anomaly
from vedette.schema.findings import Findings
from vedette.schema.incident import Incident
from vedette.simulate import Simulation

SIMULATION = Simulation(
    minutes=50,
    rate=1.5,
    seed=7,
    format="vhost_combined",
    services=2,
    inject="error_spike@+38m+4m*1.5,sqli@+40m+2m,brute_force@+44m+4m,traffic_spike@+46m+4m",
)
FORMAT = "vhost_combined"


@cache
def log() -> tuple[bytes, ...]:
    """Lines of a short log with several incidents."""
    return tuple(b"".join(SIMULATION.chunks()).splitlines(keepends=True))


@cache
def whole() -> Findings:
    """What is found in it when it comes in one piece."""
    return run([b"".join(log())], FORMAT)


def _without_lines(findings: Findings) -> list[Anomaly]:
    return [msgspec.structs.replace(a, evidence=()) for a in findings.anomalies]


def _same_incidents(one: list[Incident], other: list[Incident]) -> bool:
    return sorted(one, key=lambda i: i.id) == sorted(other, key=lambda i: i.id)


def test_the_log_holds_something_to_find() -> None:
    assert len({a.type for a in whole().anomalies}) >= 4
    assert any(a.evidence for a in whole().anomalies)


@settings(max_examples=8)
@example([1])
@given(st.lists(st.one_of(st.integers(1, 40), st.integers(200, 3000)), min_size=1, max_size=30))
def test_any_split_into_batches_gives_the_same_findings(sizes: list[int]) -> None:
    findings = run(split(log(), sizes), FORMAT)
    assert findings.anomalies == whole().anomalies
    assert _same_incidents(findings.incidents, whole().incidents)
    assert findings.coverage == whole().coverage


@settings(max_examples=6)
@given(st.integers(0, 1 << 32), st.integers(100, 2000))
def test_a_log_shuffled_within_the_allowed_lateness_gives_the_same_anomalies(seed: int, size: int) -> None:
    random = Random(seed)
    delay = LATENESS_US // 1_000_000 - 2
    order = sorted(
        range(len(log())), key=lambda i: (_second(log()[i]) + random.uniform(0, delay), random.random())
    )
    shuffled = [log()[i] for i in order]
    findings = run(split(shuffled, [size] * (len(shuffled) // size + 1)), FORMAT)
    assert findings.coverage.late == 0
    assert _without_lines(findings) == _without_lines(whole())


def test_two_engines_in_one_process_say_the_same() -> None:
    again = run([b"".join(log())], FORMAT)
    assert again.anomalies == whole().anomalies
    assert again.incidents == whole().incidents


def test_another_process_with_another_hash_seed_says_the_same() -> None:
    program = (
        "import sys\n"
        "from tests.engine.test_replay import found_as_json\n"
        "sys.stdout.buffer.write(found_as_json())\n"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        assert done.stdout == found_as_json()


def test_an_engine_goes_on_after_handing_out_what_it_found() -> None:
    engine = build()
    findings = engine.finish()
    assert findings.anomalies == []
    assert findings.incidents == []


def found_as_json() -> bytes:
    """Everything found in the log, as `vedette scan --json` writes it."""
    return b"".join(json_pieces(whole()))


def _second(line: bytes) -> int:
    """Seconds since midnight of a line's time."""
    hours, minutes, seconds = line.split(b"[", 1)[1].split(b" ", 1)[0].split(b":")[1:]
    return 3600 * int(hours) + 60 * int(minutes) + int(seconds)

"""The whole engine in process: bytes of a log in, findings out, without files, threads or a terminal."""

import os
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from tests.golden.incidents import INCIDENTS, INTRUSION, SILENT, Case
from vedette.config import Config
from vedette.engine.batch import Batch
from vedette.engine.build import build_engine
from vedette.engine.engine import Engine
from vedette.enrich.enrich import Enricher
from vedette.parsers.registry import by_name
from vedette.schema.anomaly import Anomaly
from vedette.schema.chunk import Chunk
from vedette.schema.findings import Findings

LATENESS_US = 60_000_000
SOURCE = "test.log"
SHARED = "VEDETTE_TESTS_SHARE"
"""Names a directory that all processes of one session have; see `conftest`."""
CASES = {**INCIDENTS, **SILENT, "intrusion": INTRUSION}
"""Every golden case by name."""


def build(config: Config | None = None) -> Engine:
    """An engine as `vedette scan` would build it for an orderly log."""
    return build_engine(config or Config(), lateness_us=LATENESS_US)


def batches(chunks: Iterable[bytes], log_format: str = "combined") -> Iterator[Batch]:
    """Enriched batches, one for each chunk of whole lines."""
    parser = by_name(log_format).open(SOURCE)
    enricher = Enricher()
    line = 1
    for text in chunks:
        parsed = parser.parse(Chunk.of(text, SOURCE, line))
        line += parsed.lines
        if len(parsed.requests):
            enriched = enricher.apply(parsed.requests)
            yield Batch(enriched.requests, enriched.service, enriched.services, enriched.agent_kind)


def run(chunks: Iterable[bytes], log_format: str = "combined", config: Config | None = None) -> Findings:
    """What an engine of its own finds in chunks of whole lines."""
    engine = build(config)
    for batch in batches(chunks, log_format):
        engine.process(batch)
    return engine.finish()


def run_case(case: Case, *, calm: bool = False) -> Findings:
    """What is found in a golden case, or in its calm twin."""
    simulation = case.calm() if calm else case.simulation()
    return run(simulation.chunks(), case.format)


def split(lines: Sequence[bytes], sizes: Iterable[int]) -> Iterator[bytes]:
    """Cut lines into chunks of so many lines; the last chunk takes what is left."""
    at = 0
    for size in sizes:
        if at >= len(lines):
            return
        yield b"".join(lines[at : at + size])
        at += size
    if at < len(lines):
        yield b"".join(lines[at:])


def overlapping(anomalies: Iterable[Anomaly], start: int, end: int) -> list[Anomaly]:
    """The anomalies whose windows share time with a span, microseconds."""
    return [a for a in anomalies if a.start < end and a.end > start]


@cache
def found_in(name: str) -> Findings:
    """What is found in a golden case of that name; each case is run once in a session."""
    return _shared(name, lambda: run_case(CASES[name]))


@cache
def found_in_calm(minutes: float, rate: float, log_format: str, services: int, seed: int) -> Findings:
    """What is found in calm traffic; golden cases share their calm twins."""
    calm = Case("calm@+0m", minutes=minutes, rate=rate, format=log_format, services=services, seed=seed)
    name = f"calm-{minutes}-{rate}-{log_format}-{services}-{seed}"
    return _shared(name, lambda: run_case(calm, calm=True))


def _shared(name: str, find: Callable[[], Findings]) -> Findings:
    """What one of this session's processes found already; their tests run beside each other."""
    if SHARED not in os.environ:
        return find()
    place = Path(os.environ[SHARED])
    kept = place / f"golden-{name}.pickle"
    if kept.exists():
        findings: Findings = pickle.loads(kept.read_bytes())
        return findings
    findings = find()
    whole = place / f"{name}.{os.getpid()}"
    whole.write_bytes(pickle.dumps(findings))
    whole.replace(kept)
    return findings

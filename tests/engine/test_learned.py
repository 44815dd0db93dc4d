"""Models are trained on the way, judge from a time that the log alone tells, and do not learn from attacks."""

import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

import pytest

from tests.detectors.learned.made import job, sample
from tests.engine.running import LATENESS_US, batches
from vedette.config import Config
from vedette.detectors.learned.kinds import train, train_here
from vedette.detectors.learned.model import ClientModel
from vedette.detectors.learned.training import Refused, Trainer
from vedette.engine.build import build_engine
from vedette.engine.engine import Batch, Engine
from vedette.engine.snapshot import restore, snapshot
from vedette.engine.training import outcome_of, train_apart
from vedette.enrich.enrich import Enricher
from vedette.parsers.format import Parser
from vedette.parsers.registry import by_name
from vedette.schema.anomaly import Anomaly
from vedette.schema.chunk import Chunk
from vedette.schema.findings import Findings
from vedette.simulate import Simulation

CONFIG = Config.model_validate({"learned": {"warmup": 8000, "members": ["forest"]}}, strict=False)
START_S = 1_772_438_400
CRAWLER = "203.0.113.77"


@cache
def quiet() -> tuple[bytes, ...]:
    """Three hours of a quiet shop."""
    simulation = Simulation(minutes=180, rate=2, seed=5, inject="")
    return tuple(b"".join(simulation.chunks()).splitlines(keepends=True))


def crawl(first: int, last: int, address: str = CRAWLER, every_s: float = 4.0) -> list[tuple[float, bytes]]:
    """A program that calls itself a browser: a page every few seconds, in minutes from the start."""
    made = []
    at = first * 60.0
    number = 0
    while at < last * 60:
        when = datetime.fromtimestamp(START_S + at, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        made.append(
            (
                at,
                f'{address} - - [{when}] "GET /product/{number % 97} HTTP/1.1" 200 4312 "-" '
                '"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"\n'.encode(),
            )
        )
        at += every_s
        number += 1
    return made


def mixed(extra: Sequence[tuple[float, bytes]]) -> list[bytes]:
    """The quiet log with other lines in it, in order of time."""
    told = [(_second(line), line) for line in quiet()] + list(extra)
    return [line for _, line in sorted(told, key=lambda pair: pair[0])]


def _second(line: bytes) -> float:
    """Seconds from the start."""
    text = line[line.index(b"[") + 1 : line.index(b"]")].decode()
    return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z").timestamp() - START_S


def found(lines: Sequence[bytes], each: int = 5000, trainer: Trainer = train_here) -> Findings:
    """What an engine finds."""
    engine = build_engine(CONFIG, lateness_us=LATENESS_US, trainer=trainer)
    for batch in batches(b"".join(lines[i : i + each]) for i in range(0, len(lines), each)):
        engine.process(batch)
    return engine.finish()


def unusual(findings: Findings) -> list[Anomaly]:
    """What the models stated."""
    return [a for a in findings.anomalies if a.detector == "forest"]


@pytest.fixture(scope="module")
def crawled() -> Findings:
    """A crawler comes when the model has been at work for a while."""
    return found(mixed(crawl(140, 165)))


def test_a_quiet_log_has_no_unusual_client() -> None:
    findings = found(quiet())
    (status,) = findings.coverage.members
    assert (status.phase, status.reason) == ("ensemble", "")
    assert not unusual(findings)


def test_a_client_unlike_all_others_is_stated_and_explained(crawled: Findings) -> None:
    stated = unusual(crawled)
    assert {a.entity.value for a in stated} == {CRAWLER}
    first = stated[0]
    assert CRAWLER in first.description
    assert "What sets it apart" in first.description
    assert 0.0 < sum(c.share for c in first.contributions) <= 1.0 + 1e-9
    assert [c.value for c in first.contributions] == list(first.details["features"])
    assert first.observed > first.threshold > (first.expected.high or 0.0)


def test_the_answer_does_not_depend_on_batches(crawled: Findings) -> None:
    assert unusual(found(mixed(crawl(140, 165)), each=713)) == unusual(crawled)


def test_a_model_trained_in_another_process_is_the_same(crawled: Findings) -> None:
    assert unusual(found(mixed(crawl(140, 165)), trainer=train_apart)) == unusual(crawled)


def test_an_attack_in_three_of_ten_warm_up_requests_does_not_become_usual() -> None:
    """Other detectors know the crawlers for what they are; when the warm-up is over, the models do, too."""
    attackers = [f"198.51.100.{n}" for n in range(2)]
    attack = [hit for address in attackers for hit in crawl(0, 100, address, every_s=1.4)]
    early = sum(at < 3600 for at, _ in attack)
    assert early / (early + len(quiet()) / 3) >= 0.3
    findings = found(mixed(attack))
    (status,) = findings.coverage.members
    assert status.since is not None
    assert status.since < (START_S + 60 * 60) * 1_000_000
    assert {a.entity.value for a in unusual(findings)} == set(attackers)


def test_a_training_that_is_killed_leaves_detection_alone() -> None:
    def killed(_job: object) -> "Killed":
        return Killed()

    findings = found(quiet(), trainer=killed)  # type: ignore[arg-type]
    (status,) = findings.coverage.members
    assert status.phase == "warmup"
    assert "ended with status" in status.reason


class Killed:
    """What a training gives whose process was killed."""

    def result(self) -> Refused:
        done = subprocess.run(
            [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"],
            capture_output=True,
            check=False,
        )
        outcome = outcome_of("forest", done)
        assert isinstance(outcome, Refused)
        return outcome


def test_another_process_fits_what_this_one_would() -> None:
    apart, here = train_apart(job()).result(), train(job())
    assert isinstance(apart, ClientModel)
    assert isinstance(here, ClientModel)
    assert apart.to_bytes() == here.to_bytes()


def test_another_process_says_why_not() -> None:
    outcome = train_apart(job(sample(windows=5))).result()
    assert isinstance(outcome, Refused)
    assert "windows of clients" in outcome.reason


@pytest.mark.parametrize(("minute", "phase"), [(30, "warmup"), (72, "training"), (150, "ensemble")])
def test_a_restart_changes_nothing(crawled: Findings, minute: int, phase: str) -> None:
    """In the warm-up the sample goes on; in training the same model is fitted again; at work nothing is forgotten."""
    lines = mixed(crawl(140, 165))
    edge = sum(_second(line) < minute * 60 for line in lines)
    first, enricher = build_engine(CONFIG, lateness_us=LATENESS_US), Enricher()
    parser = by_name("combined").open("test.log")
    _feed(first, enricher, parser, lines[:edge], 1)
    assert [status.phase for status in first.member_statuses()] == [phase]
    second, renewed = build_engine(CONFIG, lateness_us=LATENESS_US), Enricher()
    assert restore(second, renewed, snapshot(first, enricher)).anew == []
    assert snapshot(second, renewed) == snapshot(first, enricher)
    _feed(second, renewed, parser, lines[edge:], edge + 1)
    assert unusual(second.finish()) == unusual(crawled)


def _feed(engine: Engine, enricher: Enricher, parser: Parser, lines: Sequence[bytes], number: int) -> None:
    for start in range(0, len(lines), 5000):
        part = lines[start : start + 5000]
        parsed = parser.parse(Chunk.of(b"".join(part), "test.log", number + start))
        enriched = enricher.apply(parsed.requests)
        engine.process(Batch(enriched.requests, enriched.service, enriched.services, enriched.agent_kind))

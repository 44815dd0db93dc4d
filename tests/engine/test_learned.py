"""Models are trained on the way, judge from a time that the log alone tells, and do not learn from attacks."""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
import pytest

from tests.detectors.learned.made import job, sample
from tests.engine.running import LATENESS_US, batches
from tests.patience import wait_until
from vedette.config import Config
from vedette.detectors.learned.kinds import train, train_here
from vedette.detectors.learned.model import ClientModel
from vedette.detectors.learned.training import Refused, Trainer
from vedette.detectors.learned.value_sample import ValueSample
from vedette.engine.build import build_engine
from vedette.engine.engine import Batch, Engine
from vedette.engine.snapshot import restore, snapshot
from vedette.engine.teaching import Teaching
from vedette.engine.training import TrainingProcesses
from vedette.enrich.enrich import Enricher
from vedette.parsers.format import Parser
from vedette.parsers.registry import by_name
from vedette.schema.anomaly import Anomaly
from vedette.schema.chunk import Chunk
from vedette.schema.findings import Findings
from vedette.schema.state import StateError
from vedette.simulate import Simulation

CONFIG = Config.model_validate({"learned": {"warmup": 8000, "members": ["forest"]}}, strict=False)
START_S = 1_772_438_400
CRAWLER = "203.0.113.77"


@cache
def quiet() -> tuple[bytes, ...]:
    """Three hours of a quiet shop."""
    simulation = Simulation(minutes=180, rate=2, seed=5, inject="")
    return tuple(b"".join(simulation.chunks()).splitlines(keepends=True))


def crawl(first: int, last: int, address: str = CRAWLER, every_s: float = 2.0) -> list[tuple[float, bytes]]:
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
    engine = build_engine(CONFIG, lateness_us=LATENESS_US, teaching=Teaching(trainer))
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


def test_a_model_trained_in_another_process_is_the_same(
    crawled: Findings, trainers: Callable[..., TrainingProcesses]
) -> None:
    assert unusual(found(mixed(crawl(140, 165)), trainer=trainers())) == unusual(crawled)


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


def test_a_training_that_is_killed_leaves_detection_alone(trainers: Callable[..., TrainingProcesses]) -> None:
    dies = "import os, signal, sys; sys.stdin.buffer.read(1); os.kill(os.getpid(), signal.SIGKILL)"
    findings = found(quiet(), trainer=trainers((sys.executable, "-c", dies)))
    (status,) = findings.coverage.members
    assert status.phase == "warmup"
    assert "ended with status -9" in status.reason


def test_a_warm_up_that_has_its_requests_says_what_it_waits_for() -> None:
    early = CONFIG.model_copy(update={"learned": CONFIG.learned.model_copy(update={"warmup": 1000})})
    engine = build_engine(early, lateness_us=LATENESS_US)
    lines = [line for line in quiet() if _second(line) < 20 * 60]
    feed(engine, Enricher(), by_name("combined").open("test.log"), lines, 1)
    (status,) = engine.member_statuses()
    assert (status.phase, status.requests > status.wanted) == ("warmup", True)
    assert status.reason == "18 windows with requests: 30 are needed"


def test_a_training_that_fails_says_with_what(trainers: Callable[..., TrainingProcesses]) -> None:
    outcome = trainers((sys.executable, "-c", "raise SystemExit('no room left')"))(job()).result()
    assert outcome == Refused("the training process ended with status 1: no room left")


def test_a_training_that_takes_too_long_is_given_up(trainers: Callable[..., TrainingProcesses]) -> None:
    sleeps = (sys.executable, "-c", "import sys; sys.stdin.buffer.read()")
    outcome = trainers(sleeps, longest_s=0.2)(job()).result()
    assert isinstance(outcome, Refused)
    assert "took longer than" in outcome.reason


def test_a_program_that_is_not_there_is_named(trainers: Callable[..., TrainingProcesses]) -> None:
    outcome = trainers(("/no/such/python",))(job()).result()
    assert isinstance(outcome, Refused)
    assert "could not be started: No such file" in outcome.reason


def test_another_process_fits_what_this_one_would(trainers: Callable[..., TrainingProcesses]) -> None:
    train_apart = trainers()
    trainings = [train_apart(job()) for _ in range(3)]
    here = train(job())
    assert isinstance(here, ClientModel)
    for training in trainings:
        apart = training.result()
        assert isinstance(apart, ClientModel)
        assert apart.to_bytes() == here.to_bytes()
    assert train_apart.running == 1


def test_another_process_says_why_not_and_goes_on(trainers: Callable[..., TrainingProcesses]) -> None:
    train_apart = trainers()
    outcome = train_apart(job(sample(windows=5))).result()
    assert isinstance(outcome, Refused)
    assert "windows of clients" in outcome.reason
    assert isinstance(train_apart(job()).result(), ClientModel)


def test_what_kernels_fit_needs_no_process() -> None:
    train_at_once = TrainingProcesses(("/no/such/python",))
    assert isinstance(train_at_once(job()).result(), ClientModel)
    assert train_at_once.running == 0


def test_what_kernels_fit_may_get_a_thread_and_is_the_same() -> None:
    train_beside = TrainingProcesses(("/no/such/python",), beside=True)
    trainings = [train_beside(job()), train_beside(job(sample(windows=5)))]
    train_beside.close()
    assert not any(each.name == "vedette-training" for each in threading.enumerate())
    model, refused = (training.result() for training in trainings)
    here = train_here(job()).result()
    assert isinstance(model, ClientModel)
    assert isinstance(here, ClientModel)
    assert model.to_bytes() == here.to_bytes()
    assert isinstance(refused, Refused)
    assert train_beside.running == 0


def test_what_goes_wrong_in_a_thread_is_raised_to_whoever_asks_for_the_model() -> None:
    train_beside = TrainingProcesses(("/no/such/python",), beside=True)
    training = train_beside(msgspec.structs.replace(job(), sample=b"no sample"))
    with pytest.raises(StateError):
        training.result()


def test_models_of_one_library_share_a_process(trainers: Callable[..., TrainingProcesses]) -> None:
    train_apart = trainers()
    jobs = [job(), msgspec.structs.replace(job(), member="status_code", sample=ValueSample().to_state())]
    model, refused = [training.result() for training in [train_apart(each) for each in jobs]]
    assert isinstance(model, ClientModel)
    assert refused == Refused("0 windows: 30 are needed")
    assert train_apart.running == 1


@pytest.mark.parametrize("gives_way", [True, False])
def test_a_process_gives_way_to_others_unless_all_else_waits_for_it(
    trainers: Callable[..., TrainingProcesses], gives_way: bool
) -> None:
    tells = "import os, sys; sys.stdin.buffer.read(8); sys.exit(f'at {os.getpriority(os.PRIO_PROCESS, 0)}')"
    outcome = trainers((sys.executable, "-c", tells), gives_way=gives_way)(job())
    told = outcome.result()
    assert isinstance(told, Refused)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert told.reason.endswith(f": at {min(19, own + 10 * gives_way)}")


def test_a_process_that_is_ended_while_it_is_started_holds_nobody_up(
    trainers: Callable[..., TrainingProcesses],
) -> None:
    endless = (sys.executable, "-c", "import sys; sys.stdin.buffer.read()")
    for _ in range(20):
        # Longer than any test may take.
        train_apart = trainers(endless, longest_s=3600)
        training = train_apart(job())
        train_apart.close()
        assert isinstance(training.result(), Refused)


def test_a_process_without_work_ends(trainers: Callable[..., TrainingProcesses]) -> None:
    train_apart = trainers(idle_s=0.0)
    assert isinstance(train_apart(job()).result(), ClientModel)
    wait_until(lambda: not train_apart.running)
    assert isinstance(train_apart(job()).result(), ClientModel)


@pytest.fixture
def trainers() -> Iterator[Callable[..., TrainingProcesses]]:
    made: list[TrainingProcesses] = []

    def make(*arguments: Any, **options: Any) -> TrainingProcesses:
        made.append(TrainingProcesses(*arguments, library=lambda _: "one", **options))
        return made[-1]

    yield make
    for each in made:
        each.close()
        assert not each.running


@pytest.mark.parametrize(("minute", "phase"), [(30, "warmup"), (72, "training"), (150, "ensemble")])
def test_a_restart_changes_nothing(crawled: Findings, minute: int, phase: str) -> None:
    """In the warm-up the sample goes on; in training the same model is fitted again; at work nothing is forgotten."""
    lines = mixed(crawl(140, 165))
    edge = sum(_second(line) < minute * 60 for line in lines)
    first, enricher = build_engine(CONFIG, lateness_us=LATENESS_US), Enricher()
    parser = by_name("combined").open("test.log")
    feed(first, enricher, parser, lines[:edge], 1)
    assert [status.phase for status in first.member_statuses()] == [phase]
    second, renewed = build_engine(CONFIG, lateness_us=LATENESS_US), Enricher()
    assert restore(second, renewed, snapshot(first, enricher)).anew == []
    assert snapshot(second, renewed) == snapshot(first, enricher)
    feed(second, renewed, parser, lines[edge:], edge + 1)
    assert unusual(second.finish()) == unusual(crawled)


def feed(engine: Engine, enricher: Enricher, parser: Parser, lines: Sequence[bytes], number: int) -> None:
    for start in range(0, len(lines), 5000):
        part = lines[start : start + 5000]
        parsed = parser.parse(Chunk.of(b"".join(part), "test.log", number + start))
        enriched = enricher.apply(parsed.requests)
        engine.process(Batch(enriched.requests, enriched.service, enriched.services, enriched.agent_kind))


@pytest.fixture
def hourly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are fitted anew after an hour."""
    monkeypatch.setattr("vedette.engine.members._retrain", lambda _: 60)


def _history(findings: Findings) -> list[tuple[int | None, str, str]]:
    (status,) = findings.coverage.members
    assert status.since == status.history[-1].since
    return [(use.since, use.model, use.why) for use in status.history]


@pytest.mark.usefixtures("hourly")
def test_models_are_fitted_anew_at_event_times_whatever_the_batches() -> None:
    lines = mixed(crawl(95, 120) + crawl(150, 175))
    whole = found(lines)
    first, second = _history(whole)
    assert (first[2], second[2]) == ("warm-up", "schedule")
    assert None not in (first[0], second[0])
    assert (second[0] or 0) - (first[0] or 0) >= 60 * 60_000_000
    assert first[1] != second[1]
    cut = found(lines, each=713)
    assert _history(cut) == _history(whole)
    assert unusual(cut) == unusual(whole)
    assert {a.entity.value for a in unusual(whole)} == {CRAWLER}


@pytest.mark.usefixtures("hourly")
@pytest.mark.parametrize("minute", [110, 139])
def test_a_restart_before_or_while_a_model_is_fitted_anew_changes_nothing(minute: int) -> None:
    lines = mixed(crawl(95, 120) + crawl(150, 175))
    whole = found(lines)
    edge = sum(_second(line) < minute * 60 for line in lines)
    first, enricher = build_engine(CONFIG, lateness_us=LATENESS_US), Enricher()
    parser = by_name("combined").open("test.log")
    feed(first, enricher, parser, lines[:edge], 1)
    assert [status.phase for status in first.member_statuses()] == ["ensemble"]
    second, renewed = build_engine(CONFIG, lateness_us=LATENESS_US), Enricher()
    assert restore(second, renewed, snapshot(first, enricher)).anew == []
    feed(second, renewed, parser, lines[edge:], edge + 1)
    done = second.finish()
    assert _history(done) == _history(whole)
    assert unusual(done) == unusual(whole) != []


@pytest.mark.usefixtures("hourly")
def test_a_training_that_fails_leaves_the_running_model_at_work() -> None:
    calls = []

    def once(asked: Any) -> Any:
        calls.append(asked)
        return train_here(asked) if len(calls) == 1 else _Failed()

    findings = found(mixed(crawl(150, 175)), trainer=once)
    (status,) = findings.coverage.members
    assert len(status.history) == 1
    assert len(calls) == 2
    assert calls[1].running is not None
    assert status.reason == "no newer model (schedule): it broke"
    assert {a.entity.value for a in unusual(findings)} == {CRAWLER}


class _Failed:
    def result(self) -> Refused:
        return Refused("it broke")

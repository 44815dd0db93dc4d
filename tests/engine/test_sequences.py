"""A client that goes through a shop as no customer does is told of, with the steps that nobody expected."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

import msgspec
import numpy as np
import pytest

from tests.detectors.learned.walked import ROUND, TEXTS, needs_transformer, session
from tests.engine.running import LATENESS_US
from vedette.baselines.budget import Budget
from vedette.config import Config
from vedette.detectors.learned.kinds import train
from vedette.detectors.learned.open_sessions import IDLE_WINDOWS
from vedette.detectors.learned.sessions import ALONE
from vedette.detectors.learned.training import Done, Job, Trainer, Training
from vedette.engine.build import build_engine
from vedette.engine.engine import Batch, Engine
from vedette.engine.snapshot import restore, snapshot
from vedette.engine.teaching import Teaching
from vedette.enrich.enrich import Enricher
from vedette.explain.words import describe
from vedette.parsers.registry import by_name
from vedette.schema.anomaly import Anomaly, AnomalyType
from vedette.schema.chunk import Chunk
from vedette.schema.findings import Findings

START_S = 1_772_438_400
MEMBERS = ["markov", pytest.param("transformer", marks=needs_transformer)]
THIEF = "203.0.113.9"
NEW = ("GET /app", "POST /app/step", "GET /app/done")


@cache
def log(minutes: int, thief: bool = True, renewed: int = 10_000) -> tuple[bytes, ...]:
    """Customers from the first minute on; in minutes 95 to 100 one client pays and pays.

    Args:
        renewed: Minute from which half of the customers take a new way.
    """
    draw = np.random.default_rng(4)
    hits: list[tuple[float, str, str]] = []
    for minute in range(minutes):
        for number in range(7):
            address = f"10.{number}.{minute // 250}.{minute % 250}"
            begun = minute * 60 + float(draw.uniform(0, 40))
            steps: list[str] = [TEXTS[n] for n in session(draw)]
            if minute >= renewed and number % 2:
                steps = [*NEW * 2]
            hits += [(begun + 2.1 * place, address, step) for place, step in enumerate(steps)]
        if thief and 95 <= minute < 100:
            hits += [(minute * 60 + 5 * place, THIEF, ROUND[place % len(ROUND)]) for place in range(12)]
    return tuple(_line(*hit) for hit in sorted(hits))


def _line(at: float, address: str, step: str) -> bytes:
    moment = datetime.fromtimestamp(START_S + int(at), UTC)
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    return (
        f'{address} - - [{moment:%d/%b/%Y:%H:%M:%S +0000}] "{step} HTTP/1.1" 200 900 "-" "{agent}"\n'.encode()
    )


@cache
def _fitted(job: bytes) -> Done:
    return Done(train(msgspec.msgpack.decode(job, type=Job)))


def remembering(job: Job) -> Training:
    """The same job is fitted once for all tests."""
    return _fitted(msgspec.msgpack.encode(job))


def feed(
    engine: Engine, enricher: Enricher, parser: object, lines: Sequence[bytes], number: int, each: int
) -> None:
    for start in range(0, len(lines), each):
        part = lines[start : start + each]
        parsed = parser.parse(Chunk.of(b"".join(part), "test.log", number + start))  # type: ignore[attr-defined]
        told = enricher.apply(parsed.requests)
        engine.process(Batch(told.requests, told.service, told.services, told.agent_kind))


def judged_by(member: str, warmup: int = 2500) -> Config:
    return Config.model_validate({"learned": {"members": [member], "warmup": warmup}}, strict=False)


def engine_of(config: Config, trainer: Trainer = remembering) -> Engine:
    return build_engine(config, lateness_us=LATENESS_US, teaching=Teaching(trainer))


def found(lines: Sequence[bytes], member: str, each: int = 900) -> Findings:
    engine = engine_of(judged_by(member))
    feed(engine, Enricher(), by_name("combined").open("test.log"), lines, 1, each)
    return engine.finish()


def odd(findings: Findings) -> list[Anomaly]:
    return [a for a in findings.anomalies if a.type is AnomalyType.SEQUENCE_ANOMALY]


@pytest.fixture(scope="module", params=MEMBERS)
def member(request: pytest.FixtureRequest) -> str:
    """By what sessions are judged."""
    return str(request.param)


@pytest.fixture(scope="module")
def robbed(member: str) -> Findings:
    return found(log(110), member)


def test_the_client_is_found_and_nobody_else(robbed: Findings, member: str) -> None:
    told = odd(robbed)
    assert {a.entity.value for a in told} == {THIEF}
    assert min(a.start for a in told) <= (START_S + 97 * 60) * 1_000_000
    assert odd(found(log(110, thief=False), member)) == []


def test_sessions_share_in_the_budget_before_the_first_has_ended(member: str) -> None:
    """Else all clients of the minutes after a warm-up would be judged as if there were no others."""
    engine = engine_of(judged_by(member, 3600))
    feed(engine, Enricher(), by_name("combined").open("test.log"), log(110), 1, 900)
    (status,) = engine.member_statuses()
    told = odd(engine.finish())
    assert {a.entity.value for a in told} == {THIEF}
    assert status.since is not None
    assert min(a.start for a in told) - status.since < IDLE_WINDOWS * 60_000_000
    # Seven new customers a minute.
    few = Budget(1.0, window_us=60_000_000)
    assert told[0].details["surprise_threshold"] == pytest.approx(few.threshold(member, 7.0) + ALONE, abs=0.2)


def test_what_is_said_follows_from_what_is_stored(robbed: Findings) -> None:
    for told in odd(robbed):
        details = told.details
        again = details["excess"] / (details["requests"] + details["steady"]) ** 0.5
        assert told.observed == pytest.approx(again, rel=1e-12)
        inputs = told.formula.inputs if told.formula else {}
        excess = (inputs["value"] - inputs["start"]) / inputs["scale"]
        tail = excess if inputs["shape"] < 1e-6 else np.log1p(inputs["shape"] * excess) / inputs["shape"]
        assert details["surprise"] == pytest.approx(-np.log10(inputs["rate"]) + tail / np.log(10))
        assert details["surprise"] >= details["surprise_threshold"]
        assert told.observed >= told.threshold
        assert sum(c.share for c in told.contributions) == pytest.approx(1.0)
        assert describe(msgspec.convert(msgspec.to_builtins(told), Anomaly)) == told.description


def test_the_steps_that_nobody_expected_are_named(robbed: Findings) -> None:
    last = odd(robbed)[-1]
    steps = {(step["after"], step["request"]) for step in last.details["steps"]}
    texts = {f"{text} 2xx" for text in ROUND}
    assert steps <= {(before, after) for before in {*texts, "(start)"} for after in texts}
    assert any(
        step["expected"][0]["request"] != step["request"] and step["share"] < 0.05
        for step in last.details["steps"]
    )
    assert "an order that its clients do not have" in last.description


@pytest.mark.parametrize("each", [113, 5000])
def test_any_batching_gives_the_same(robbed: Findings, member: str, each: int) -> None:
    assert odd(found(log(110), member, each)) == odd(robbed)


@pytest.mark.parametrize(("minute", "phase"), [(30, "warmup"), (70, "training"), (97, "ensemble")])
def test_a_restart_changes_nothing(robbed: Findings, member: str, minute: int, phase: str) -> None:
    lines = log(110)
    edge = len(log(minute))
    config = judged_by(member)
    first, enricher, parser = engine_of(config), Enricher(), by_name("combined").open("test.log")
    feed(first, enricher, parser, lines[:edge], 1, 500)
    assert [status.phase for status in first.member_statuses()] == [phase]
    second, renewed = engine_of(config), Enricher()
    assert restore(second, renewed, snapshot(first, enricher)).anew == []
    assert snapshot(second, renewed) == snapshot(first, enricher)
    feed(second, renewed, parser, lines[edge:], edge + 1, 500)
    assert odd(second.finish()) == odd(robbed)


def test_a_new_way_through_the_site_is_learned(member: str) -> None:
    """Half of the customers take a way that the model never saw: nobody is odd for it, and it is fitted again."""
    engine = engine_of(judged_by(member))
    feed(engine, Enricher(), by_name("combined").open("test.log"), log(265, thief=False, renewed=110), 1, 900)
    (status,) = engine.member_statuses()
    assert status.phase == "ensemble"
    assert status.since is not None
    assert status.since > (START_S + 110 * 60) * 1_000_000
    assert status.unknown < 0.05
    assert status.vocabulary == len(TEXTS) + len(NEW)
    assert status.reason == ""
    assert odd(engine.finish()) == []


def test_without_its_libraries_it_says_what_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "vedette.engine.members.find_spec", lambda name: None if name == "torch" else object()
    )
    config = Config.model_validate({"learned": {"members": ["forest", "transformer"]}}, strict=False)
    engine = engine_of(config)
    (status,) = engine.member_statuses()
    assert status.phase == "not installed"
    assert status.reason == "transformer: not installed (torch): pip install 'vedette[transformer]'"
    assert engine.trails is None
    feed(engine, Enricher(), by_name("combined").open("test.log"), log(3), 1, 900)
    assert [s.member for s in engine.finish().coverage.members] == ["forest", "transformer"]


def test_what_it_had_learned_survives_its_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    from vedette.detectors.learned.absent import Absent

    absent = Absent("transformer", ["torch"], "transformer")
    absent.from_state(b"what the member wrote")
    assert absent.to_state() == b"what the member wrote"


def test_off_it_costs_nothing() -> None:
    engine = engine_of(Config.model_validate({}, strict=False))
    assert engine.trails is None
    assert not {"markov", "transformer"} & {member.name for member in engine.members}

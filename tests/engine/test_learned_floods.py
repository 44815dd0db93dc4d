"""The model of floods at work: what it states can be done again, and restarts change nothing."""

import re
from collections.abc import Sequence
from functools import cache

import pytest

from tests.engine.running import build, run
from vedette.config import Config
from vedette.detectors.learned.ddos import READY
from vedette.engine.batch import Batch
from vedette.engine.snapshot import restore, snapshot
from vedette.enrich.enrich import Enricher
from vedette.parsers.registry import by_name
from vedette.schema.anomaly import Anomaly
from vedette.schema.chunk import Chunk
from vedette.simulate import Simulation
from vedette.windows.layout import SLICES

ONLY = Config.model_validate({"learned": {"members": ["ddos"]}}, strict=False)
START_S = 1_772_438_400
FLOOD = range(40, 46)
"""Minutes from the start."""
PARTS = 12


@cache
def pieces() -> tuple[bytes, ...]:
    """Fifty minutes with a flood in pulses, in parts of whole lines."""
    made = Simulation(minutes=50, rate=20, seed=3, inject="ddos_pulsed@+40m+6m")
    lines = b"".join(made.chunks()).splitlines(keepends=True)
    size = -(-len(lines) // PARTS)
    return tuple(b"".join(lines[i : i + size]) for i in range(0, len(lines), size))


def floods(anomalies: Sequence[Anomaly]) -> list[Anomaly]:
    return [anomaly for anomaly in anomalies if anomaly.detector == "learned.ddos"]


@cache
def undisturbed() -> tuple[Anomaly, ...]:
    return tuple(floods(run(pieces(), config=ONLY).anomalies))


def test_a_flood_in_pulses_is_stated_while_it_goes_on() -> None:
    minutes = [(anomaly.start // 1_000_000 - START_S) // 60 for anomaly in undisturbed()]
    assert len(minutes) >= 4
    assert set(minutes) <= set(FLOOD)


def test_what_features_add_is_the_probability() -> None:
    for anomaly in undisturbed():
        details = anomaly.details
        added = sum(seen["adds"] for seen in details["features"].values())
        assert details["usual_probability"] + added == pytest.approx(details["probability"], abs=1e-9)
        assert details["probability"] == max(details["probabilities"])
        assert anomaly.observed >= anomaly.threshold


def test_nobody_is_named_for_the_end_of_a_flood() -> None:
    """Of the last minute five seconds are the flood's; whoever made most of its requests has nothing to do with it."""
    made = Simulation(minutes=50, rate=4, seed=1, format="envoy-json", inject="ddos_slow@+40m+4m05s")
    last = floods(run(made.chunks(), "envoy-json", ONLY).anomalies)[-1]
    assert (last.start // 1_000_000 - START_S) // 60 == 44
    assert not last.clients
    assert {c.dimension for c in last.contributions} == {"feature"}


def test_a_restart_in_the_flood_changes_nothing() -> None:
    parser, line, found = by_name("combined").open("test.log"), 1, list[Anomaly]()
    running, enricher = build(ONLY), Enricher()
    for number, text in enumerate(pieces()):
        parsed = parser.parse(Chunk.of(text, "test.log", line))
        line += parsed.lines
        enriched = enricher.apply(parsed.requests)
        running.process(Batch(enriched.requests, enriched.service, enriched.services, enriched.agent_kind))
        if number >= PARTS - 4:
            found += running.take_stated()
            content = snapshot(running, enricher)
            running, enricher = build(ONLY), Enricher()
            assert restore(running, enricher, content).anew == []
    found += running.finish().anomalies
    assert [anomaly.id for anomaly in floods(found)] == [anomaly.id for anomaly in undisturbed()]


def _past_of_a_quiet_log(*, asked_for_often: bool) -> bytes:
    """What is remembered after windows too quiet to be judged, of two services that take turns."""
    lines = b"".join(Simulation(minutes=50, rate=1.5, seed=3).chunks()).splitlines(keepends=True)
    named = [(b"a.example:80 ", b"b.example:80 ")[at % 700 < 100] + line for at, line in enumerate(lines)]
    running = build(ONLY)
    parser, enricher = by_name("vhost_combined").open("test.log"), Enricher()
    (member,) = running.members
    for first in range(0, len(named), 300):
        parsed = parser.parse(Chunk.of(b"".join(named[first : first + 300]), "test.log", first + 1))
        enriched = enricher.apply(parsed.requests)
        running.process(Batch(enriched.requests, enriched.service, enriched.services, enriched.agent_kind))
        if asked_for_often:
            member.to_state()
    running.finish()
    assert [status.service for status in member.statuses()] == ["a.example", "b.example"]
    return member.to_state()


def test_windows_are_learned_together_as_each_alone() -> None:
    assert _past_of_a_quiet_log(asked_for_often=False) == _past_of_a_quiet_log(asked_for_often=True)


def test_a_service_without_a_past_is_not_judged() -> None:
    (status,) = run(pieces()[:2], config=ONLY).coverage.members
    assert (status.member, status.phase) == ("ddos", "warmup")
    assert (
        status.reason
        == f"{READY // SLICES} windows with traffic of named clients are needed to know what is usual"
    )


def test_it_can_be_left_out() -> None:
    without = Config.model_validate({"learned": {"members": ["forest"]}}, strict=False)
    assert not floods(run(pieces(), config=without).anomalies)


def test_a_log_that_names_no_client_is_not_judged() -> None:
    nameless = [re.sub(rb"(?m)^\S+", b"-", piece) for piece in pieces()]
    assert not floods(run(nameless, config=ONLY).anomalies)

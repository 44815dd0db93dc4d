"""Models of usual values at work: they learn on the way, state what is unusual, and go on after a restart."""

from functools import cache

import pytest

from tests.engine.running import build, run
from vedette.config import Config
from vedette.engine.batch import Batch
from vedette.engine.snapshot import restore, snapshot
from vedette.enrich.enrich import Enricher
from vedette.explain.formulas import recompute
from vedette.parsers.registry import by_name
from vedette.schema.anomaly import Anomaly, EntityKind, Severity
from vedette.schema.chunk import Chunk
from vedette.simulate import Simulation

CONFIG = Config.model_validate(
    {"learned": {"members": ["response_time", "status_code"], "warmup": 20_000}}, strict=False
)
FORMAT = "envoy-json"
PARTS = 10


@cache
def pieces(inject: str) -> tuple[bytes, ...]:
    """An hour and a half, in parts of whole lines."""
    made = Simulation(minutes=90, rate=8, seed=4, format=FORMAT, inject=inject)
    lines = b"".join(made.chunks()).splitlines(keepends=True)
    size = -(-len(lines) // PARTS)
    return tuple(b"".join(lines[i : i + size]) for i in range(0, len(lines), size))


@cache
def stated(inject: str) -> tuple[Anomaly, ...]:
    found = run(pieces(inject), FORMAT, CONFIG)
    assert [(m.member, m.phase) for m in found.coverage.members] == [
        ("response_time", "ensemble"),
        ("status_code", "ensemble"),
    ]
    return tuple(a for a in found.anomalies if a.detector in ("response_time", "status_code"))


@pytest.mark.parametrize(
    ("inject", "detector"),
    [("latency_spike@+70m+8m", "response_time"), ("error_spike@+70m+8m", "status_code")],
)
def test_what_is_unusual_is_stated_while_it_lasts(inject: str, detector: str) -> None:
    found = [anomaly for anomaly in stated(inject) if anomaly.detector == detector]
    assert found
    start = Simulation().start.timestamp() * 1e6
    minutes = {(anomaly.start - start) / 60e6 for anomaly in found}
    assert 70 <= min(minutes) <= max(minutes) <= 79


def test_its_numbers_can_be_done_again() -> None:
    for anomaly in stated("error_spike@+70m+8m"):
        inputs, details = anomaly.formula.inputs, anomaly.details
        assert recompute(anomaly.formula) == pytest.approx(details["surprise"], rel=1e-6)
        assert anomaly.observed == inputs["value"] / inputs["exposure"]
        at = {**inputs, "value": anomaly.threshold * inputs["exposure"]}
        assert recompute(type(anomaly.formula)("ratio_high", at, 0.0)) >= details["surprise_threshold"] - 1e-9
        assert anomaly.observed >= anomaly.threshold > anomaly.expected.mid


def test_what_a_whole_service_shares_is_stated_once() -> None:
    """Half of all answers fail, on every route: one statement in each window, which names the routes."""
    found = [a for a in stated("error_spike@+70m+8m*0.5") if a.detector == "status_code"]
    whole = [a for a in found if a.route is None]
    assert len(whole) >= 5
    for anomaly in whole:
        told = {each["route"]: each for each in anomaly.details["shared_by"]["routes"]}
        assert anomaly.details["shared_by"]["count"] == len(told) >= 2
        beside = {a.route for a in found if a.start == anomaly.start and a.route is not None}
        assert not beside & set(told)
        assert all(each["observed"] > each["expected"] for each in told.values())
        assert anomaly.entity.kind is EntityKind.SERVICE
        assert f"{len(told)} routes share it: " in anomaly.description
        assert recompute(anomaly.formula) == pytest.approx(anomaly.details["surprise"], rel=1e-6)
    assert len(found) < 2 * len(whole)


def test_one_route_alone_is_stated_as_itself() -> None:
    found = [a for a in stated("error_spike@+70m+8m*0.9/api/v1/events") if a.detector == "status_code"]
    assert found
    assert {a.route for a in found} == {"/api/v1/events"}


def test_what_one_client_alone_gets_is_its_own_matter() -> None:
    """An API client is told to slow down: 429 on a route, and refusals are quick."""
    inject = "rate_limit_abuse@+70m+8m/api/v1/products"
    found = stated(inject)
    assert {a.detector for a in found} == {"response_time", "status_code"}
    for anomaly in found:
        (carrier,) = [c for c in anomaly.contributions if c.dimension == "client"]
        assert anomaly.clients == (carrier.value,)
        assert carrier.share > 0.9
        assert anomaly.severity is Severity.MEDIUM
        assert f"from {carrier.value}." in anomaly.description
    (incident,) = run(pieces(inject), FORMAT, CONFIG).incidents
    assert incident.title.startswith("Rate-limit abuse")
    assert set(incident.anomaly_ids) > {anomaly.id for anomaly in found}


def test_what_everybody_gets_names_nobody() -> None:
    whole = [a for a in stated("error_spike@+70m+8m*0.5") if a.route is None]
    for anomaly in whole:
        assert not anomaly.clients
        assert {c.dimension for c in anomaly.contributions} == {"value"}
    assert Severity.HIGH in {anomaly.severity for anomaly in whole}


def test_quiet_traffic_is_usual() -> None:
    assert not stated("")


def test_a_restart_changes_nothing() -> None:
    inject = "latency_spike@+70m+8m"
    parser, line, found = by_name(FORMAT).open("test.log"), 1, list[Anomaly]()
    running, enricher = build(CONFIG), Enricher()
    for text in pieces(inject):
        parsed = parser.parse(Chunk.of(text, "test.log", line))
        line += parsed.lines
        enriched = enricher.apply(parsed.requests)
        running.process(Batch(enriched.requests, enriched.service, enriched.services, enriched.agent_kind))
        found += running.take_stated()
        content = snapshot(running, enricher)
        running, enricher = build(CONFIG), Enricher()
        assert restore(running, enricher, content).anew == []
    found += running.finish().anomalies
    again = [a.id for a in found if a.detector in ("response_time", "status_code")]
    assert sorted(again) == sorted(a.id for a in stated(inject))

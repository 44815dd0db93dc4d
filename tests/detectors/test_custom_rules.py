"""Custom rules over windows: what they state, for how long, and about what."""

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.engine.running import batches, build, run
from tests.golden.incidents import INCIDENTS

from vedette.cli.rule_trial import firings
from vedette.config import Config
from vedette.detectors.custom.detector import CustomRules
from vedette.engine.build import build_engine
from vedette.explain.formulas import recompute
from vedette.explain.rule import holds
from vedette.explain.words import counterfactual, describe
from vedette.report.json import load_findings, write_json
from vedette.schema.anomaly import Anomaly, AnomalyType
from vedette.schema.findings import Findings

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
LINE = '192.0.2.{client} - - [{time}] "GET {path} HTTP/1.1" {status} {size} "-" "Mozilla/5.0"\n'


def log(minutes: Iterable[tuple[int, int]], path: str = "/a") -> bytes:
    """A line every half minute or so: (requests, of them failing) for each minute; none for (0, 0)."""
    lines: list[str] = []
    for minute, (requests, failing) in enumerate(minutes):
        for i in range(requests):
            time = START + timedelta(minutes=minute, seconds=60 * i // requests)
            lines.append(
                LINE.format(
                    client=1 + i % 5,
                    time=time.strftime("%d/%b/%Y:%H:%M:%S +0000"),
                    path=path,
                    status=503 if i < failing else 200,
                    size=100,
                )
            )
    return "".join(lines).encode()


def config(*rules: dict[str, Any]) -> Config:
    return Config.load(overrides={"rules": list(rules)})


def stated(findings: Findings) -> list[Anomaly]:
    return [a for a in findings.anomalies if a.type is AnomalyType.UNUSUAL_PATTERN]


def minute(anomaly: Anomaly) -> int:
    """The number of the minute that an anomaly's last window is."""
    return round(anomaly.end / 60e6 - START.timestamp() / 60) - 1


FAILING = [(10, 0), (10, 3), (10, 4), (10, 0), (10, 5), (10, 5), (10, 5), (10, 5), (10, 0)]


def test_a_rule_is_stated_from_the_window_that_makes_it_long_enough() -> None:
    rule = {"name": "errors", "when": "error_rate > 20 % for 3 windows", "severity": "high"}
    found = stated(run([log(FAILING)], config=config(rule)))
    assert [minute(a) for a in found] == [6, 7]
    first = found[0]
    assert (first.detector, first.severity, first.service) == ("rules.errors", "high", "test")
    assert (first.observed, first.threshold, first.unit) == (0.5, 0.2, "ratio")
    assert first.end - first.start == 3 * 60_000_000
    assert first.details["windows"] == 3
    assert first.evidence
    assert all(" 503 " in line.text for line in first.evidence)


def test_the_reported_threshold_may_stand_on_the_left_or_be_a_number_of_requests() -> None:
    rule = {"name": "few", "when": "not requests >= 20 and 4 < errors"}
    (found, *_) = stated(run([log(FAILING)], config=config(rule)))
    assert (found.observed, found.threshold, found.unit) == (10.0, 20.0, "requests")
    assert found.details["measures"] == {"requests": 10.0, "errors": 5.0}


def test_silence_counts_as_windows_with_no_request_and_a_gap_in_the_log_does_not() -> None:
    rule = {"name": "silent", "when": "requests < 1 for 5 windows"}
    quiet = [(10, 0)] * 3 + [(0, 0)] * 7 + [(10, 0)]
    found = stated(run([log(quiet)], config=config(rule)))
    assert [minute(a) for a in found] == [7, 8, 9]
    gap = [(10, 0)] * 3 + [(0, 0)] * (25 * 60) + [(10, 0)]
    assert stated(run([log(gap)], config=config(rule))) == []


def test_long_silence_that_is_passed_over_still_counts() -> None:
    rule = {"name": "silent", "when": "requests == 0 for 100 windows"}
    # Few requests: after a while nobody is expected, and windows are passed over by the dozen.
    sparse = [(1, 0)] * 40 + [(0, 0)] * 200 + [(1, 0)] * 2
    found = stated(run([log(sparse)], config=config(rule)))
    assert found
    assert minute(found[0]) >= 40 + 99
    assert len(list(firings(found))) == 1


def test_routes_are_judged_one_by_one_and_only_those_that_a_pattern_names() -> None:
    text = b"".join(log([(4, 2)] * 4, path) for path in ("/api/orders", "/api/users", "/shop"))
    lines = sorted(text.splitlines(keepends=True), key=lambda line: line.split(b"[")[1][:20])
    rule = {"name": "api", "when": "errors > 1", "routes": ["/api/*"]}
    found = stated(run([b"".join(lines)], config=config(rule)))
    assert {a.route for a in found} == {"/api/orders", "/api/users"}
    assert {a.entity.kind.value for a in found} == {"route"}
    nobody = {"name": "api", "when": "errors > 1", "services": ["other*"]}
    assert stated(run([b"".join(lines)], config=config(nobody))) == []


def test_what_the_log_does_not_tell_neither_fires_nor_clears() -> None:
    rules = (
        {"name": "slow", "when": "latency_p95 > 1 s"},
        {"name": "fast", "when": "not latency_p95 > 1 s"},
    )
    engine = build(config(*rules))
    for batch in batches([log(FAILING)]):
        engine.process(batch)
    assert stated(engine.finish()) == []
    (detector,) = (d for d in engine.detectors if isinstance(d, CustomRules))
    for tally in detector.tallies.values():
        assert (tally.judged, tally.unknown, tally.held) == (len(FAILING), len(FAILING), 0)


def test_a_tally_counts_windows_runs_and_firings() -> None:
    engine = build(config({"name": "errors", "when": "error_rate > 20 % for 2 windows"}))
    for batch in batches([log(FAILING)]):
        engine.process(batch)
    findings = engine.finish()
    (detector,) = (d for d in engine.detectors if isinstance(d, CustomRules))
    tally = detector.tallies["errors"]
    assert (tally.judged, tally.held, tally.longest, tally.stated, tally.times) == (9, 6, 4, 4, 2)
    assert [f.windows for f in firings(stated(findings))] == [2, 4]


def others(findings: Findings) -> Iterator[object]:
    yield from (a for a in findings.anomalies if a.type is not AnomalyType.UNUSUAL_PATTERN)
    yield from (i for i in findings.incidents if AnomalyType.UNUSUAL_PATTERN not in i.types)


def test_switching_a_rule_on_changes_nothing_else_that_is_found() -> None:
    case = INCIDENTS["error_spike"]
    rule = {"name": "always", "when": "requests > 0 or requests == 0", "routes": ["*"]}
    with_rule = run(case.simulation().chunks(), case.format, config(rule))
    assert stated(with_rule)
    without = run(case.simulation().chunks(), case.format)
    assert list(others(with_rule)) == list(others(without))


def test_every_statement_can_be_done_again_from_the_document(tmp_path: Path) -> None:
    case = INCIDENTS["error_spike"]
    rules = (
        {"name": "busy", "when": "request_rate > 1/s and requests / clients > 1.5"},
        {"name": "errors", "when": "errors + status_4xx > 4 or bytes_out > 1 MB", "routes": ["*"]},
        {"name": "top", "when": "top_client_share >= 5 % and not top_client_bytes < 1 kB"},
    )
    path = tmp_path / "findings.json"
    write_json(run(case.simulation().chunks(), case.format, config(*rules)), str(path))
    found = stated(load_findings(str(path)))
    assert {a.details["rule"] for a in found} == {"busy", "errors", "top"}
    for anomaly in found:
        assert holds(anomaly)
        assert math.isclose(recompute(anomaly.formula), anomaly.formula.result, rel_tol=1e-9)
        assert describe(anomaly) == anomaly.description
        assert counterfactual(anomaly) == anomaly.counterfactual
        assert 0.5 <= anomaly.score <= 1.0
        assert all(0 < c.share <= 1 for c in anomaly.contributions)


@pytest.mark.parametrize("sizes", [[1] * 90, [7, 30, 53]])
def test_batches_make_no_difference(sizes: list[int]) -> None:
    rule = {"name": "errors", "when": "error_rate > 20 % for 2 windows"}
    lines = log(FAILING).splitlines(keepends=True)
    chunks, at = [], 0
    for size in sizes:
        chunks.append(b"".join(lines[at : at + size]))
        at += size
    assert stated(run(chunks, config=config(rule))) == stated(run([log(FAILING)], config=config(rule)))


def in_part(first: int, last: int) -> bytes:
    """Ten requests in each of five minutes, but for seconds before `first` and, of the last, from `last` on."""
    lines = log([(10, 0)] * 5).splitlines(keepends=True)
    kept = [line for number, line in enumerate(lines) if first <= 6 * number < 4 * 60 + last]
    return b"".join(kept)


@pytest.mark.parametrize(
    "when",
    [
        "requests < 8",
        "request_rate < 0.1/s",
        "not requests >= 8",
        "bytes_out <= 700 B",
        "8 > requests",
        "requests != 10",
        "-requests > -8",
        "requests / 2 < 4 or clients < 1",
        "20 - requests > 12 and error_rate < 1 %",
    ],
)
def test_little_in_the_minutes_that_a_log_begins_and_ends_in_is_not_stated(when: str) -> None:
    rule = {"name": "little", "when": when}
    assert stated(run([in_part(first=30, last=30)], config=config(rule))) == []
    hole = [(10, 0)] * 2 + [(3, 0)] + [(10, 0)] * 2
    assert [minute(a) for a in stated(run([log(hole)], config=config(rule)))] == [2]


@pytest.mark.parametrize(
    "when",
    ["requests > 4", "errors == 0 and bytes_out > 300 B", "error_rate < 10 %", "bytes_out / requests > 50 B"],
)
def test_what_is_stated_of_such_a_minute_nothing_that_is_missing_can_undo(when: str) -> None:
    rule = {"name": "much", "when": when.replace("errors == 0 and ", "")}
    assert [minute(a) for a in stated(run([in_part(first=30, last=30)], config=config(rule)))] == [
        0,
        1,
        2,
        3,
        4,
    ]
    if "errors == 0" in when:
        whole = {"name": "much", "when": when}
        assert [minute(a) for a in stated(run([in_part(30, 30)], config=config(whole)))] == [1, 2, 3]


def test_the_first_minute_of_a_service_that_begins_within_it_is_not_taken_for_a_whole_one() -> None:
    rule = {"name": "little", "when": "requests < 8"}
    engine = build_engine(config(rule), lateness_us=0, own_clock=False)
    for batch in batches([in_part(first=30, last=60)]):
        engine.process(batch)
    engine.advance(int(START.timestamp() + 6 * 60) * 1_000_000)
    assert [minute(a) for a in stated(engine.finish())] == [5]

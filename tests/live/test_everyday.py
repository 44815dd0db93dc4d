"""A live service learns what is asked every day as a scan does, and its answers say so."""

from functools import cache
from pathlib import Path

import pytest

from tests.live.lines import Clock, Lines
from tests.patience import wait_until
from tests.signatures.test_everyday import SELECT, attacks, log, requests, site
from vedette.config import Config
from vedette.engine.choosing import Chooser, enricher
from vedette.engine.line_judge import LineJudge
from vedette.engine.signatures import signature_scanner
from vedette.live.live import Live
from vedette.live.watch import watch
from vedette.schema.findings import EverydayRequests, Findings
from vedette.storage import open_live_store

LINES = log(site(8), requests(range(8), range(25), SELECT))


def serve(path: Path, sizes: list[int]) -> tuple[set[str], list[EverydayRequests], Live]:
    """Statements about signatures, what was excused, and the service."""
    with open_live_store(f"sqlite:///{path}") as store:
        clock = Clock(1)
        live = Live(Config(), [Lines(LINES, sizes)], store, clock)
        while live.turn():
            clock.now += 1_000_000
        live.drain(clock.now + 1_000_000)
        everyday = live.engine.everyday
        assert everyday is not None
        stated = {a.id for a in store.anomalies(limit=1_000).items if a.detector == "signatures"}
        return stated, everyday.account(), live


@cache
def scanned() -> Findings:
    """What a scan finds."""
    return attacks(LINES, Config())[1]


@pytest.mark.parametrize("sizes", [[100_000], [700] * 100, [1, 50, 2_500, 3, 1_200]])
def test_it_says_what_a_scan_says_however_lines_come(sizes: list[int], tmp_path: Path) -> None:
    findings = scanned()
    stated, told, _ = serve(tmp_path / "v.db", sizes)
    assert stated == {a.id for a in findings.anomalies if a.detector == "signatures"}
    assert told == findings.coverage.everyday
    assert told


def test_a_line_that_is_asked_about_is_weighed_too(tmp_path: Path) -> None:
    live = serve(tmp_path / "v.db", [])[2]
    config = Config()
    scanner = signature_scanner(config.detectors.signatures)
    known = live.engine.everyday
    names = enricher(config)
    judge = LineJudge(scanner, Chooser(config), names, everyday=lambda: known)
    line = next(line for line in reversed(LINES) if b"find=" in line).strip()
    # A single line tells no host: its service is the one named so.
    assert known is not None
    of_log, of_line = "test", names.namer.settled("detect", None)
    force = {
        (of_line, route): rules
        for (service, route), rules in known.settled.before.items()
        if service == of_log
    }
    for _ in range(2):
        (said,) = judge.judge([line], [None])
        assert said.is_attack
        assert not said.everyday
    known.learning.settled = known.settled._replace(all=force, before=force)
    for _ in range(2):
        (said,) = judge.judge([line], [None])
        assert not said.is_attack
        assert said.everyday
        assert said.score < 0.5
        assert {match.rule for match in said.matches} == {"sql-select-list", "sql-select-from-where"}
    (other,) = judge.judge([line.replace(b"/query", b"/other")], [None])
    assert other.is_attack


def test_a_service_tells_what_it_does_not_tell_as_attacks(tmp_path: Path) -> None:
    live = {"directory": str(tmp_path), "poll_s": 0.05}
    service, end = watch(live=live, windows={"span_s": 900})
    try:
        assert service.everyday() == []
        assert service.push("site", b"".join(LINES)).refused == 0
        # What is read is counted before it is judged.
        expected = [("/query", 100), ("/query", 100)]
        wait_until(
            lambda: [(row.route, row.requests) for row in service.everyday()] == expected, service.everyday
        )
        told = service.everyday()
        assert service.counters().everyday == {(row.service, row.rule): row.requests for row in told}
    finally:
        end()

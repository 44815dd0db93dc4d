"""Injections into what visitors use are told apart from what strangers try at any address there is."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

from tests.engine.running import run
from vedette.schema.anomaly import AnomalyType, Severity
from vedette.schema.findings import Findings

START = datetime(2026, 3, 2, tzinfo=UTC)
MINUTES = 240
FROM, EVERY = 120, 4
"""Minute of the first injection, and minutes from one to the next."""
INTO = {
    "used": "/api/deals?sort=1%27%20UNION%20SELECT%20null,version()--&page=1",
    "unused": "/api/deals?id=1%27%20UNION%20SELECT%20null,version()--",
    "elsewhere": "/article.php?sort=1%27%20UNION%20SELECT%20null,version()--",
}


def _log(into: str) -> Iterator[bytes]:
    draw, rows = Random(5), []

    def ask(second: float, host: str, target: str, status: int) -> None:
        moment = (START + timedelta(seconds=second)).strftime("%d/%b/%Y:%H:%M:%S +0000")
        rows.append(
            (second, f'{host} - - [{moment}] "GET {target} HTTP/1.1" {status} 90 "-" "Mozilla/5.0"\n')
        )

    for visit in range(MINUTES * 20):
        host = f"198.51.{visit % 250}.{draw.randrange(1, 250)}"
        ask(visit * 3.0, host, f"/api/deals?sort=-updated&page={draw.randrange(90)}", 200)
        if visit % 7 == 0:
            ask(visit * 3.0 + 1, host, "/", 200)
    for minute in range(3, MINUTES, 9):
        ask(minute * 60 + 20, f"203.0.113.{minute}", "/.env", 404)
    for minute in range(FROM, MINUTES, EVERY):
        ask(minute * 60 + 30, f"203.0.{minute}.7", INTO[into], 404 if into == "elsewhere" else 500)
    rows.sort(key=lambda row: row[0])
    yield "".join(text for _, text in rows).encode()


@cache
def found(into: str) -> Findings:
    return run(_log(into), "combined")


def test_injections_by_many_into_what_visitors_use_are_one_incident_of_their_own() -> None:
    findings = found("used")
    told = [a for a in findings.anomalies if a.type is AnomalyType.SQL_INJECTION]
    assert len(told) == (MINUTES - FROM) // EVERY
    assert {(a.route, a.details["parameter"], a.severity) for a in told} == {
        ("/api/deals", "sort", Severity.MEDIUM)
    }
    assert "to (service) /api/deals from" in told[0].description.replace(told[0].service, "(service)")
    assert "Visitors set sort to other things." in told[0].description
    (incident,) = (i for i in findings.incidents if AnomalyType.SQL_INJECTION in i.types)
    assert incident.severity is Severity.MEDIUM
    assert f"/api/deals by 203.0.{FROM}.7 and {len(told) - 1} more" in incident.title
    assert incident.start == told[0].start


def test_what_strangers_try_anywhere_stays_the_weather() -> None:
    for into in ("unused", "elsewhere"):
        told = [a for a in found(into).anomalies if a.type is AnomalyType.SQL_INJECTION]
        assert told
        assert {(a.route, a.severity) for a in told} == {(None, Severity.LOW)}
        (incident,) = (i for i in found(into).incidents if AnomalyType.SQL_INJECTION in i.types)
        assert incident.title.startswith("Background probing")

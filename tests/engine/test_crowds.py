"""Many who were known come at once: a crowd. Many whom nobody knew: a flood."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

import pytest

from tests.engine.running import batches, build, run
from vedette.schema.anomaly import AnomalyType
from vedette.schema.findings import Findings

START = datetime(2026, 3, 2, tzinfo=UTC)
MINUTES = 30 * 60
RUSH = 28 * 60
"""Minute of the second day in which a page is asked for by many; and the next one."""


def _log(rush: str) -> Iterator[bytes]:
    draw = Random(3)
    known = [f"198.51.{n // 250}.{n % 250}" for n in range(900)]
    new = [f"203.0.{n // 250}.{n % 250}" for n in range(900)]
    rows = []

    def ask(second: float, host: str, request: str) -> None:
        moment = (START + timedelta(seconds=second)).strftime("%d/%b/%Y:%H:%M:%S +0000")
        rows.append((second, f'{host} - - [{moment}] "{request} HTTP/1.1" 200 90 "-" "{host}/1.0"\n'))

    for number in range(MINUTES * 20):
        ask(number * 3 + draw.random(), draw.choice(known), "POST /inbox")
    whose = {"known": known, "new": new, "half": known[:420] + new[:480]}[rush]
    for host in whose:
        ask(RUSH * 60 + draw.random() * 110, host, "GET /@ana/1001")
    rows.sort(key=lambda row: row[0])
    yield "".join(text for _, text in rows).encode()


@cache
def found(rush: str) -> Findings:
    return run(_log(rush), "combined")


def floods(findings: Findings) -> list[str]:
    return [a.service for a in findings.anomalies if a.type is AnomalyType.DDOS_ATTACK]


def test_a_crowd_of_known_clients_is_no_flood() -> None:
    assert not floods(found("known"))
    assert any(a.type is AnomalyType.TRAFFIC_SPIKE for a in found("known").anomalies)


@pytest.mark.parametrize("rush", ["new", "half"])
def test_many_new_clients_are_a_flood(rush: str) -> None:
    assert floods(found(rush))


def test_whom_a_service_knew_is_kept() -> None:
    (log,) = _log("known")
    lines = log.splitlines(keepends=True)
    first, second = build(), build()
    flood, again = (next(d for d in e.detectors if d.name == "flood") for e in (first, second))
    for batch in batches([b"".join(lines[:20_000])]):
        first.process(batch)
    again.from_state(flood.to_state())
    assert again.to_state() == flood.to_state()
    again.from_state(b"")

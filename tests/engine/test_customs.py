"""What many clients of a service do now and then is told of the first of them, and of strangers."""

from datetime import UTC, datetime, timedelta
from functools import cache

from tests.engine.running import run
from vedette.schema.anomaly import Anomaly, AnomalyType

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
HOURS = 34
STRANGER = "203.0.113.9"


def line(minute: int, second: int, client: str, path: str, status: int, size: int, took: float = 0.01) -> str:
    stamp = f"{BEGIN + timedelta(minutes=minute):%d/%b/%Y:%H:%M}:{second:02}"
    return f'{client} - - [{stamp} +0000] "GET {path} HTTP/1.1" {status} {size} "-" "x" {took}\n'


def background(minute: int) -> list[str]:
    return [line(minute, n * 20, f"10.9.0.{(minute + n) % 9}", "/health", 200, 2) for n in range(3)]


@cache
def found(what: str) -> tuple[Anomaly, ...]:
    """What is told of nine machines, one of which does something every forty minutes, and of a stranger at last."""
    lines = []
    for minute in range(HOURS * 60):
        of_minute = background(minute)
        client = STRANGER if minute == (HOURS - 1) * 60 else f"10.9.0.{minute // 40 * 7 % 9}"
        if minute > 600 and (minute % 40 == 7 + minute // 40 % 5 or client == STRANGER):
            for n in range(60):
                size, status = (300_000, 200) if what == "builds" else (40, 429)
                of_minute.append(line(minute, n, client, f"/lib/{n % 7}", status, size))
        lines.append("".join(of_minute))
    return tuple(run(["".join(lines).encode()], "nginx-timed").anomalies)


def clients(what: str, kind: AnomalyType) -> list[str]:
    """Clients that are told, in the order of their first time."""
    told = sorted((a.start, a.entity.value) for a in found(what) if a.type is kind)
    return list(dict.fromkeys(client for _, client in told))


def test_what_machines_of_the_house_build_is_told_of_the_first_ones_and_of_a_stranger() -> None:
    *first, last = clients("builds", AnomalyType.DATA_EXFILTRATION)
    assert len(first) == 3
    assert last == STRANGER


def test_who_runs_into_the_limit_as_all_do_is_not_told() -> None:
    assert len(clients("limited", AnomalyType.RATE_LIMIT_ABUSE)) == 3

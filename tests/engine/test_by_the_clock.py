"""What comes every night is told once, and what only looks like it is told."""

from datetime import UTC, datetime, timedelta

from tests.engine.running import run
from vedette.schema.anomaly import Anomaly, AnomalyType

DAYS = 2
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
JOB, THIEF = "192.0.2.40", "203.0.113.9"
NIGHT, EVENING = 2 * 60, 17 * 60
"""Minutes of the day."""
PAGES = 30
"""A minute."""

Line = tuple[int, int, str]
"""Second, bytes, client."""


def pages(minute: int, number: int) -> list[Line]:
    return [
        (
            60 * n // max(PAGES, number),
            9000 + 211 * ((3 * minute + n) % 17),
            f"198.51.100.{(7 * minute + n) % 200}",
        )
        for n in range(number)
    ]


def export(client: str) -> list[Line]:
    """A minute of downloads, of ten that make a gigabyte."""
    return [(6 * n + 1, 10_000_000, client) for n in range(10)]


def found(type_: AnomalyType, special: dict[int, list[Line]]) -> list[Anomaly]:
    """Anomalies of some days of thirty pages a minute, other lines in some minutes."""
    chunks = []
    for day in range(DAYS):
        lines = []
        for minute in range(day * 1440, (day + 1) * 1440):
            stamp = f"{BEGIN + timedelta(minutes=minute):%d/%b/%Y:%H:%M}"
            for second, size, client in sorted(special.get(minute, pages(minute, PAGES))):
                path = "/export" if size > 1_000_000 else "/page"
                lines.append(
                    f'{client} - - [{stamp}:{second:02} +0000] "GET {path} HTTP/1.1" 200 {size} "-" "x"\n'
                )
        chunks.append("".join(lines).encode())
    return [a for a in run(chunks).anomalies if a.type is type_]


def days(anomalies: list[Anomaly]) -> list[int]:
    return sorted({int(a.start / 1e6 - BEGIN.timestamp()) // 86_400 for a in anomalies})


def minutes(day: int, begin: int, length: int) -> range:
    return range(day * 1440 + begin, day * 1440 + begin + length)


def test_a_nightly_export_is_told_the_first_night_and_a_thief_beside_it_too() -> None:
    special = {
        minute: pages(minute, PAGES) + export(JOB)
        for day in range(DAYS)
        for minute in minutes(day, NIGHT, 10)
    }
    for minute in minutes(1, NIGHT + 60, 10):
        special[minute] = pages(minute, PAGES) + export(THIEF)
    told = found(AnomalyType.DATA_EXFILTRATION, special)
    assert days([a for a in told if a.entity.value == JOB]) == [0]
    assert days([a for a in told if a.entity.value == THIEF]) == [1]
    assert {a.entity.value for a in told} == {JOB, THIEF}


def test_an_office_that_closes_every_evening_is_told_once_and_an_outage_then_is_told() -> None:
    evenings = {minute: pages(minute, 5) for day in range(DAYS) for minute in minutes(day, EVENING, 120)}
    outage = {minute: pages(minute, 0) for minute in minutes(DAYS - 1, EVENING, 20)}
    assert days(found(AnomalyType.TRAFFIC_DROP, evenings)) == [0]
    assert days(found(AnomalyType.TRAFFIC_DROP, evenings | outage)) == [0, DAYS - 1]


def test_a_morning_like_yesterday_s_is_no_spike_and_more_than_yesterday_is() -> None:
    """A log that begins in the morning: its baseline has taken on the night's level by the next one."""
    lines = {minute: pages(minute, 240 + 3 * (minute % 7)) for minute in range(DAYS * 1440)}
    lines |= {minute: pages(minute, minute % 3) for minute in [*range(1140, 1920), *range(2580, 2880)]}
    lines |= {minute: [] for minute in range(470)}
    assert days(found(AnomalyType.TRAFFIC_SPIKE, lines)) == []
    assert days(found(AnomalyType.DDOS_ATTACK, lines)) == []
    begin = 1440 + 540
    lines |= {minute: pages(minute, 900) for minute in range(begin, begin + 15)}
    # All of it on one route: a flood.
    told = found(AnomalyType.DDOS_ATTACK, lines)
    assert min(a.start for a in told) / 1e6 == (BEGIN + timedelta(minutes=begin)).timestamp()


def test_a_site_that_nobody_asks_at_night_is_out_on_the_first_night_only() -> None:
    lines = {minute: pages(minute, 60 + minute % 7) for minute in range(DAYS * 1440)}
    for day in range(DAYS):
        lines |= {minute: pages(minute, int(minute % 9 == 0)) for minute in minutes(day, 1140, 180)}
    assert days(found(AnomalyType.TRAFFIC_DROP, lines)) == [0]
    outage = {minute: [] for minute in minutes(1, 600, 10)}
    assert days(found(AnomalyType.TRAFFIC_DROP, lines | outage)) == [0, 1]


def test_a_nightly_job_of_a_service_that_is_only_probed_is_no_combination_the_second_night() -> None:
    lines = []
    for minute in range(DAYS * 1440):
        stamp = f"{BEGIN + timedelta(minutes=minute):%d/%b/%Y:%H:%M}"
        job = 48 if NIGHT <= minute % 1440 < NIGHT + 5 else 0
        for n in range(2 + job):
            path, size = ("/health", 2) if n < 2 else ("/invoices", 400 + (7 * minute + n) % 60)
            second = n * 59 // (1 + job)
            took = 0.001 if n < 2 else 0.3 + (11 * minute + n) % 50 / 100
            head = f"10.0.0.{1 + (n > 1)} - - [{stamp}:{second:02} +0000]"
            lines.append(f'{head} "GET {path} HTTP/1.1" 200 {size} "-" "x" {took}\n')
    assert not [
        a
        for a in run(["".join(lines).encode()], "nginx-timed").anomalies
        if a.type is AnomalyType.UNUSUAL_PATTERN
    ]

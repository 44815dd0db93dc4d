"""The windows that a log begins or ends in are not taken for whole ones."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from tests.engine.running import batches, build, run, split
from vedette.config import Config
from vedette.engine.build import build_engine
from vedette.schema.anomaly import Anomaly, AnomalyType

BEGIN = 1_767_340_800
"""2026-01-02 08:00 UTC."""
HOUR = 3600


def lines(seconds: Iterable[int], each: int = 5) -> list[bytes]:
    """About `each` requests in each of so many seconds after the beginning."""
    return [
        f"10.0.{(s * 7 + n) % 40}.1 - - [{datetime.fromtimestamp(BEGIN + s, UTC):%d/%b/%Y:%H:%M:%S +0000}] "
        f'"GET /p{(s + n) % 5} HTTP/1.1" 200 500 "-" "Firefox"\n'.encode()
        for s in seconds
        for n in range(each + (s * s) % 3 - 1)
    ]


def drops(anomalies: Iterable[Anomaly]) -> list[Anomaly]:
    return [a for a in anomalies if a.type is AnomalyType.TRAFFIC_DROP]


@pytest.mark.parametrize("seconds", [1, 5, 20, 29, 31, 45, 59])
def test_a_log_that_ends_within_a_minute_shows_no_drop(seconds: int) -> None:
    assert drops(run([b"".join(lines(range(HOUR + seconds)))]).anomalies) == []


def test_a_drop_is_seen_in_what_there_is_of_the_last_minute() -> None:
    few = [*range(HOUR), *range(HOUR + 5, HOUR + 50, 15)]
    (drop,) = drops(run([b"".join(lines(few))]).anomalies)
    assert drop.start == (BEGIN + HOUR) * 1_000_000


@pytest.mark.parametrize("seconds", [3, 35, 58])
def test_what_is_scanned_may_begin_within_a_minute(seconds: int) -> None:
    engine = build()
    with engine.learning():
        for batch in batches([b"".join(lines(range(HOUR)))]):
            engine.process(batch)
    for batch in batches([b"".join(lines(range(HOUR + 60 - seconds, HOUR + 600)))]):
        engine.process(batch)
    assert drops(engine.finish().anomalies) == []


def test_silence_before_the_first_line_is_a_drop_all_the_same() -> None:
    engine = build()
    with engine.learning():
        for batch in batches([b"".join(lines(range(HOUR)))]):
            engine.process(batch)
    for batch in batches([b"".join(lines(range(HOUR + 330, HOUR + 900)))]):
        engine.process(batch)
    assert drops(engine.finish().anomalies)[0].start == (BEGIN + HOUR) * 1_000_000


def test_a_log_with_its_newest_line_first_shows_no_drop_in_the_minute_that_it_ends_in() -> None:
    newest_first = lines(range(3001), each=2)[::-1]
    engine = build_engine(Config(), lateness_us=3_300_000_000)
    for batch in batches(split(newest_first, [3, 4, 100])):
        engine.process(batch)
    found = engine.finish()
    assert found.coverage.late == 0
    assert found.coverage.end == (BEGIN + 3001) * 1_000_000
    assert drops(found.anomalies) == []


def test_services_that_are_told_apart_from_now_on_are_no_drop_among_the_others() -> None:
    log = [
        b"s%d.example:80 " % (number % 100) + line
        for number, line in enumerate(lines(range(2 * HOUR), each=3))
    ]
    assert drops(run([b"".join(log)], "vhost_combined").anomalies) == []


@pytest.mark.parametrize("days", [2, 7, 8, 9, 20])
def test_a_log_of_a_request_a_day_is_covered_to_its_last(days: int) -> None:
    lines = b"".join(
        b'192.0.2.1 - - [%02d/Mar/2026:12:00:30 +0000] "GET / HTTP/1.1" 200 1\n' % (day + 1)
        for day in range(days)
    )
    coverage = run([lines]).coverage
    noon, day = 1_772_366_400_000_000, 86_400_000_000
    assert coverage.late == 0
    assert coverage.start is not None
    assert coverage.end is not None
    assert noon <= coverage.start < noon + 60_000_000
    assert 0 <= coverage.end - (noon + (days - 1) * day) <= 60_000_000

"""What is missed while the service is down is no silence; that of files, which are read afterwards, is."""

from pathlib import Path

import pytest

from tests.live.lines import Clock, Lines
from vedette.config import Config
from vedette.live.live import Live
from vedette.schema.anomaly import AnomalyType
from vedette.storage import open_live_store

SECOND, MINUTE = 1_000_000, 60_000_000
NOON = 1_772_452_800 * SECOND
BEFORE, AWAY, AFTER = 45, 12, 5
"""Minutes before the service stops, until it is started again, and after that."""


def minutes(first: int, past: int) -> list[bytes]:
    """Two requests a second."""
    lines = []
    for second in range(first * 60, past * 60):
        clock = 12 * 3600 + second
        time = f"02/Mar/2026:{clock // 3600}:{clock // 60 % 60:02}:{clock % 60:02} +0000"
        line = f'- - [{time}] "GET /a HTTP/1.1" 200 12 "-" "Mozilla/5.0"\n'
        lines += [f"192.0.2.{second % 40 + client} {line}".encode() for client in range(2)]
    return lines


def drops(path: Path, source: str, stops: int) -> list[str]:
    """Serve, stop for a while, once or several times over, and serve again."""
    config, url = Config(), f"sqlite:///{path / 'v.db'}"
    lines = minutes(0, BEFORE)
    clock = Clock(NOON)

    def serve(until: int) -> None:
        with open_live_store(url) as store:
            live = Live(config, [Lines(lines, [120] * 1000, name=source)], store, clock)
            while clock.now < until:
                clock.now += MINUTE
                live.turn()
            live.commit()

    serve(NOON + BEFORE * MINUTE)
    for _ in range(stops):
        clock.now += AWAY * MINUTE // stops
        # Started, and stopped again before the windows of the time before were judged.
        serve(clock.now + 1)
    start = (clock.now - NOON) // MINUTE
    lines += minutes(start, start + AFTER)
    serve(clock.now + AFTER * MINUTE)
    with open_live_store(url) as store:
        return [a.service for a in store.anomalies(limit=1000).items if a.type is AnomalyType.TRAFFIC_DROP]


@pytest.mark.parametrize("stops", [1, 3])
def test_silence_while_the_service_was_down_is_no_drop_of_what_is_pushed(tmp_path: Path, stops: int) -> None:
    found = drops(tmp_path, "journal", stops)
    assert found == []


def test_silence_of_a_file_is_a_drop_whether_the_service_was_down_or_not(tmp_path: Path) -> None:
    assert drops(tmp_path, "access.log", 1)

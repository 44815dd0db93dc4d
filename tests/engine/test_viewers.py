"""Who reads a site like a machine, and who only looks so."""

from datetime import UTC, datetime, timedelta

from tests.engine.running import run
from vedette.schema.anomaly import AnomalyType

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
VIEWER = "192.0.2.40"


def test_who_watches_films_is_no_bot() -> None:
    lines = []
    for minute in range(120):
        stamp = f"{BEGIN + timedelta(minutes=minute):%d/%b/%Y:%H:%M}"
        for second in range(0, 60, 2):
            film = f"/film/{second % 8}/1080p/{(60 * minute + second) // 2}.ts"
            head = f"{VIEWER} - - [{stamp}:{second:02} +0000]"
            lines.append(f'{head} "GET {film} HTTP/1.1" 206 2200000 "-" "Mozilla/5.0 Firefox/143.0" 0.12\n')
    found = run(["".join(lines).encode()], "nginx-timed").anomalies
    assert not [a for a in found if a.type is AnomalyType.BOT_ACTIVITY]

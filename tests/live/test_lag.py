"""How far behind the service says it is."""

from pathlib import Path

import pytest

from tests.live.lines import Clock
from tests.live.test_live import SECOND, Told, live, log
from vedette.live.live import BUSY_BYTES
from vedette.live.work import Work
from vedette.sources.source import SourceState
from vedette.storage import open_live_store

IDLE = 60 * SECOND


@pytest.mark.parametrize(
    ("now", "kept_up", "seconds"),
    [(100, True, 5), (159, True, 5), (160, True, 0), (9_000, True, 0), (160, False, 65), (90, False, 5)],
)
def test_it_is_what_the_last_line_was_until_nothing_has_come_for_long(
    now: int, kept_up: bool, seconds: int
) -> None:
    work = Work()
    assert work.behind_us(now * SECOND, idle_after=IDLE, kept_up=kept_up) is None
    work.saw(95 * SECOND, 100 * SECOND)
    assert work.behind_us(now * SECOND, idle_after=IDLE, kept_up=kept_up) == seconds * SECOND


def test_an_old_log_that_was_read_is_not_lagged_behind_for_ever(tmp_path: Path) -> None:
    source, clock = Told(log()[:100], [100]), Clock(1 << 53)
    with open_live_store(f"sqlite:///{tmp_path / 'v.db'}") as store:
        running = live(store, source, clock)
        source.said = SourceState.READING, BUSY_BYTES
        running.turn()
        before = running.lag_us
        assert before is not None
        clock.now += 3600 * SECOND
        assert running.lag_us == before + 3600 * SECOND
        source.said = SourceState.WAITING, 0
        assert running.lag_us == 0

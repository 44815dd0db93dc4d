"""What is found in old logs can be read."""

from pathlib import Path

import pytest

from tests.detectors.test_parameters import START, line
from tests.live.test_running import running
from tests.patience import wait_until
from tests.report.made import anomaly
from vedette.live.ageing import counted_from_the_end, told
from vedette.schema.live import Commit
from vedette.storage import open_live_store
from vedette.storage.live import Retention

DAY = 86_400_000_000
KEPT = Retention(windows=7 * DAY, fine_windows=2 * DAY, anomalies=90 * DAY, alerts=None, audits=365 * DAY)


def of_commit(directory: Path, now: int, retention: Retention) -> int:
    """Anomalies that stay of one that ends at its time."""
    with open_live_store(f"sqlite:///{directory}/a.db") as store:
        store.commit(Commit(time=anomaly(1).end, state=b"", positions={}, anomalies=(anomaly(1),)))
        store.prune(now, retention)
        return len(store.anomalies().items)


@pytest.mark.parametrize("older", [89, 91, 4_000])
def test_what_is_found_in_old_logs_stays_while_nothing_newer_was_read(tmp_path: Path, older: int) -> None:
    end = anomaly(1).end
    now = end + older * DAY
    assert of_commit(tmp_path, now, counted_from_the_end(KEPT, now, end + 1)) == 1


def test_it_goes_once_newer_lines_were_read_and_would_have_gone_at_once_before(tmp_path: Path) -> None:
    end = anomaly(1).end
    now = end + 91 * DAY
    assert counted_from_the_end(KEPT, now, now - DAY) == KEPT
    assert of_commit(tmp_path, now, KEPT) == 0


def test_old_logs_lose_what_is_older_than_their_own_last_stretch(tmp_path: Path) -> None:
    end = anomaly(1).end
    reached = end + 91 * DAY
    now = reached + 1_000 * DAY
    assert of_commit(tmp_path, now, counted_from_the_end(KEPT, now, reached)) == 0


def test_what_is_told_names_the_keys_that_matter() -> None:
    now = 1_772_452_800_000_000
    assert told(KEPT, now, now - DAY) == told(KEPT, now, 0) == told(KEPT, now, -(1 << 62)) == ""
    assert "(windows_d = 7)" in told(KEPT, now, now - 8 * DAY)
    said = told(KEPT, now, now - 400 * DAY)
    assert "end at 2025-01-26 12:00:00 UTC" in said
    assert "(windows_d = 7, anomalies_d = 90)" in said
    assert counted_from_the_end(KEPT, now, 0) == KEPT


def test_a_service_that_reads_old_logs_says_so_and_is_well(tmp_path: Path) -> None:
    with running(tmp_path, commit_s=1) as service:
        assert service.health().problems == ()
        service.push("old", b"".join(line(START + second, "/shop/") for second in range(0, 600, 10)))
        wait_until(lambda: service.health().problems)
        assert service.health().status == "ok"
        (said,) = service.health().problems
        assert "anomalies_d = 90" in said

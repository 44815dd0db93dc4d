"""What a scan puts into a store that fails meanwhile."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vedette.cli.main import run

CLEAN = '192.0.2.7 - - [02/Mar/2026:08:{minute:02}:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8"\n'


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[int]]:
    """Makes stores fail from the second batch of windows on; tells how often each was asked to save."""
    from vedette.storage.errors import StoreError, StoreProblem
    from vedette.storage.sql import SqlStore

    asked: list[int] = []
    saved = SqlStore.save_windows

    def save(self: Any, rows: Any) -> int:
        asked.append(len(rows))
        if len(asked) > 1:
            raise StoreError(
                "sqlite:///x.db", StoreProblem.FULL, "its disk is full; free space and run again"
            )
        return saved(self, rows)

    monkeypatch.setattr(SqlStore, "save_windows", save)
    return lambda: asked


def test_a_store_that_fails_during_a_scan_is_told_behind_the_report_and_asked_no_more(
    failing: Callable[[], list[int]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.log").write_text("".join(CLEAN.format(minute=minute) for minute in range(10)))
    assert run(["scan", "a.log", "--store", "sqlite:///x.db", "--json", "f.json"]) == 2
    told = capsys.readouterr()
    assert "What this rests on" in told.out
    assert told.err == "vedette: sqlite:///x.db: its disk is full; free space and run again\n"
    assert Path("f.json").stat().st_size > 1_000
    assert len(failing()) == 2

"""A database of an earlier version opens, and serves as a new one does."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from vedette.schema.live import Commit
from vedette.schema.records import WindowRecord
from vedette.storage import WindowFilter, open_live_store
from vedette.storage.live import Resolution
from vedette.storage.tables import METADATA


@pytest.fixture
def old(url: str) -> str:
    """URL of a database as `vedette scan --store` of version 1 wrote it (of a sample, the first minutes)."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.executescript((Path(__file__).parent / "schema_1.sql").read_text())
    connection.close()
    return url


def old_windows(url: str) -> list[WindowRecord]:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.row_factory = sqlite3.Row
    rows = [dict(row) for row in connection.execute("SELECT * FROM windows ORDER BY start_us, span_s")]
    connection.close()
    return [WindowRecord(start=row.pop("start_us"), route=row.pop("route") or None, **row) for row in rows]


def test_windows_are_what_they_were(old: str) -> None:
    before = old_windows(old)
    routes = {window.route for window in before}
    assert len(routes) > 20
    with open_live_store(old) as store:
        for route in routes:
            found = store.windows(WindowFilter(service="sample", route=route), limit=1000).items
            assert found == [window for window in before if window.route == route]


def test_findings_are_there_and_can_be_resolved(old: str) -> None:
    with open_live_store(old) as store:
        assert store.stats().total == len(store.anomalies().items) == 2
        assert len(store.incidents().items) == 3
        first, _ = store.anomalies().items
        assert store.anomaly(first.id) == first
        assert store.resolve(Resolution(anomaly_id=first.id, false_positive=True, by="eve", at=5))
        assert len(store.baselines().items) == 5
        assert len(store.runs().items) == 1
        assert store.resume() is None
        store.commit(Commit(time=1, state=b"s", positions={}))
        assert store.resume()


def described(url: str) -> dict[str, tuple[object, ...]]:
    """Tables of a database: columns, keys, indexes."""
    looking = inspect(create_engine(url))
    return {
        table: (
            sorted(
                (column["name"], str(column["type"]), column["nullable"])
                for column in looking.get_columns(table)
            ),
            looking.get_pk_constraint(table)["constrained_columns"],
            sorted(
                (str(index["name"]), tuple(index["column_names"])) for index in looking.get_indexes(table)
            ),
        )
        for table in looking.get_table_names()
        if table != "vedette_schema"
    }


def test_old_and_new_databases_have_the_tables_that_the_program_knows(old: str, tmp_path: Path) -> None:
    new, straight = (f"sqlite:///{tmp_path / name}.db" for name in ("new", "straight"))
    open_live_store(old).close()
    open_live_store(new).close()
    METADATA.create_all(create_engine(straight))
    assert described(old) == described(new) == described(straight)

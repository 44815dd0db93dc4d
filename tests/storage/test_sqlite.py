"""The SQLite file: who may open it, what goes wrong, and who waits for whom."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from tests.patience import PATIENCE_S
from tests.storage.things import DAY, anomaly, commit
from vedette.schema.findings import Coverage, Findings
from vedette.schema.records import WindowRecord
from vedette.storage import Store, StoreError, StoreProblem, WindowFilter, open_live_store, open_store
from vedette.storage import sqlite as module
from vedette.storage.live import Retention
from vedette.storage.migrations import STEPS, migrate
from vedette.storage.sql import SqlStore

NOTHING = Findings([], [], Coverage())


def window(number: int, service: str = "shop") -> WindowRecord:
    return WindowRecord(
        service=service,
        route=None,
        start=number * 60_000_000,
        span_s=60,
        requests=1,
        errors_4xx=0,
        errors_5xx=0,
        bytes_in=0,
        bytes_out=0,
        timed=0,
        latency_p50_s=None,
        latency_p95_s=None,
        latency_p99_s=None,
        distinct_clients=1,
    )


def refusal(url: str, *, create: bool = True) -> StoreError:
    with pytest.raises(StoreError) as caught:
        open_store(url, create=create)
    return caught.value


@pytest.fixture
def file(url: str) -> Path:
    """A database of ours, closed."""
    open_store(url).close()
    return Path(url.removeprefix("sqlite:///"))


def run_sql(file: Path, *statements: str) -> None:
    connection = sqlite3.connect(file)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "vedette.db",
            "store: not a URL; write sqlite:///vedette.db, postgresql://user@host/vedette or mongodb://",
        ),
        ("", "store: not a URL; write sqlite:///vedette.db, postgresql://user@host/vedette or mongodb://"),
        ("sqlite://", "sqlite://: names no file, and memory keeps nothing; write sqlite:///vedette.db"),
        ("sqlite:///:memory:", "names no file, and memory keeps nothing"),
        ("sqlite:///v.db?mode=ro", "must be only sqlite:/// and a path"),
        ("sqlite://host/v.db", "must be only sqlite:/// and a path"),
        ("sqlite:///", "names no file"),
        ("sqlite:////nowhere/v.db", "there is no directory /nowhere; create it first"),
        ("sqlite:////tmp", "/tmp is a directory; name a file in it"),
        ("mysql://root:hunter2@db/v", "mysql://root:***@db/v: 'mysql' is no store we know"),
    ],
)
def test_a_url_that_cannot_be_used_is_told(url: str, said: str) -> None:
    error = refusal(url)
    assert said in str(error)
    assert "hunter2" not in str(error)


def test_a_store_that_must_exist_is_not_made(url: str) -> None:
    assert "there is no file" in str(refusal(url, create=False))
    assert not Path(url.removeprefix("sqlite:///")).exists()


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"GET / 200\n" * 100)
    error = refusal(f"sqlite:///{path}")
    assert error.problem is StoreProblem.NOT_OURS
    assert str(error).endswith("the file is not an SQLite database; give another path")
    assert path.read_bytes() == b"GET / 200\n" * 100


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    run_sql(path, "CREATE TABLE users (id)")
    before = path.read_bytes()
    error = refusal(f"sqlite:///{path}")
    assert error.problem is StoreProblem.NOT_OURS
    assert "holds another program's tables (users); give another file" in str(error)
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused_and_left_alone(url: str, file: Path) -> None:
    run_sql(file, "INSERT INTO vedette_schema VALUES (99)")
    error = refusal(url)
    assert error.problem is StoreProblem.NEWER_SCHEMA
    assert f"schema version 99: this program knows versions up to {len(STEPS)}; use a newer vedette" in str(
        error
    )


def test_a_damaged_database_is_told(url: str, file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[100:] = b"\xff" * (len(data) - 100)
    file.write_bytes(bytes(data))
    assert refusal(url).problem is StoreProblem.DAMAGED


def test_a_document_that_cannot_be_read_back_is_told(url: str, file: Path) -> None:
    run_sql(file, "INSERT INTO runs VALUES ('r1', 5, '{\"id\": 1}')")
    with (
        open_store(url) as store,
        pytest.raises(StoreError, match="RunRecord r1 cannot be read back") as caught,
    ):
        store.runs()
    assert caught.value.problem is StoreProblem.DAMAGED


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_read_only_file_can_be_read_but_not_written(url: str, file: Path) -> None:
    file.chmod(0o400)
    with open_store(url) as store:
        assert store.runs().items == []
        with pytest.raises(StoreError) as caught:
            store.save_windows([window(1)])
    assert caught.value.problem is StoreProblem.READ_ONLY


def test_an_unwritable_place_is_told() -> None:
    error = refusal("sqlite:////proc/v.db")
    assert error.problem is StoreProblem.UNREACHABLE
    assert "cannot be opened; check that you may write to its directory" in str(error)


def test_a_full_disk_is_told_and_earlier_batches_stay(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette.storage.sql.BATCH_ROWS", 10)
    assert isinstance(store, SqlStore)
    limit_pages(store, 80)
    with pytest.raises(StoreError, match="its disk is full") as caught:
        store.save_windows(window(number, "s" * 500) for number in range(100_000))
    assert caught.value.problem is StoreProblem.FULL
    kept = store.windows(WindowFilter(service="s" * 500), limit=1000).items
    assert kept
    assert len(kept) % 10 == 0


def limit_pages(store: SqlStore, pages: int) -> None:
    @event.listens_for(store._engine, "begin")
    def limit(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


class TestTogether:
    """Several programs on one file."""

    @pytest.fixture
    def other_writer(self, url: str, store: Store) -> Iterator[sqlite3.Connection]:
        """Another program in the middle of writing. (It needs `store`, which makes the file.)"""
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO runs VALUES ('other', 5, '{}')")
        yield connection
        connection.close()

    def test_a_reader_works_while_another_writes(
        self, store: Store, other_writer: sqlite3.Connection
    ) -> None:
        assert store.runs().items == []
        other_writer.execute("ROLLBACK")

    def test_a_store_opens_while_another_writes(self, url: str, other_writer: sqlite3.Connection) -> None:
        with open_store(url) as second:
            assert second.runs().items == []

    def test_a_store_that_another_is_making_is_waited_for(
        self, file: Path, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run_sql(file, "PRAGMA journal_mode=DELETE")
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(module.time, "sleep", lambda _: other.close())
        with open_store(url) as store:
            assert store.runs().items == []

    def test_a_writer_that_waits_too_long_is_told(
        self, url: str, other_writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "BUSY_MS", 1)
        with (
            open_store(url) as second,
            pytest.raises(StoreError, match="another program has been writing") as caught,
        ):
            second.save(NOTHING)
        assert caught.value.problem is StoreProblem.LOCKED

    def test_a_writer_asks_often_enough_to_get_in_between_those_of_one_that_never_rests(
        self, url: str, other_writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        naps: list[float] = []

        def nap(seconds: float) -> None:
            naps.append(seconds)
            if len(naps) == 3:
                other_writer.rollback()

        with open_store(url) as second:
            monkeypatch.setattr(module.time, "sleep", nap)
            second.save(NOTHING)
        assert len(naps) == 3
        assert max(naps) <= 0.001

    def test_writers_wait_for_each_other(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        # SQLite lets in whoever asks at the right moment, not whoever waits longest: on a slow disk, somebody may be
        # passed over for more than five seconds.
        monkeypatch.setattr(module, "BUSY_MS", 1000 * PATIENCE_S)

        def write(service: str) -> None:
            with open_store(url) as store:
                for number in range(20):
                    store.save_windows([window(number, service)])

        threads = [threading.Thread(target=write, args=(f"s{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with open_store(url) as store:
            assert [len(store.windows(WindowFilter(service=f"s{n}")).items) for n in range(4)] == [
                20,
                20,
                20,
                20,
            ]


class TestMigration:
    def test_runs_only_the_steps_that_are_missing(self, store: Store) -> None:
        assert isinstance(store, SqlStore)

        def second(connection: Connection) -> None:
            connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN note TEXT")

        with store._writing() as connection:
            assert migrate(connection, "s", STEPS) == 0
            assert migrate(connection, "s", (*STEPS, second)) == 1
            assert migrate(connection, "s", (*STEPS, second)) == 0
            connection.exec_driver_sql("SELECT note FROM runs")

    def test_that_fails_leaves_the_schema_as_it_was(self, url: str, store: Store) -> None:
        assert isinstance(store, SqlStore)

        def half(connection: Connection) -> None:
            connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN note TEXT")
            connection.exec_driver_sql("ALTER TABLE nowhere ADD COLUMN note TEXT")

        with (
            pytest.raises(StoreError, match="SQLite says: no such table: nowhere"),
            store._writing() as connection,
        ):
            migrate(connection, "s", (*STEPS, half))
        with open_store(url) as again, again._writing() as connection:  # type: ignore[attr-defined] # it is an SqlStore
            assert migrate(connection, "s", STEPS) == 0
            with pytest.raises(Exception, match="no such column: note"):
                connection.exec_driver_sql("SELECT note FROM runs")


class TestSpace:
    def test_it_is_given_back(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("vedette.storage.sql_live.time.sleep", lambda _: None)
        monkeypatch.setattr(module, "KEPT_PAGES", 10)
        file = Path(url.removeprefix("sqlite:///"))
        with open_live_store(url) as store:
            for start in range(0, 3000, 500):
                some = tuple(anomaly(number, description="x" * 2000) for number in range(start, start + 500))
                store.commit(commit(1, anomalies=some))
            checkpoint(file)
            before = file.stat().st_size
            kept = Retention(windows=None, fine_windows=None, anomalies=0, alerts=None, audits=None)
            store.prune(100 * DAY, kept)
            checkpoint(file)
            assert before > 6_000_000
            assert file.stat().st_size < before / 20

    def test_a_replaced_state_does_not_bloat_the_file(self, url: str) -> None:
        file = Path(url.removeprefix("sqlite:///"))
        with open_live_store(url) as store:
            for number in range(60):
                store.commit(commit(number, state=bytes(1_000_000 + 20_000 * (number % 7))))
        assert file.stat().st_size < 3_000_000


def checkpoint(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()

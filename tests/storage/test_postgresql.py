"""PostgreSQL: who may use it, what goes wrong, and what happens when it goes away."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.storage.conftest import new_schema
from tests.storage.outages import loses_nothing
from tests.storage.servers import PostgreSQL, postgresql
from tests.storage.things import anomaly, commit, window
from vedette.storage import StoreError, StoreProblem, WindowFilter, open_live_store, open_store
from vedette.storage import postgresql as module


@pytest.fixture
def url(postgresql_server: PostgreSQL) -> str:
    return new_schema(postgresql_server)


def schema_of(url: str) -> str:
    return url.rpartition("%3D")[2]


def refusal(url: str, *, create: bool = True) -> StoreError:
    with pytest.raises(StoreError) as caught:
        open_store(url, create=create)
    return caught.value


class TestRefusing:
    def test_no_server(self, tmp_path: Path) -> None:
        error = refusal(f"postgresql://eve:hunter2@/x?host={tmp_path}")
        assert error.problem is StoreProblem.UNREACHABLE
        assert str(error).startswith("postgresql://eve:***@/x?host=")
        assert "cannot be reached (" in str(error)
        assert str(error).endswith("; check that the server runs")
        assert "hunter2" not in str(error)

    def test_no_database(self, postgresql_server: PostgreSQL) -> None:
        error = refusal(postgresql_server.url.replace("/postgres?", "/none?"))
        assert error.problem is StoreProblem.UNREACHABLE
        assert 'database "none" does not exist' in str(error)
        error = refusal("postgresql://host")
        assert error.problem is StoreProblem.BAD_URL
        assert "names no database; write postgresql://user@host/vedette" in str(error)

    def test_a_database_that_must_be_ours_is_not_made(self, url: str) -> None:
        assert "holds nothing of ours" in str(refusal(url, create=False))
        open_store(url).close()
        open_store(url, create=False).close()

    def test_another_programs_schema(self, url: str, postgresql_server: PostgreSQL) -> None:
        postgresql_server.call(f"CREATE TABLE {schema_of(url)}.users (id int)")
        error = refusal(url)
        assert error.problem is StoreProblem.NOT_OURS
        assert "holds another program's tables (users)" in str(error)

    def test_a_user_who_may_not_write(self, url: str, postgresql_server: PostgreSQL) -> None:
        open_store(url).close()
        schema = schema_of(url)
        reader = f"reader_{schema}"
        postgresql_server.call(f"CREATE ROLE {reader} LOGIN")
        postgresql_server.call(f"GRANT USAGE ON SCHEMA {schema} TO {reader}")
        postgresql_server.call(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {reader}")
        with open_live_store(url.replace("vedette@", f"{reader}@")) as store:
            assert store.stats().total == 0
            with pytest.raises(StoreError, match="this user may not write there") as caught:
                store.commit(commit(1))
        assert caught.value.problem is StoreProblem.READ_ONLY

    def test_a_writer_that_waits_too_long(
        self, url: str, postgresql_server: PostgreSQL, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "LOCK_MS", 1)
        with open_live_store(url) as store, open_live_store(url) as other:
            with (
                other._writing(),  # type: ignore[attr-defined] # it is an SqlLiveStore
                pytest.raises(StoreError, match="another program has been writing to it") as caught,
            ):
                store.commit(commit(1))
            assert caught.value.problem is StoreProblem.LOCKED
            store.commit(commit(1))


class TestPassword:
    def test_comes_from_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "password").write_text("hunter2\n")
        url = make_url(f"postgresql://eve@/x?host={tmp_path}&password_file={tmp_path / 'password'}")
        engine = module.postgresql_engine(url, "name")
        assert engine.url.password == "hunter2"
        assert "password_file" not in engine.url.query

    @pytest.mark.parametrize(
        "place", ["eve:hunter2@/x?host=", "eve@/x?password=hunter2&sslPassword=hunter2&host="]
    )
    def test_is_never_shown(self, tmp_path: Path, place: str) -> None:
        error = refusal(f"postgresql://{place}{tmp_path}")
        assert "***" in str(error) or "password=hidden&" in str(error)
        assert "hunter2" not in str(error)

    @pytest.mark.parametrize(
        ("content", "said"), [(None, "No such file"), ("\nx", "has no password in its first")]
    )
    def test_that_cannot_be_had_is_told(self, tmp_path: Path, content: str | None, said: str) -> None:
        file = tmp_path / "password"
        if content is not None:
            file.write_text(content)
        error = refusal(f"postgresql://eve@host/x?password_file={file}")
        assert error.problem is StoreProblem.BAD_URL
        assert f"password_file {file} " in str(error)
        assert said in str(error)


def test_two_that_open_an_empty_database_at_once_make_it_once(url: str) -> None:
    problems: list[BaseException] = []

    def use(number: int) -> None:
        try:
            with open_live_store(url) as store:
                store.save_windows([window(1, route=f"/{number}")])
        except BaseException as error:  # noqa: BLE001 # reported below
            problems.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with open_live_store(url) as store:
        for number in range(6):
            assert len(store.windows(WindowFilter(service="shop", route=f"/{number}")).items) == 1


def test_a_replaced_state_does_not_bloat_the_database(
    url: str, postgresql_server: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vedette.storage.sql_live.REPLACED_BYTES", 5_000_000)
    numbers = random.Random(1)
    with open_live_store(url) as store:
        for number in range(40):
            store.commit(commit(number, state=numbers.randbytes(1_000_000)))
    taken = postgresql_server.call(f"SELECT pg_total_relation_size('{schema_of(url)}.live_state')")
    # Without it, 40 MB.
    assert int(taken) < 12_000_000


class TestOutage:
    @pytest.fixture
    def server(self) -> Iterator[PostgreSQL]:
        """A server that may be stopped. Nothing else uses it."""
        with postgresql() as server:
            yield server

    def test_stopped_and_started_under_load_it_loses_nothing(
        self, server: PostgreSQL, tmp_path: Path
    ) -> None:
        loses_nothing(
            server.url,
            server,
            tmp_path / "spool",
            commits=10,
            told=lambda problem: "PostgreSQL" in problem or "reached" in problem,
        )

    def test_started_without_the_server_it_waits(self, server: PostgreSQL, tmp_path: Path) -> None:
        server.stop()
        with open_live_store(server.url, spool=tmp_path / "spool") as store:
            assert "cannot be reached" in str(store.problem)
            store._clock = lambda: 10**18  # type: ignore[attr-defined] # it is a Spooled
            store.commit(commit(1, anomalies=(anomaly(1),)))
            server.start()
            store._clock = lambda: 2 * 10**18  # type: ignore[attr-defined] # as above
            store.commit(commit(2, anomalies=(anomaly(2),)))
            assert store.problem is None
            assert store.stats().total == 2


def test_the_password_of_a_file_lets_in_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    with postgresql() as server:
        server.call("CREATE ROLE eve LOGIN SUPERUSER PASSWORD 'hunter2'")
        rules = Path(server.call("SHOW hba_file").strip())
        rules.write_text("local all eve scram-sha-256\n" + rules.read_text())
        server.call("SELECT pg_reload_conf()")
        file = tmp_path / "password"
        url = server.url.replace("vedette@", "eve@") + f"&password_file={file}"
        file.write_text("hunter2\n")
        with open_live_store(url) as store:
            store.commit(commit(1))
        file.write_text("hunter3\n")
        error = refusal(url)
        assert error.problem is StoreProblem.UNREACHABLE
        assert "password authentication failed" in str(error)
        assert "hunter3" not in str(error)

"""MongoDB: who may use it, what goes wrong, and that a commit is all or nothing without transactions."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.storage.outages import loses_nothing
from tests.storage.servers import MongoDB, mongodb
from tests.storage.test_killed import numbered
from tests.storage.things import HOUR, MINUTE, anomaly, baseline, commit, incident, window
from vedette.schema.live import Commit
from vedette.storage import LiveStore, StoreError, StoreProblem, WindowFilter, open_live_store, open_store
from vedette.storage.live import Retention

pymongo = pytest.importorskip("pymongo", reason="no pymongo here: pip install 'vedette[mongodb]'")

from vedette.storage import mongo as module  # noqa: E402 # these need pymongo
from vedette.storage.mongo_live import MongoLiveStore  # noqa: E402 # as above
from vedette.storage.mongo_url import shown  # noqa: E402 # as above


@pytest.fixture
def url(mongodb_server: MongoDB, tmp_path: Path) -> str:
    return mongodb_server.url(f"own-{tmp_path.name[:20]}-{tmp_path.parent.name[-6:]}")


def refusal(url: str, *, create: bool = True) -> StoreError:
    with pytest.raises(StoreError) as caught:
        open_store(url, create=create)
    return caught.value


class TestRefusing:
    def test_no_server(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("vedette.storage.mongo_access.CONNECT_MS", 50)
        error = refusal("mongodb://eve:hunter2@127.0.0.1:1/x")
        assert error.problem is StoreProblem.UNREACHABLE
        assert str(error).startswith("mongodb://eve:***@127.0.0.1:1/x: cannot be reached (")
        assert str(error).endswith("; check that the server runs")
        assert "hunter2" not in str(error)

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            (
                "mongodb://127.0.0.1",
                "No default database name defined or provided; write mongodb://host/vedette",
            ),
            ("mongodb://", "write mongodb://host/vedette"),
            ("mongodb://h/x?password_file=/nowhere", "password_file /nowhere cannot be read (No such file"),
        ],
    )
    def test_a_url_that_cannot_be_used(self, url: str, said: str) -> None:
        error = refusal(url)
        assert error.problem is StoreProblem.BAD_URL
        assert said in str(error)

    def test_a_database_that_must_be_ours_is_not_made(self, url: str) -> None:
        assert "holds nothing of ours" in str(refusal(url, create=False))
        open_store(url).close()
        open_store(url, create=False).close()

    def test_another_programs_database(self, url: str) -> None:
        with pymongo.MongoClient(url) as client:
            client.get_default_database()["users"].insert_one({})
        error = refusal(url)
        assert error.problem is StoreProblem.NOT_OURS
        assert "holds another program's collections (users); give another database" in str(error)

    def test_a_newer_schema(self, url: str) -> None:
        open_store(url).close()
        with pymongo.MongoClient(url) as client:
            client.get_default_database()["vedette_schema"].insert_one({"_id": 99})
        assert refusal(url).problem is StoreProblem.NEWER_SCHEMA


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("mongodb://eve:hunter2@a,b:27017/x?tls=true", "mongodb://eve:***@a,b:27017/x?tls=true"),
        ("mongodb://eve:hun@ter2@a/x", "mongodb://eve:***@a/x"),
        ("mongodb+srv://eve:hunter2@a/x", "mongodb+srv://eve:***@a/x"),
        (
            "mongodb://a/x?tlsCertificateKeyFilePassword=hunter2&w=1",
            "mongodb://a/x?tlsCertificateKeyFilePassword=hidden&w=1",
        ),
        ("mongodb://a:27017/x?password_file=/run/p", "mongodb://a:27017/x?password_file=/run/p"),
    ],
)
def test_no_password_is_shown(url: str, safe: str) -> None:
    assert shown(url) == safe


class Killed(Exception):  # noqa: N818 # it stands for the end of the process
    pass


def die_at(store: LiveStore, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the store's process ends before its `step`-th look at a collection."""
    assert isinstance(store, MongoLiveStore)
    steps = iter(range(step))
    usual = store._in

    def until_then(collection: str) -> Any:
        if next(steps, None) is None:
            raise Killed
        return usual(collection)

    monkeypatch.setattr(store, "_in", until_then)


def test_killed_before_any_step_a_commit_is_all_there_or_not_at_all(
    url: str, mongodb_server: MongoDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = []
    for step in range(60):
        place = f"{url}{step}"
        with open_live_store(place) as store:
            store.commit(numbered(1))
            with monkeypatch.context() as patch:
                die_at(store, step, patch)
                try:
                    store.commit(numbered(2))
                except Killed:
                    outcomes.append("killed")
                else:
                    outcomes.append("done")
        with open_live_store(place) as store:
            resumed = store.resume()
            assert resumed is not None
            last = int.from_bytes(resumed.state[:8], "big")
            assert resumed == resumed_from(last)
            assert store.stats().total == 3 * last
            assert len(store.incidents().items) == len(store.untold(0)) == last
            found = store.windows(WindowFilter(service="shop", route="/r3")).items
            assert [one.start // MINUTE for one in found] == list(range(1, last + 1))
            store.commit(numbered(3))
            assert store.resume() == resumed_from(3)
        if outcomes[-1] == "done":
            break
        outcomes[-1] += f" {last}"
    # The commit is one step: before it nothing, after it everything.
    assert outcomes == sorted(outcomes, key=["killed 1", "killed 2", "done"].index)
    assert len(set(outcomes)) == 3


def resumed_from(number: int) -> Any:
    one = numbered(number)
    from vedette.schema.live import Resume

    return Resume(time=one.time, state=one.state or b"", positions=one.positions)


def test_a_long_state_is_cut_into_documents(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 1000)
    with open_live_store(url) as store:
        for number in range(3):
            state = bytes([number]) * (2500 + 1000 * number)
            store.commit(commit(number, state=state, anomalies=tuple(anomaly(n) for n in range(20))))
            resumed = store.resume()
            assert resumed is not None
            assert resumed.state == state
        assert isinstance(store, MongoLiveStore)
        assert store._in("chunks").count_documents({}) == 5, "what was replaced is gone"


def test_chunks_of_the_dead_are_removed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_live_store(url) as store:
        store.commit(numbered(1))
        with monkeypatch.context() as patch:
            die_at(store, 3, patch)
            with pytest.raises(Killed):
                store.commit(numbered(2))
        assert isinstance(store, MongoLiveStore)
        before = store._in("chunks").count_documents({})
        kept = Retention(windows=None, fine_windows=None, anomalies=None, alerts=None, audits=None)
        store.prune(4_000_000_000_000_000 + HOUR, kept)
        assert store._in("chunks").count_documents({}) < before
        assert store.resume() == resumed_from(1)


def overtaken(
    store: LiveStore, step: int, monkeypatch: pytest.MonkeyPatch, follower: LiveStore, *commits: Commit
) -> list[int]:
    """Let a follower commit before a step of the store's next commit; the list has it once it was reached."""
    usual, steps, reached = store._in, iter(range(step)), []  # type: ignore[attr-defined]

    def at(collection: str) -> Any:
        if next(steps, None) is None:
            monkeypatch.setattr(store, "_in", usual)
            reached.append(step)
            for one in commits:
                follower.commit(one)
        return usual(collection)

    monkeypatch.setattr(store, "_in", at)
    return reached


class TestAServiceThatAnotherHasFollowed:
    """Its statements may come late: a server ends what it has begun, whoever is not there any more."""

    def test_changes_the_state_no_more_and_says_why(self, url: str) -> None:
        with open_live_store(url) as store, open_live_store(url) as follower:
            store.commit(numbered(1))
            assert follower.resume() == resumed_from(1)
            follower.commit(numbered(2))
            with pytest.raises(StoreError, match="another vedette has taken it over: end one") as caught:
                store.commit(numbered(7))
            assert caught.value.problem is StoreProblem.LOCKED
            assert follower.resume() == resumed_from(2)
            assert follower.stats().total == 6, "what it found is not there either"
            follower.commit(numbered(3))
            assert follower.resume() == resumed_from(3)

    @pytest.mark.parametrize("step", range(16))
    def test_leaves_nothing_behind_wherever_it_was(
        self, url: str, step: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with open_live_store(url) as store, open_live_store(url) as follower:
            store.commit(numbered(1))
            overtook = overtaken(store, step, monkeypatch, follower, numbered(2), numbered(3))
            with suppress(StoreError):
                store.commit(numbered(2))
            if not overtook:
                # The commit has fewer steps.
                return
            assert follower.resume() == resumed_from(3)
            follower.commit(numbered(4))
            assert follower.resume() == resumed_from(4)
            assert follower._in("pending").count_documents({}) == 0  # type: ignore[attr-defined]
            assert follower.stats().total == 12

    @pytest.mark.parametrize("step", range(16))
    def test_puts_no_older_finding_over_one_of_its_follower(
        self, url: str, step: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, after = (incident(5, title=title) for title in ("as it was", "as it has become"))
        with open_live_store(url) as store, open_live_store(url) as follower:
            store.commit(numbered(1))
            overtook = overtaken(store, step, monkeypatch, follower, commit(3, incidents=(after,)))
            with suppress(StoreError):
                store.commit(commit(2, incidents=(before, incident(6))))
            if overtook:
                assert follower.incident("i5") == after

    @pytest.mark.parametrize("step", range(16))
    def test_puts_no_older_window_or_baseline_over_one_of_its_follower(
        self, url: str, step: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of the same lines both count the same, unless one of them looked at a share of the requests."""
        stale, counted = (window(5, route="/a", requests=requests) for requests in (7, 9))
        before, learned = (baseline("error_rate", sample_count=count) for count in (70, 90))
        with open_live_store(url) as store, open_live_store(url) as follower:
            store.commit(numbered(1))
            overtook = overtaken(
                store, step, monkeypatch, follower, commit(3, windows=(counted,), baselines=(learned,))
            )
            with suppress(StoreError):
                store.commit(commit(2, windows=(stale,), baselines=(before,)))
            if overtook:
                chosen = WindowFilter(service="shop", route="/a")
                assert follower.windows(chosen).items == [counted]
                assert follower.baselines("shop").items == [learned]

    def test_that_kept_its_findings_and_lost_its_state_goes_on_writing_them(self, url: str) -> None:
        for title in ("first", "second"):
            with open_live_store(url) as store:
                store.commit(commit(1, incidents=(incident(5, title=title),)))
        with open_live_store(url) as store:
            store._in("live_state").delete_many({})  # type: ignore[attr-defined]
            store.commit(commit(1, incidents=(incident(5, title="third"),)))
            found = store.incident("i5")
            assert found is not None
            assert found.title == "third"


def test_two_writers_of_one_block_lose_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_live_store(url) as store, open_live_store(url) as other:
        store.save_windows([window(1, route="/a")])
        quick = iter(["/b", "/c"])
        usual = "vedette.storage.mongo_windows.pack"
        from vedette.storage.blocks import pack

        def overtaken(*arguments: Any) -> bytes:
            if (route := next(quick, None)) is not None:
                other.save_windows([window(1, route=route), window(2, route=route)])
            return pack(*arguments)

        monkeypatch.setattr(usual, overtaken)
        store.save_windows([window(1, route="/d"), window(2, route="/d")])
        for number, routes in ((1, "abcd"), (2, "bcd")):
            for route in routes:
                chosen = WindowFilter(service="shop", route=f"/{route}", since=number * MINUTE)
                assert store.windows(chosen, limit=1).items == [window(number, route=f"/{route}")]


class TestOutage:
    @pytest.fixture
    def server(self) -> Iterator[MongoDB]:
        with mongodb("--sync-on-commit") as server:
            yield server

    def test_killed_and_started_under_load_it_loses_nothing(
        self, server: MongoDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("vedette.storage.mongo_access.CONNECT_MS", 500)
        loses_nothing(
            server.url("outage"),
            server,
            tmp_path / "spool",
            commits=4,
            told=lambda problem: "cannot be reached" in problem,
        )


def test_the_password_of_a_file_lets_in_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    with mongodb("--sync-on-commit") as server:
        with pymongo.MongoClient(server.url("")) as client:
            roles = [{"role": "root", "db": "admin"}]
            client.admin.command("createUser", "eve", pwd="hunter2", roles=roles)
        server.stop()
        server.start("--auth")
        file = tmp_path / "password"
        url = server.url("x").replace("//", "//eve@") + f"?password_file={file}&authSource=admin"
        file.write_text("hunter2\n")
        with open_live_store(url) as store:
            store.commit(commit(1))
        file.write_text("hunter3\n")
        error = refusal(url)
        assert error.problem is StoreProblem.UNREACHABLE
        assert "the server refuses this user or password; check both" in str(error)
        assert "hunter3" not in str(error)

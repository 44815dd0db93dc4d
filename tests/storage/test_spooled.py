"""A store that is out for a while loses nothing, and says how it is."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.storage.things import MINUTE, anomaly, commit, notice, window
from vedette.schema.live import Commit, Resume
from vedette.storage import LiveStore, StoreError, StoreProblem, WindowFilter, open_live_store
from vedette.storage import sqlite as module
from vedette.storage.keeper import this_process
from vedette.storage.live import Resolution
from vedette.storage.spool import Spool
from vedette.storage.spooled import FIRST_PAUSE_US, LONGEST_PAUSE_US, Spooled


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now

    def pass_by(self) -> None:
        """Until any store is tried again."""
        self.now += LONGEST_PAUSE_US


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of ours, whose writers do not wait for each other."""
    monkeypatch.setattr(module, "BUSY_MS", 1)
    open_live_store(url).close()
    return Path(url.removeprefix("sqlite:///"))


@pytest.fixture
def spooled(url: str, file: Path, tmp_path: Path, clock: Clock) -> Iterator[Spooled]:
    with Spooled(lambda: open_live_store(url), Spool(tmp_path / "spool", 1 << 20), clock) as opened:
        yield opened


@contextmanager
def outage(file: Path) -> Iterator[None]:
    """Another program keeps the database locked."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


def full(number: int) -> Commit:
    return commit(number, anomalies=(anomaly(number),), windows=(window(number),), notices=(notice(number),))


def found(store: LiveStore) -> tuple[list[str], list[int], list[str], bytes | None]:
    """Anomalies, windows, notices, state."""
    last = store.resume()
    return (
        sorted(one.id for one in store.anomalies(limit=1000).items),
        [one.start // MINUTE for one in store.windows(WindowFilter(service="shop"), limit=1000).items],
        [one.id for one in store.untold(0)],
        last.state if last is not None else None,
    )


def expected(last: int) -> tuple[list[str], list[int], list[str], bytes | None]:
    numbers = range(1, last + 1)
    return (
        [f"a{number:04}" for number in numbers],
        list(numbers),
        [f"i{number}.opened.high" for number in numbers],
        f"state {last}".encode(),
    )


def test_without_an_outage_nothing_waits(spooled: Spooled, url: str, tmp_path: Path) -> None:
    spooled.commit(full(1))
    assert spooled.problem is None
    with open_live_store(url) as direct:
        assert found(direct) == expected(1)
    assert (tmp_path / "spool" / "commits").stat().st_size == 0


def test_commits_wait_and_then_follow(spooled: Spooled, url: str, file: Path, clock: Clock) -> None:
    spooled.commit(full(1))
    with outage(file):
        spooled.commit(full(2))
        spooled.commit(full(3))
        assert spooled.problem is not None
        assert "another program has been writing to it" in spooled.problem
        assert "commits waiting in the spool: 2 (" in spooled.problem
        assert "bytes); nothing is lost" in spooled.problem
        with open_live_store(url) as direct:
            assert found(direct) == expected(1)
    clock.pass_by()
    spooled.commit(full(4))
    assert spooled.problem is None
    with open_live_store(url) as direct:
        assert found(direct) == expected(4)


def test_where_nothing_more_is_committed_they_follow_too(
    spooled: Spooled, url: str, file: Path, clock: Clock
) -> None:
    with outage(file):
        spooled.commit(full(1))
    spooled.flush()
    assert spooled.problem is not None, "it is not tried again at once"
    clock.pass_by()
    spooled.flush()
    assert spooled.problem is None
    with open_live_store(url) as direct:
        assert found(direct) == expected(1)


def test_pauses_between_tries_grow_to_a_limit(spooled: Spooled, file: Path, clock: Clock) -> None:
    tries = 0
    with outage(file):
        before = None
        while clock.now < 5 * LONGEST_PAUSE_US:
            spooled.commit(commit(1))
            if spooled._next_try != before:
                tries, before = tries + 1, spooled._next_try
            clock.now += FIRST_PAUSE_US
    # At 0, 1, 3, 7, 15, 31 and then 61, 91 and 121 seconds.
    assert tries == 9


def test_a_restart_during_the_outage_goes_on_from_what_waits(
    spooled: Spooled, url: str, file: Path, tmp_path: Path, clock: Clock
) -> None:
    spooled.commit(full(1))
    with outage(file):
        spooled.commit(full(2))
        spooled.close()
        with Spooled(lambda: open_live_store(url), Spool(tmp_path / "spool", 1 << 20), clock) as again:
            assert again.resume() == Resume(time=2 * MINUTE, state=b"state 2", positions=commit(2).positions)
            again.commit(full(3))
    with Spooled(lambda: open_live_store(url), Spool(tmp_path / "spool", 1 << 20), clock) as last:
        assert last.resume() == Resume(time=3 * MINUTE, state=b"state 3", positions=commit(3).positions)
        assert last.problem is None
    with open_live_store(url) as direct:
        assert found(direct) == expected(3)


def test_what_people_said_meanwhile_stays(spooled: Spooled, url: str, file: Path, clock: Clock) -> None:
    spooled.commit(full(1))
    with outage(file):
        spooled.commit(full(1))
    with open_live_store(url) as direct:
        direct.resolve(Resolution(anomaly_id="a0001", false_positive=True, by="eve", at=5))
        direct.settle(notice(1).id)
    clock.pass_by()
    spooled.flush()
    assert spooled.stats().unresolved == 0
    assert spooled.untold(0) == []


def test_a_full_spool_refuses_and_takes_again_when_the_store_is_back(
    url: str, file: Path, tmp_path: Path, clock: Clock
) -> None:
    with Spooled(lambda: open_live_store(url), Spool(tmp_path / "small", 4000), clock) as spooled:
        taken = 0
        with outage(file):
            while spooled._spool.taken < 3000:
                taken += 1
                spooled.commit(full(taken))
            for _ in range(2):
                with pytest.raises(StoreError, match="nothing more is taken in") as caught:
                    spooled.commit(commit(taken + 1, state=bytes(1000)))
                assert caught.value.problem is StoreProblem.SPOOL_FULL
        # No pause: there is no other place for it.
        spooled.commit(full(taken + 1))
        assert taken > 1
        assert found(spooled) == expected(taken + 1)


def test_a_store_that_is_out_at_the_start_is_waited_for(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path / 'later' / 'v.db'}"
    with Spooled(lambda: open_live_store(url), Spool(tmp_path / "spool", 1 << 20), clock) as spooled:
        assert "there is no directory" in str(spooled.problem)
        with pytest.raises(StoreError):
            spooled.resume()
        with pytest.raises(StoreError):
            spooled.stats()
        spooled.commit(full(1))
        (tmp_path / "later").mkdir()
        clock.pass_by()
        spooled.commit(full(2))
        assert spooled.problem is None
        assert found(spooled) == expected(2)


def test_a_wrong_store_is_refused_at_once(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "x").write_text("no database\n" * 100)
    for url in ("mysql://x/y", f"sqlite:///{tmp_path / 'x'}"):
        with pytest.raises(StoreError):
            open_live_store(url, spool=tmp_path / "spool")
    Spool(tmp_path / "spool", 1 << 20).close()


def test_a_long_replay_does_not_hold_a_commit_up(spooled: Spooled, file: Path, clock: Clock) -> None:
    with outage(file):
        for number in range(1, 6):
            spooled.commit(full(number))

    class Slow(Clock):
        def __call__(self) -> int:
            self.now += 600_000
            return self.now

    slow = Slow()
    slow.now = clock.now + LONGEST_PAUSE_US
    spooled._clock = slow
    spooled.commit(full(6))
    assert "the store is back and is being given what waited" in str(spooled.problem)
    for number in range(7, 12):
        spooled.commit(full(number))
    assert spooled.problem is None
    assert found(spooled) == expected(11)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(steps=st.lists(st.sampled_from(["commit", "out", "back", "restart", "wait"]), max_size=25))
def test_whatever_happens_in_between_nothing_is_lost(
    steps: list[str], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_MS", 1)
    place = tmp_path_factory.mktemp("steps")
    url, file, clock = f"sqlite:///{place / 'v.db'}", place / "v.db", Clock()
    open_live_store(url).close()

    def start() -> Spooled:
        return Spooled(lambda: open_live_store(url), Spool(place / "spool", 1 << 20), clock)

    spooled, number, out = start(), 0, None
    for step in steps:
        if step == "commit":
            number += 1
            spooled.commit(full(number))
        elif step == "out" and out is None:
            out = outage(file)
            out.__enter__()
        elif step == "back" and out is not None:
            out.__exit__(None, None, None)
            out = None
        elif step == "restart":
            spooled.close()
            spooled = start()
            last = spooled.resume()
            assert (last.state if last is not None else None) == (
                f"state {number}".encode() if number else None
            )
        elif step == "wait":
            clock.pass_by()
            spooled.flush()
    if out is not None:
        out.__exit__(None, None, None)
    clock.pass_by()
    spooled.flush()
    assert spooled.problem is None
    assert found(spooled) == (expected(number) if number else ([], [], [], None))
    spooled.close()


def test_what_a_store_does_not_take_from_one_that_was_taken_over_waits(url: str, spooled: Spooled) -> None:
    spooled.begin(this_process())
    spooled.commit(full(1))
    with open_live_store(url) as later:
        later.begin(this_process())
        spooled.commit(full(2))
        assert "has taken it over: end one of them" in str(spooled.problem)
        assert "commits waiting in the spool: 1" in str(spooled.problem)
        assert found(later)[0] == [anomaly(1).id]


def test_a_store_that_is_out_at_the_start_is_told_whose_it_is_later(
    url: str, file: Path, spooled: Spooled, clock: Clock
) -> None:
    with open_live_store(url) as before:
        before.begin(this_process())
        with outage(file):
            spooled.begin(this_process())
            assert "another program has been writing to it" in str(spooled.problem)
        before.commit(full(1))
        clock.pass_by()
        spooled.flush()
        assert spooled.problem is None
        with pytest.raises(StoreError, match="has taken it over"):
            before.commit(full(2))
        spooled.commit(full(3))

"""A commit that the store does not take waits, and nothing else is taken meanwhile."""

import pytest

from tests.live.lines import Clock
from vedette.live.committing import Committer
from vedette.schema.live import Commit
from vedette.storage.errors import StoreError, StoreProblem

SECOND = 1_000_000


class Store:
    """Takes commits while it works."""

    def __init__(self) -> None:
        self.works = True
        self.tries = 0
        self.kept: list[Commit] = []

    def commit(self, commit: Commit) -> None:
        self.tries += 1
        if not self.works:
            raise StoreError("store", StoreProblem.FULL, "its disk is full; free space")
        self.kept.append(commit)


def commit(time: int) -> Commit:
    return Commit(time=time, state=b"", positions={})


def test_a_commit_that_fails_is_tried_again_after_growing_pauses_until_it_is_kept() -> None:
    store, clock, told = Store(), Clock(), []
    committer = Committer(store, clock, told.append)  # type: ignore[arg-type]
    store.works = False
    assert not committer.commit(commit(1))
    assert "disk is full" in committer.problem
    assert not committer.retry()
    assert store.tries == 1
    clock.now = 1 * SECOND
    assert not committer.retry()
    clock.now = 2 * SECOND
    assert not committer.retry()
    assert store.tries == 2
    store.works = True
    clock.now = 3 * SECOND
    assert committer.retry()
    assert store.kept == told == [commit(1)]
    assert (committer.problem, committer.errors, committer.commits) == ("", 2, 1)


def test_another_commit_while_one_waits_is_a_defect() -> None:
    store = Store()
    store.works = False
    committer = Committer(store, Clock())  # type: ignore[arg-type]
    committer.commit(commit(1))
    with pytest.raises(RuntimeError):
        committer.commit(commit(2))


def test_the_last_commit_is_tried_at_once_and_says_what_becomes_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store, clock = Store(), Clock()
    committer = Committer(store, clock)  # type: ignore[arg-type]
    store.works = False
    committer.commit(commit(1))
    assert "will be tried again: store" in caplog.text
    caplog.clear()
    assert not committer.retry(last=True)
    assert store.tries == 2
    assert "not kept, and the service ends: store" in caplog.text
    assert "found again at the next start" in caplog.text
    assert "tried again" not in caplog.text
    store.works = True
    assert committer.retry(last=True)
    assert store.kept == [commit(1)]

"""A store is kept by one service at a time: the one that began last, and none beside one that runs."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from tests.storage.things import commit, notice
from vedette.storage import LiveStore, StoreError, StoreProblem, open_live_store
from vedette.storage.keeper import DOCUMENT, Keeper, this_process

EVERY_STORE = True

_KEPT_THERE = (
    "from vedette.storage.keeper import this_process as me; print(me().to_document().decode(), flush=True)"
)


@contextmanager
def elsewhere() -> Iterator[tuple[Keeper, subprocess.Popen[str]]]:
    """The keeper of another process, which runs until it is killed."""
    program = f"{_KEPT_THERE}; input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield msgspec.json.decode(process.stdout.readline(), type=Keeper), process
        finally:
            process.kill()


def state(store: LiveStore) -> bytes:
    resumed = store.resume()
    assert resumed is not None
    return resumed.state


def test_the_one_that_began_later_goes_on_and_the_other_is_told_so(url: str, live: LiveStore) -> None:
    live.begin(this_process())
    live.commit(commit(1, notices=(notice(1),)))
    with open_live_store(url) as later:
        later.begin(this_process())
        with pytest.raises(
            StoreError, match=rf"\(process {os.getpid()} on .*\) has taken it over: end one"
        ) as caught:
            live.commit(commit(2))
        assert caught.value.problem is StoreProblem.LOCKED
        # It would tell everybody what its successor tells them, too.
        with pytest.raises(StoreError, match="has taken it over"):
            live.untold(0)
        assert state(later) == b"state 1"
        later.commit(commit(3))
        assert [one.id for one in later.untold(0)] == [notice(1).id]
        assert state(later) == b"state 3"


def test_a_service_that_runs_beside_it_is_left_alone(url: str, live: LiveStore) -> None:
    live.begin(this_process())
    live.commit(commit(1))
    with elsewhere() as (keeper, process), open_live_store(url) as later:
        live.begin(keeper)
        with pytest.raises(
            StoreError, match=rf"which is running \(process {process.pid}\), keeps its state"
        ) as caught:
            later.begin(this_process())
        assert caught.value.problem is StoreProblem.IN_USE
        process.send_signal(signal.SIGKILL)
        # Nobody has asked yet how it ended: its number is still its own.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        later.begin(this_process())
        later.commit(commit(2))
        assert state(later) == b"state 2"


@pytest.mark.parametrize("change", [{"place": "another start"}, {"began": "1"}, {"place": "", "began": ""}])
def test_another_machine_or_process_of_the_same_number_holds_nobody_up(
    live: LiveStore, change: dict[str, str]
) -> None:
    with elsewhere() as (keeper, _):
        live.begin(msgspec.structs.replace(keeper, **change))
        live.begin(this_process())
        live.commit(commit(1))


@pytest.mark.parametrize("content", [b"", b"\xff", b'{"token": 1}'])
def test_what_cannot_be_read_of_a_keeper_holds_nobody_up(url: str, live: LiveStore, content: bytes) -> None:
    live.put_document(DOCUMENT, content)
    live.begin(this_process())
    live.commit(commit(1))
    live.put_document(DOCUMENT, content)
    with pytest.raises(StoreError, match="another vedette has taken it over"):
        live.commit(commit(2))


def test_without_a_keeper_anybody_commits(url: str, live: LiveStore) -> None:
    with open_live_store(url) as other:
        live.commit(commit(1))
        other.commit(commit(2))
        assert state(live) == b"state 2"

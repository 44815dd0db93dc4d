"""Commits that wait on disk: in order, whole, and as many as were acknowledged."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.storage.things import MINUTE, anomaly, commit, incident, notice, window
from vedette.schema.live import Commit, Resume
from vedette.storage import StoreError, StoreProblem
from vedette.storage.spool import Spool

ROOM = 1 << 20


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def full(number: int) -> Commit:
    """A commit with something of everything, and hostile text."""
    return commit(
        number,
        anomalies=(anomaly(number, service="\ud800\0"),),
        incidents=(incident(number),),
        windows=(window(number),),
        notices=(notice(number),),
    )


def times(spool: Spool) -> list[int]:
    return [waiting.time // MINUTE for waiting, _ in spool.waiting()]


def resume(number: int) -> Resume:
    it = commit(number)
    return Resume(time=it.time, state=it.state or b"", positions=it.positions)


def test_what_waits_comes_back_in_order_after_a_restart(place: Path) -> None:
    with Spool(place, ROOM) as spool:
        assert list(spool.waiting()) == []
        assert spool.newest() is None
        for number in (1, 2, 3):
            spool.append(full(number))
    with Spool(place, ROOM) as spool:
        assert spool.commits == 3
        found = [waiting for waiting, _ in spool.waiting()]
        assert [one.time for one in found] == [MINUTE, 2 * MINUTE, 3 * MINUTE]
        last = found[-1]
        assert (last.state, last.positions) == (b"state 3", commit(3).positions)
        assert last.windows == (window(3),)
        assert last.incidents == (incident(3),)
        assert last.notices == (notice(3),)
        assert last.anomalies == (anomaly(3, service="\\ud800\0"),)
        assert found[0].state is None
        assert found[0].positions == {}
        assert spool.newest() == resume(3)


def test_a_commit_without_a_state_leaves_the_one_before(place: Path) -> None:
    with Spool(place, ROOM) as spool:
        spool.append(commit(1))
        spool.append(commit(2, state=None, positions={}))
        spool.append(commit(3, state=None, positions={}))
        assert spool.newest() == resume(1)
        assert times(spool) == [1, 2, 3]


def test_reading_goes_on_behind_an_offset(place: Path) -> None:
    with Spool(place, ROOM) as spool:
        for number in (1, 2, 3):
            spool.append(commit(number))
        (_, first), *_ = spool.waiting()
        assert [waiting.time for waiting, _ in spool.waiting(first)] == [2 * MINUTE, 3 * MINUTE]


def test_cleared_it_is_empty_and_takes_more(place: Path) -> None:
    with Spool(place, ROOM) as spool:
        spool.append(commit(1))
        spool.clear()
        assert (spool.commits, spool.taken, spool.newest()) == (0, 0, None)
        spool.append(commit(2))
    with Spool(place, ROOM) as spool:
        assert spool.newest() == resume(2)


def test_a_frame_cut_short_anywhere_is_cut_off(place: Path) -> None:
    with Spool(place, ROOM) as spool:
        spool.append(commit(1))
        whole = spool.end
        spool.append(commit(2))
    data = (place / "commits").read_bytes()
    for cut in range(whole, len(data)):
        (place / "commits").write_bytes(data[:cut])
        with Spool(place, ROOM) as spool:
            assert times(spool) == [1]
            assert spool.newest() == resume(1), "the newer state must not pass for that of the older commit"
            assert ("could not be read" in spool.damage) is (cut > whole)


def test_a_state_written_without_its_frame_does_not_count(place: Path) -> None:
    with Spool(place, ROOM) as spool:
        for number in (1, 2, 3):
            spool.append(commit(number))
            if number == 2:
                two = (place / "commits").read_bytes()
    (place / "commits").write_bytes(two)
    with Spool(place, ROOM) as spool:
        assert spool.newest() == resume(2)
        spool.append(commit(4))
        assert spool.newest() == resume(4)


@pytest.mark.parametrize("offset", [0, 5, 9, 40])
def test_a_damaged_frame_is_told_and_put_aside(place: Path, offset: int) -> None:
    with Spool(place, ROOM) as spool:
        spool.append(commit(1))
        whole = spool.end
        spool.append(commit(2))
    file = place / "commits"
    data = bytearray(file.read_bytes())
    data[whole + offset] ^= 0xFF
    file.write_bytes(bytes(data))
    with Spool(place, ROOM) as spool:
        assert times(spool) == [1]
        assert spool.damage == (
            f"{len(data) - whole} bytes behind commit 1 could not be read; they are in {place / 'unreadable'}"
        )
        assert (place / "unreadable").read_bytes() == data[whole:]


def test_a_damaged_state_leaves_the_findings(place: Path) -> None:
    with Spool(place, ROOM) as spool:
        spool.append(commit(1, anomalies=(anomaly(1),)))
        (place / "state.0").write_bytes(b"VSs1" + bytes(100))
        ((found, _),) = spool.waiting()
        assert found.anomalies == (anomaly(1),)
        assert found.state is None
        assert spool.newest() is None


def fill(spool: Spool) -> None:
    for number in range(100):
        spool.append(commit(number, state=os.urandom(1000)))


def test_it_refuses_what_it_has_no_room_for_and_says_how_much_there_is(place: Path) -> None:
    with Spool(place, 5000) as spool:
        with pytest.raises(StoreError) as caught:
            fill(spool)
        assert caught.value.problem is StoreProblem.SPOOL_FULL
        assert f"the spool holds {spool.taken:,} of 5,000 bytes and nothing more is taken in" in str(
            caught.value
        )
        assert 2 <= spool.commits < 100
        assert spool.taken <= 5000
        assert times(spool) == list(range(spool.commits))


def test_one_process_at_a_time(place: Path) -> None:
    with (
        Spool(place, ROOM),
        pytest.raises(StoreError, match="another vedette is running with this directory; end it"),
    ):
        Spool(place, ROOM)
    Spool(place, ROOM).close()


def test_a_place_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        StoreError, match=r"file/spool: the spool cannot be used \(Not a directory\)"
    ) as caught:
        Spool(tmp_path / "file" / "spool", ROOM)
    assert caught.value.problem is StoreProblem.SPOOL_FAILED


def test_others_may_not_read_it(place: Path) -> None:
    with Spool(place, ROOM) as spool:
        spool.append(commit(1))
    assert place.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in place.iterdir())


_FULL = """
import resource, sys
from pathlib import Path
from tests.storage.test_spool import commit, Spool, StoreError
spool = Spool(Path(sys.argv[1]), 1 << 20)
spool.append(commit(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    spool.append(commit(2, state=bytes(int(sys.argv[3])), anomalies=()))
except StoreError as error:
    print(error.problem, error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
spool.append(commit(3))
print([found.time for found, _ in spool.waiting()], spool.newest().state)
"""


@pytest.mark.parametrize(("limit", "state"), [(300, 10_000), (200, 10)])
def test_a_full_disk_costs_no_commit_that_was_taken(place: Path, limit: int, state: int) -> None:
    """A limit on the size of files stands for the full disk: the write stops half-way, in state or frame."""
    ran = subprocess.run(
        [sys.executable, "-c", _FULL, str(place), str(limit), str(state)],
        capture_output=True,
        text=True,
        check=True,
    )
    said, found = ran.stdout.splitlines()
    assert said.startswith("spool_failed ")
    assert "the spool cannot be used (File too large)" in said
    assert found == f"[{MINUTE}, {3 * MINUTE}] b'state 3'"
    with Spool(place, ROOM) as spool:
        assert times(spool) == [1, 3]


_WRITER = """
import sys
from pathlib import Path
from tests.storage.test_spool import full, Spool
spool = Spool(Path(sys.argv[1]), 1 << 30)
number = spool.commits
while True:
    spool.append(full(number))
    number += 1
    print(number, flush=True)
"""


def test_killed_at_any_instant_it_holds_what_was_acknowledged(place: Path) -> None:
    kept = 0
    for kill_after in (1, 2, 5, 9, 3, 14):
        process = subprocess.Popen([sys.executable, "-c", _WRITER, str(place)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(kill_after)]
        process.kill()
        lines += process.stdout.readlines()
        process.wait()
        process.stdout.close()
        acknowledged = int([line for line in lines if line.endswith(b"\n")][-1])
        with Spool(place, 1 << 30) as spool:
            kept = spool.commits
            # The last one may have been written and not yet printed.
            assert kept in (acknowledged, acknowledged + 1)
            assert times(spool) == list(range(kept))
            assert spool.newest() == resume(kept - 1)
    assert kept >= 34

"""A disk that is really full: a small file system of our own, filled by somebody else."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage.things import MINUTE, anomaly, commit, notice, window
from vedette.schema.live import Commit
from vedette.storage import LiveStore, StoreError, StoreProblem, WindowFilter, open_live_store

DISK = 4 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A place of 4 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small file system here: run as root, where mounting is allowed")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(place: Path) -> Path:
    """Somebody else takes all the room that is left."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    return filler


def full(number: int) -> Commit:
    some = tuple(window(number, route=f"/{route}") for route in range(50))
    return commit(
        number, state=bytes(100_000), anomalies=(anomaly(number),), windows=some, notices=(notice(number),)
    )


def test_with_room_for_the_spool_elsewhere_everything_goes_on(disk: Path, tmp_path: Path) -> None:
    clock = [0]
    with open_live_store(f"sqlite:///{disk / 'v.db'}", spool=tmp_path / "spool") as store:
        store._clock = lambda: clock[0]  # type: ignore[attr-defined] # it is a Spooled
        for number in range(1, 4):
            store.commit(full(number))
        assert store.problem is None
        filler = fill(disk)
        for number in range(4, 60):
            store.commit(full(number))
        assert "its disk is full" in str(store.problem)
        assert "nothing is lost" in str(store.problem)
        filler.unlink()
        clock[0] += 60_000_000
        store.flush()
        assert store.problem is None
        expect(store, 59)


def test_where_the_spool_is_full_too_the_caller_holds_on(disk: Path) -> None:
    url, clock = f"sqlite:///{disk / 'v.db'}", [0]
    with open_live_store(url, spool=disk / "spool") as store:
        store._clock = lambda: clock[0]  # type: ignore[attr-defined] # it is a Spooled
        store.commit(full(1))
        filler = fill(disk)
        refused = None
        number = 1
        while refused is None:
            number += 1
            try:
                store.commit(full(number))
            except StoreError as error:
                refused = error
        assert refused.problem is StoreProblem.SPOOL_FAILED
        assert "No space left on device" in str(refused)
        filler.unlink()
    # Killed and restarted at this moment, it goes on too: nothing was taken that is not there.
    with open_live_store(url, spool=disk / "spool") as store:
        resumed = store.resume()
        assert resumed is not None
        assert resumed.time == (number - 1) * MINUTE
        store.commit(full(number))
        assert store.problem is None
        expect(store, number)


def expect(store: LiveStore, last: int) -> None:
    numbers = list(range(1, last + 1))
    found = store.windows(WindowFilter(service="shop", route="/7"), limit=1000).items
    assert [one.start // MINUTE for one in found] == numbers
    assert store.stats().total == last
    assert [one.id for one in store.untold(0)] == [f"i{number}.opened.high" for number in numbers]

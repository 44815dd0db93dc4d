"""Killed at any instant, a store holds exactly the commits up to the one that it resumes from."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage.things import MINUTE, anomaly, commit, incident, notice, window
from vedette.schema.live import Commit
from vedette.storage import WindowFilter, open_live_store

EVERY_STORE = True

ROUTES = 30
KILLS = int(os.environ.get("VEDETTE_KILLS", "30"))
"""Of each store; 200 are for who changes how a store commits."""


def numbered(number: int) -> Commit:
    """The commit of that number, with something of everything that a commit holds."""
    return commit(
        number,
        state=number.to_bytes(8, "big") + bytes(200_000),
        anomalies=tuple(anomaly(10 * number + extra) for extra in range(3)),
        incidents=(incident(number),),
        windows=tuple(window(number, route=f"/r{route}" if route else None) for route in range(ROUTES)),
        notices=(notice(number),),
    )


def write_for_ever(url: str, acknowledged: Path) -> None:
    """Commit after commit; the number of each is written to a file as soon as it has been made, the first is told."""
    with open_live_store(url) as store, acknowledged.open("r+b", buffering=0) as file:
        last = store.resume()
        number = int.from_bytes(last.state[:8], "big") if last is not None else 0
        first = number + 1
        while True:
            number += 1
            store.commit(numbered(number))
            file.seek(0)
            file.write(number.to_bytes(8, "big"))
            if number == first:
                sys.stdout.write("first\n")
                sys.stdout.flush()


_LAUNCHER = """
# Forks a writer for each line that it reads, so that each starts in no time.
import os, sys
from pathlib import Path
from tests.storage.test_killed import open_live_store, write_for_ever
url, acknowledged = sys.argv[1], Path(sys.argv[2])
open_live_store(url).close()
for line in sys.stdin:
    if (process := os.fork()) == 0:
        print(os.getpid(), flush=True)
        write_for_ever(url, acknowledged)
    print("ended", os.waitpid(process, 0)[1], flush=True)
"""


@pytest.fixture
def launcher(url: str, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    (tmp_path / "acknowledged").write_bytes(bytes(8))
    command = [sys.executable, "-c", _LAUNCHER, url, str(tmp_path / "acknowledged")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_a_store_resumes_from_one_whole_commit(
    url: str, tmp_path: Path, launcher: "subprocess.Popen[str]"
) -> None:
    assert launcher.stdin is not None
    assert launcher.stdout is not None
    instants = random.Random(KILLS)
    last = 0
    with open_live_store(url) as store:
        for life in range(KILLS):
            print(file=launcher.stdin, flush=True)
            writer = int(launcher.stdout.readline())
            if life % 3:
                # The others may be killed while they open the store, or at their first commit.
                assert launcher.stdout.readline() == "first\n"
            killer = threading.Timer(instants.uniform(0.0, 0.15), os.kill, [writer, signal.SIGKILL])
            killer.start()
            while (line := launcher.stdout.readline()) == "first\n":
                pass
            assert line == "ended 9\n", "it was killed, and did not end by itself"
            killer.join()
            acknowledged = int.from_bytes((tmp_path / "acknowledged").read_bytes(), "big")
            # A server may yet be at the last statement of the dead: the next writer waits for its end.
            store.put_document("after", b"")
            resumed = store.resume()
            number = int.from_bytes(resumed.state[:8], "big") if resumed is not None else 0
            # Its last commit may have been made and not yet acknowledged; so may that of the life before, which a
            # busy server of MongoDB may end after it was looked for.
            assert 0 <= number - max(acknowledged, last) <= (2 if url.startswith("mongodb") else 1)
            assert resumed is None or resumed.time == number * MINUTE
            assert resumed is None or resumed.positions == numbered(number).positions
            for route in (None, f"/r{ROUTES - 1}"):
                newest = store.windows(
                    WindowFilter(service="shop", route=route, since=max(last - 1, 0) * MINUTE), limit=1000
                ).items
                assert [one.start // MINUTE for one in newest] == list(range(max(last - 1, 1), number + 1))
            last = number
        assert last >= 2 * (KILLS // 3)
        numbers = range(1, last + 1)
        assert store.count_anomalies(most=10**6) == 3 * last
        for page_of, expected in (
            (store.anomalies, [f"a{10 * number + extra:04}" for number in numbers for extra in range(3)]),
            (store.incidents, [f"i{number}" for number in numbers]),
        ):
            found, cursor = [], None
            while True:
                page = page_of(limit=1000, cursor=cursor)
                found += [one.id for one in page.items]
                if (cursor := page.cursor) is None:
                    break
            assert sorted(found) == sorted(expected)
        assert [one.id for one in store.untold(0, 10**6)] == [f"i{number}.opened.high" for number in numbers]

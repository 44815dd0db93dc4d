"""Kills a real `vedette serve` at random instants while its log grows and rotates, and compares what it keeps.

python -m tests.e2e.killing --kills 200 [--store postgresql://...] [--seed 1]
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from tests.patience import PATIENCE_S

from vedette.simulate import Simulation
from vedette.storage import open_live_store
from vedette.storage.store import WindowFilter

SIMULATION = Simulation(
    minutes=50,
    rate=6,
    seed=5,
    format="combined",
    services=1,
    inject="error_spike@+36m+3m*1.5,sqli@+38m+2m,brute_force@+41m+3m",
)
SETTINGS = "live: {poll_s: 0.05, commit_s: 1, commit_bytes: 1048576, drain_s: 20}\nserver: {port: 0}\n"
# The log is of a day that no clock shall find too old.
SETTINGS += "store: {retention: {windows_d: null, fine_windows_d: null, anomalies_d: null, alerts_d: null}}\n"
# Where nobody listens: so notices are not settled, and can be compared.
SETTINGS += "alerts: {channels: {webhook: [{name: nobody, url: 'http://127.0.0.1:9/'}]}}\n"
_PIECE = 60
"""Lines written at a time."""
_ROTATIONS = 6


@cache
def log() -> tuple[bytes, ...]:
    """The lines."""
    return tuple(b"".join(SIMULATION.chunks()).splitlines(keepends=True))


class Service:
    """A `vedette serve` that is started again whenever it was killed."""

    def __init__(self, place: Path, store: str) -> None:
        self._place = place
        (place / "vedette.yaml").write_text(SETTINGS)
        self._command = [
            sys.executable, "-m", "vedette", "serve", str(place / "logs" / "access.log"),
            "--config", str(place / "vedette.yaml"), "--store", store,
        ]  # fmt: skip
        self._log = (place / "serve.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; does not wait until it reads."""
        self._from = self._log.tell()
        environment = os.environ | {"XDG_STATE_HOME": str(self._place)}
        self._process = subprocess.Popen(self._command, cwd=self._place, stderr=self._log, env=environment)

    def wait(self) -> None:
        """Wait until it reads."""
        assert self._process is not None
        until = time.monotonic() + PATIENCE_S
        while b" answers at " not in self._said() and self._process.poll() is None:
            if time.monotonic() > until:
                raise AssertionError("it took too long to start")
            time.sleep(0.05)

    def _said(self) -> bytes:
        return (self._place / "serve.log").read_bytes()[self._from :]

    def kill(self) -> None:
        """As a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def end(self) -> int:
        """As an operator would; returns its exit status."""
        assert self._process is not None
        self.wait()
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(PATIENCE_S)
        self._log.close()
        return status


def kept(store: str, *, service: str = "access") -> bytes:
    """Everything that was found, as bytes that can be compared."""
    with open_live_store(store) as opened:
        return msgspec.json.encode(
            (
                opened.anomalies(limit=1000).items,
                opened.incidents(limit=1000).items,
                opened.windows(WindowFilter(service=service), limit=1000).items,
                sorted(notice.id for notice in opened.untold(1 << 60, 1000)),
            )
        )


def write(place: Path, chance: Random, *, slow: float = 0.0) -> Iterator[None]:
    """Write the log piece by piece, and rotate it now and then."""
    lines, path = log(), place / "logs" / "access.log"
    path.parent.mkdir(exist_ok=True)
    part = len(lines) // _PIECE // _ROTATIONS
    rotations = {part * number + part // 2 + chance.randrange(part // 3) for number in range(_ROTATIONS)}
    for number, start in enumerate(range(0, len(lines), _PIECE)):
        if number in rotations:
            for older in range(_ROTATIONS, 0, -1):
                here = path.with_name(f"access.log.{older}")
                if here.exists():
                    here.rename(path.with_name(f"access.log.{older + 1}"))
            path.rename(path.with_name("access.log.1"))
        with path.open("ab") as growing:
            growing.write(b"".join(lines[start : start + _PIECE]))
        if slow:
            time.sleep(slow)
        yield


def serve(place: Path, store: str, *, kills: int, seed: int) -> bytes:
    """What is kept of the log by a service that was killed so many times."""
    chance = Random(seed)
    (place / "logs").mkdir(exist_ok=True)
    service = Service(place, store)
    pieces = -(-len(log()) // _PIECE)
    # Not while it imports: most kills shall meet it at work.
    alive = [chance.uniform(0.6, 3.5) for _ in range(kills)]
    # Looked at once a second, a log may rotate only so fast.
    pause = max(sum(alive), 25.0) / pieces
    service.start()
    # From the first line on: what was rotated away before the first start is nobody's to read.
    service.wait()
    began = time.monotonic()
    for number, _ in enumerate(write(place, Random(seed), slow=pause)):
        if not number:
            wait_for_commit(store)
            began = time.monotonic()
        if alive and time.monotonic() - began >= alive[0]:
            alive.pop(0)
            service.kill()
            service.start()
            began = time.monotonic()
    for seconds in alive:
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        service.kill()
        service.start()
        began = time.monotonic()
    status = service.end()
    if status:
        raise AssertionError(f"it ended with {status}: {(place / 'serve.log').read_text()[-2000:]}")
    # Evidence names the log, wherever that lies.
    return kept(store).replace(bytes(place), b"")


def wait_for_commit(store: str) -> None:
    """Wait until a restart would know what has been read."""
    until = time.monotonic() + PATIENCE_S
    with open_live_store(store) as opened:
        while opened.resume() is None:
            if time.monotonic() > until:
                raise AssertionError("it took too long to commit")
            time.sleep(0.05)


def both(place: Path, *, kills: int, seed: int, store: str | None = None) -> tuple[bytes, bytes, float]:
    """What an undisturbed service keeps, and one that was killed at the same time; seconds that the latter took."""
    places = [place / "undisturbed", place / "killed"]
    for each in places:
        each.mkdir()

    def disturbed() -> tuple[bytes, float]:
        began = time.monotonic()
        found = serve(places[1], store or f"sqlite:///{places[1]}/vedette.db", kills=kills, seed=seed)
        return found, time.monotonic() - began

    # Mostly they wait for lines.
    with ThreadPoolExecutor(1) as other:
        begun = other.submit(disturbed)
        undisturbed = serve(places[0], f"sqlite:///{places[0]}/vedette.db", kills=0, seed=seed)
        return undisturbed, *begun.result()


def _only(some: list[Any], others: list[Any]) -> list[Any]:
    return [item for item in some if item not in others]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", help="an empty database; SQLite in a temporary directory by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        undisturbed, disturbed, took = both(
            Path(place), kills=options.kills, seed=options.seed, store=options.store
        )
    same = disturbed == undisturbed
    anomalies, incidents, windows, notices = msgspec.json.decode(undisturbed)
    print(  # noqa: T201 - a command
        f"killed {options.kills} times in {took:.0f} s: {len(anomalies)} anomalies, {len(incidents)} incidents, "
        f"{len(windows)} windows, {len(notices)} notices {'as' if same else 'NOT as'} in the undisturbed run"
    )
    if not same:
        for name, ours, theirs in zip(
            ("anomalies", "incidents", "windows", "notices"),
            msgspec.json.decode(disturbed),
            msgspec.json.decode(undisturbed),
            strict=True,
        ):
            for what, odd in (("more", _only(ours, theirs)), ("missing", _only(theirs, ours))):
                if odd:
                    print(f"{name}: {len(odd)} {what}: {odd[0]}")  # noqa: T201 - a command
        raise SystemExit(1)


if __name__ == "__main__":
    main()

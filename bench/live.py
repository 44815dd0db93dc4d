"""What `vedette serve` costs and how soon it tells: a log that grows as traffic comes, and one that is there already.

    python bench/live.py [--minutes 5] [--rate 1000] [--peak-lines 3000000]

1. Steady: a log written line by line as its times come, at `--rate` requests a second with an error spike in it.
   Printed: share of one core (user and system, of the whole process with its API), memory, bytes stored (and what
   that makes a day), and how long after an incident's first line was written it was open in the API.
2. Peak: a log that is there already, followed to its end: lines a second, beside `wc -l` and `vedette scan`.
"""

import argparse
import json
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import measure

_TICK = os.sysconf("SC_CLK_TCK")
_PREPARED_A_MINUTE = 2_000_000
"""Lines that are made, dated and taken in within a minute, on a loaded machine."""


class Serve:
    """A running `vedette serve`."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self._log = (directory / "serve.log").open("wb")
        self.state = directory / "state"
        environment = os.environ | {"XDG_STATE_HOME": str(self.state)}
        command = measure.vedette("serve", "--port", "0", *arguments)
        self._process = subprocess.Popen(command, stderr=self._log, env=environment)
        self.address = self._greeted(directory / "serve.log")

    def ask(self, path: str) -> dict:
        """A JSON answer."""
        with urllib.request.urlopen(self.address + path, timeout=30) as answer:
            return json.load(answer)

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def memory(self, kind: str = "VmRSS") -> float:
        """Megabytes now (`VmRSS`) or at most (`VmHWM`)."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith(kind):
                return int(line.split()[1]) / 1000
        raise ValueError(kind)

    def stored(self, *, state: bool = False) -> int:
        """Bytes of the database's tables; of `state` alone, the engine's own memory, a row that is replaced."""
        database = self.state / "vedette" / "vedette.db"
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            wanted = "=" if state else "<>"
            query = f"SELECT sum(pgsize) FROM dbstat WHERE name {wanted} 'live_state'"
            return int(connection.execute(query).fetchone()[0] or 0)

    def end(self) -> None:
        """Tell it to end, and wait."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)
        self._log.close()

    def _greeted(self, log: Path) -> str:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            for word in log.read_text().split():
                if word.startswith("http://"):
                    return word
            if self._process.poll() is not None:
                raise SystemExit(f"vedette serve ended: {log.read_text()}")
            time.sleep(0.05)
        raise SystemExit("vedette serve did not start")


@contextmanager
def workplace() -> Iterator[Path]:
    """A directory that is gone afterwards."""
    place = Path(tempfile.mkdtemp(prefix="vedette-live-"))
    try:
        yield place
    finally:
        shutil.rmtree(place)


def simulate(path: Path, start: datetime, minutes: float, rate: float, inject: str = "") -> None:
    """A log."""
    more = ["--inject", inject] if inject else []
    subprocess.run(
        measure.vedette(
            "simulate", "--start", start.isoformat(), "--minutes", f"{minutes:g}", "--rate", f"{rate:g}",
            "--output", str(path), *more,
        ),
        check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip


def steady(minutes: float, rate: float) -> None:
    """Figures of a log that grows."""
    learned = 45
    with workplace() as place:
        # Making the log and taking in what was before take time, too.
        ready = 2 + (learned + minutes) * rate * 60 / _PREPARED_A_MINUTE
        begin = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=math.ceil(ready))
        made = place / "made.log"
        spike = learned + minutes / 2
        simulate(
            made,
            begin - timedelta(minutes=learned),
            learned + minutes,
            rate,
            f"error_spike@+{round(spike * 60)}s+2m*2",
        )
        log = place / "access.log"
        lines = made.read_bytes().splitlines(keepends=True)
        times = [_time(line) for line in lines]
        first = next(number for number, moment in enumerate(times) if moment >= begin.timestamp())
        with log.open("wb") as growing:
            growing.writelines(lines[:first])
            growing.flush()
            serve = Serve(place, str(log))
            try:
                while serve.ask("/health")["sources"][0]["behind"] or time.time() < begin.timestamp():
                    time.sleep(0.5)
                stored, spent, since = serve.stored(), serve.cpu(), time.monotonic()
                opened, quiet = _grow(
                    growing, lines, times, first, serve, begin.timestamp() + spike * 60 - learned * 60
                )
                spent, took = serve.cpu() - spent, time.monotonic() - since
                print(f"| share of one core, {rate:g} requests/s | {spent / took:.2%} |")
                print(
                    f"| memory at the end, at most | {serve.memory():.0f} MB, {serve.memory('VmHWM'):.0f} MB |"
                )
                grown, until = quiet[0] - stored, quiet[1] - since
                day_mb = grown / until * 0.0864
                print(
                    f"| stored in {until / 60:.1f} min before the spike | {grown / 1e6:.2f} MB ({day_mb:.1f} a day) |"
                )
                print(f"| stored with the spike's anomalies | {(serve.stored() - stored) / 1e6:.2f} MB |")
                print(
                    f"| the engine's state, a row that is replaced | {serve.stored(state=True) / 1e6:.2f} MB |"
                )
                print(f"| incident's first line written to incident open | {opened} |")
            finally:
                serve.end()


def _grow(growing, lines, times, first, serve, spike) -> tuple[str, tuple[int, float]]:
    """Write lines as their times come; when the incident that begins at `spike` was open.

    And how much was stored when the spike began, and when that was (monotonic).
    """
    number, opened, quiet = first, "not found", (0, 0.0)
    asked = time.time()
    while number < len(lines):
        now = time.time()
        past = number
        while past < len(lines) and times[past] <= now:
            past += 1
        if past > number:
            growing.write(b"".join(lines[number:past]))
            growing.flush()
            number = past
        if not quiet[1] and now >= spike:
            quiet = serve.stored(), time.monotonic()
        if opened == "not found" and now >= spike and now - asked >= 1:
            asked = now
            found = serve.ask("/admin/api/ai/anomalies?type=error_spike&limit=1")["anomalies"]
            if found:
                opened = f"{now - spike:.0f} s (windows of 60 s)"
        time.sleep(0.05)
    return opened, quiet


def _time(line: bytes) -> float:
    text = line.partition(b"[")[2][:26].decode()
    return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z").timestamp()


def peak(lines: int) -> None:
    """Figures of a log that is there already."""
    with workplace() as place:
        log = place / "access.log"
        simulate(log, datetime(2026, 3, 2, tzinfo=UTC), lines / 1000 / 60, 1000)
        with log.open("rb") as made:
            count = sum(1 for _ in made)
        began = time.monotonic()
        subprocess.run(["wc", "-l", str(log)], check=True, stdout=subprocess.DEVNULL)
        wc = time.monotonic() - began
        began = time.monotonic()
        subprocess.run(measure.vedette("scan", "--quiet", str(log)), check=False)
        scan = time.monotonic() - began
        serve = Serve(place, str(log))
        try:
            began, spent, at = time.monotonic(), serve.cpu(), 0
            begun = serve.ask("/status")["logs_processed"]
            while at < count * 0.99:
                time.sleep(0.2)
                at = serve.ask("/status")["logs_processed"]
            took, spent = time.monotonic() - began, serve.cpu() - spent
            per_s = (at - begun) / took
            print(
                f"| followed to its end, {count:,} lines | {per_s / 1e3:.0f} k lines/s, {spent / took:.0%} of a core |"
            )
            print(f"| `vedette scan` of it | {count / scan / 1e3:.0f} k lines/s |")
            print(f"| `wc -l` of it | {count / wc / 1e3:.0f} k lines/s |")
            print(f"| memory, at most | {serve.memory('VmHWM'):.0f} MB |")
        finally:
            serve.end()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--peak-lines", type=int, default=3_000_000)
    options = parser.parse_args()
    print(measure.machine())
    print("\n| | |\n|---|---|")
    if options.peak_lines:
        peak(options.peak_lines)
    if options.minutes:
        steady(options.minutes, options.rate)


if __name__ == "__main__":
    main()

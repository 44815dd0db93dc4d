"""What a live service stores a day, and how long a commit takes: a day of minutes, committed one by one.

    python bench/storage.py [--routes 100] [--rate 1000] [--minutes 1440] [--state-mb 3] [--anomalies 20] [--url URL]

Each minute closes a window of the service and of each route (busier ones take more of the requests, by Zipf's law),
and replaces an engine state that cannot be compressed. Latencies come from a log-bucket histogram, as the engine's do.
Anomalies are spread over the day, each with evidence of common size. Size is that of the database after a checkpoint.
"""

import argparse
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

import measure
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, Entity, EntityKind, Evidence, Formula, Severity
from vedette.schema.live import Commit
from vedette.schema.records import WindowRecord
from vedette.storage import WindowFilter, open_live_store
from vedette.storage.live import Retention

MINUTE = 60_000_000
DAY = 1440 * MINUTE
BINS = 0.001 * 1.09 ** np.arange(120)
"""Seconds: middles of a histogram's bins, as far apart as the engine's."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--routes", type=int, default=100, help="of one service")
    parser.add_argument("--rate", type=float, default=1000, help="requests a second")
    parser.add_argument("--minutes", type=int, default=1440, help="how long; sizes are scaled to a day")
    parser.add_argument("--state-mb", type=float, default=3, help="of the engine")
    parser.add_argument("--anomalies", type=int, default=20, help="a day")
    parser.add_argument("--url", help="another store than a new SQLite file; its size is not measured then")
    arguments = parser.parse_args()
    print(measure.machine())
    with tempfile.TemporaryDirectory(prefix="vedette-bench-") as place:
        file = Path(place) / "v.db"
        run(arguments, arguments.url or f"sqlite:///{file}", file)


def run(arguments: argparse.Namespace, url: str, file: Path) -> None:
    rng = np.random.default_rng(1)
    state = rng.bytes(int(arguments.state_mb * 1e6))
    walls, cpu = [], 0.0
    with open_live_store(url) as store:
        # A state is replaced by one of another length while it is still there: room for two is taken once.
        for extra in range(10):
            store.commit(commit(0, state[extra * 100 :], [], []))
        empty = size(file)
        for minute in range(arguments.minutes):
            windows = windows_of(rng, minute, arguments.routes, arguments.rate)
            share = arguments.anomalies / 1440
            found = [anomaly(minute)] if int((minute + 1) * share) > int(minute * share) else []
            one = commit(minute, state[minute % 1000 :], windows, found)
            begun, used = time.perf_counter(), time.process_time()
            store.commit(one)
            walls.append(time.perf_counter() - begun)
            cpu += time.process_time() - used
        grown = size(file) - empty
        scale = 1440 / arguments.minutes
        walls.sort()
        print(f"| stored a day ({arguments.routes} routes, {arguments.anomalies} anomalies) | MB |")
        print("|---|---|")
        if not arguments.url:
            print(f"| the database grows by | {grown * scale / 1e6:.1f} |")
            print(f"| and has once: room for the state, empty tables | {empty / 1e6:.1f} |")
            for name, taken in by_table(file):
                print(f"| of it {name} | {taken * scale / 1e6:.2f} |")
        print(f"\n| a commit ({arguments.state_mb:g} MB of state) | ms |\n|---|---|")
        print(f"| median | {1e3 * statistics.median(walls):.1f} |")
        print(f"| 99 of 100 within | {1e3 * walls[int(0.99 * len(walls))]:.1f} |")
        print(f"| CPU | {1e3 * cpu / len(walls):.2f} |")
        print("\n| a page of 1,000 windows | ms |\n|---|---|")
        for name, route in (("of the service", None), ("of a route", "/api/v1/resource-7/{}")):
            begun = time.perf_counter()
            page = store.windows(WindowFilter(service="shop", route=route), limit=1000)
            print(f"| {name} | {1e3 * (time.perf_counter() - begun):.1f} ({len(page.items)}) |")
        used = time.process_time()
        kept = Retention(windows=None, fine_windows=0, anomalies=None, alerts=None, audits=None)
        removed = store.prune(2 * DAY, kept)
        print(f"\nRolled up {removed['rolled_up']} blocks in {time.process_time() - used:.2f} s of CPU time.")


def windows_of(rng: np.random.Generator, minute: int, routes: int, rate: float) -> list[WindowRecord]:
    share = 1 / np.arange(1, routes + 1)
    daily = 1 + 0.6 * np.sin(2 * np.pi * minute / 1440)
    requests = rng.poisson(60 * rate * daily * share / share.sum())
    rows = [row(rng, minute, None, int(requests.sum()))]
    rows += [
        row(rng, minute, f"/api/v1/resource-{number}/{{}}", int(count))
        for number, count in enumerate(requests)
        if count
    ]
    return rows


def row(rng: np.random.Generator, minute: int, route: str | None, requests: int) -> WindowRecord:
    p50, p95, p99 = (float(BINS[min(int(rng.normal(middle, 2)), len(BINS) - 1)]) for middle in (35, 60, 75))
    return WindowRecord(
        service="shop",
        route=route,
        start=minute * MINUTE,
        span_s=60,
        requests=requests,
        errors_4xx=int(rng.poisson(0.03 * requests)),
        errors_5xx=int(rng.poisson(0.002 * requests)),
        bytes_in=int(requests * rng.normal(450, 20)),
        bytes_out=int(requests * rng.normal(12_000, 2000)),
        timed=requests,
        latency_p50_s=p50,
        latency_p95_s=p95,
        latency_p99_s=p99,
        distinct_clients=int(rng.binomial(requests, 0.3)),
    )


def anomaly(minute: int) -> Anomaly:
    return Anomaly(
        id=f"a{minute:016x}",
        type=AnomalyType.ERROR_SPIKE,
        severity=Severity.HIGH,
        score=0.9,
        start=minute * MINUTE,
        end=(minute + 5) * MINUTE,
        service="shop",
        route="/api/v1/resource-7/{}",
        entity=Entity(EntityKind.ROUTE, "shop /api/v1/resource-7/{}"),
        detector="errors.ratio",
        observed=0.4,
        expected=Band(0.0, 0.01, 0.05),
        threshold=0.1,
        sample_count=200,
        unit="ratio",
        formula=Formula("ratio_high", {"value": 9.0, "exposure": 11.0, "mean": 0.001}, 12.5),
        description="9 of 11 requests failed with 5xx (82 %); usual are 0 to 17 % (from 54 windows). " * 2,
        evidence=tuple(Evidence("access.log", line, "x" * 250) for line in range(3)),
    )


def commit(minute: int, state: bytes, windows: list[WindowRecord], anomalies: list[Anomaly]) -> Commit:
    return Commit(
        time=minute * MINUTE,
        state=state,
        positions={"access.log": b"%064d" % minute},
        windows=tuple(windows),
        anomalies=tuple(anomalies),
    )


def size(file: Path) -> int:
    """Of an SQLite file, with what its log holds written into it."""
    if not file.exists():
        return 0
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return file.stat().st_size


def by_table(file: Path) -> list[tuple[str, int]]:
    """Bytes of the largest tables and indexes, where this SQLite can tell."""
    connection = sqlite3.connect(file)
    try:
        query = "SELECT name, sum(pgsize) AS taken FROM dbstat GROUP BY name ORDER BY taken DESC LIMIT 5"
        return [(name, taken) for name, taken in connection.execute(query) if name != "live_state"]
    except sqlite3.OperationalError:
        return []
    finally:
        connection.close()


if __name__ == "__main__":
    main()
